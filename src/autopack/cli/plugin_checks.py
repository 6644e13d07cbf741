"""What ``autopack plugins check`` says: in one screen what was asked, what differs, and where."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from autopack.cli.output import say
from autopack.errors import InvalidInputError

if TYPE_CHECKING:
    from autopack.plugins.registry import Registry
    from autopack.testing.plugin_check import Broken, CheckedPart, PluginCheck

_MOST: Final = 3
"""How many of a part's differences are told in full."""
_WIDTH: Final = 200
_ADDRESS: Final = re.compile("0x[0-9a-f]+")


def checked_plugin(
    registry: "Registry", name: str, *, sources: Sequence[Path], live: bool
) -> "PluginCheck":
    """
    Return what the suites say of a plugin.

    Raises:
        InvalidInputError: The kit is not installed.
        UnknownNameError: No plugin has that name.
    """
    if not all(find_spec(name) for name in ("hypothesis", "pytest")):
        raise InvalidInputError(
            "The suites need pytest and Hypothesis: pip install 'autopack[testing]'.",
            name="name",
            value=name,
        )
    from autopack.testing.plugin_check import check_plugin

    return check_plugin(registry, name, sources=sources, live=live)


def say_check(found: "PluginCheck") -> None:
    """Print what was asked of a plugin, and what it does not keep."""
    say(f"{found.plugin} ({found.distribution} {found.version})".replace(" )", ")"))
    for fault in found.faults:
        say(f"  fault: {fault}")
    for part in found.parts:
        _say_part(part)
    if not found.parts:
        say("  provides nothing")
    broken = sum(len(part.broken) for part in found.parts)
    asked = sum(part.asked for part in found.parts)
    if found.is_sound:
        say(f"All {asked} promises are kept." if asked else "Nothing was asked.")
    elif broken:
        say(f"{broken} of {asked} promises are not kept." if asked else "It cannot be used.")


def _say_part(part: "CheckedPart") -> None:
    told = f"  {part.kind} {part.name}: "
    if part.suite is not None:
        kept = part.asked - len(part.broken)
        told += f"{kept} of {part.asked} promises kept ({part.suite})"
    elif not part.broken:
        told += f"not asked: {part.why}"
    say(told)
    alike: dict[tuple[str, str | None], list[Broken]] = {}
    for one in part.broken:
        alike.setdefault((_ADDRESS.sub("", one.says), one.where), []).append(one)
    for group in list(alike.values())[:_MOST]:
        _say_broken(group)
    if len(alike) > _MOST:
        say(f"    and {len(alike) - _MOST} more, which --json shows")


def _say_broken(group: "list[Broken]") -> None:
    first, *others = group
    also = f" So for {len(others)} more." if others else ""
    say(f"    not kept: {first.promise}{also}")
    for line in first.says.splitlines():
        say(f"      {_cut(line)}")
    for line in first.shown:
        say(f"      {_cut(line)}")
    if first.where:
        say(f"      at {first.where}")


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}..."
