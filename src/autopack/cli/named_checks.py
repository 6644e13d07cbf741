"""Which checks a command line means: names, files, JSON, or programs with their arguments."""

import json
import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any

import click


def checks_of(
    registry: Any, texts: Sequence[str], filled: Callable[[str], str] = str
) -> tuple[Any, ...] | None:
    """
    Return the checks that are meant, each of which could be begun; None without any.

    Args:
        filled: What is made of each argument of a program.
    """
    import attrs

    from autopack.api.placed_checks import placed
    from autopack.draining.checks.named_checks import check_ready
    from autopack.ports.check_specs import checks_of as named

    if not texts:
        return None
    specs = [spec for text in texts for spec in named(_meant(registry, text)) or ()]
    specs = [attrs.evolve(one, run=tuple(map(filled, one.run))) for one in specs]
    found = placed(named(specs)) or ()
    check_ready(registry, found)
    return found


def _meant(registry: Any, text: str) -> Any:
    """Return one check, or several, as any place takes them where checks are named."""
    if text in registry.names("check") or _is_place(text):
        return text
    if text.lstrip().startswith(("[", "{")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):  # "[" is a program, too
            pass
    try:
        words = shlex.split(text)
    except ValueError as fault:
        raise click.UsageError(f"--check {text!r}: {fault}.") from None
    if not words:
        raise click.UsageError("--check is empty: give a registered name, or a program.")
    return words


def _is_place(text: str) -> bool:
    """Tell whether ``file.py:name`` is meant: a program may end with a file, or be one."""
    from autopack.plugins.python_files import place_in

    place = place_in(text)
    if place is None:
        return False
    path, name = place
    if not name and os.sep in text and os.access(path, os.X_OK):
        return False
    return len(text.split()) == 1 or path.is_file()
