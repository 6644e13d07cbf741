"""Checks of what is installed and set: versions, plugins, variables, the clock."""

import platform
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from autopack.log.addresses import masked, path_of
from autopack.log.backends.sqlite.schema import SQLITE_LEAST
from autopack.plugins.registry import PluginInfo
from autopack.report.doctor_findings import DoctorCheck

_EARLIEST: Final = datetime(2025, 1, 1, tzinfo=UTC)  # nothing was recorded before there was a log
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_QUIET_MOST: Final = 3650  # days without an event, after which the clock is more likely wrong
_REQUIREMENT: Final = re.compile(r"[A-Za-z0-9._-]+")
_BOUND: Final = re.compile(r"(>=|<)\s*([0-9.]+)")


def version_checks() -> Iterator[DoctorCheck]:
    """Look at the versions of this library, of Python, and of SQLite."""
    try:
        yield DoctorCheck("autopack", "ok", version("autopack"))
    except PackageNotFoundError:
        yield DoctorCheck(
            "autopack",
            "warning",
            "not installed: it runs from a folder of sources, so its plugins are not found",
            "Install it with: pip install .",
        )
    yield DoctorCheck(
        "python", "ok", f"{platform.python_version()}, {platform.platform(terse=True)}"
    )
    yield sqlite_check(sqlite3.sqlite_version_info)


def sqlite_check(found: Sequence[int]) -> DoctorCheck:
    """Look whether SQLite knows the tables that a log is made of."""
    text, least = _dotted(found), _dotted(SQLITE_LEAST)
    if tuple(found) >= SQLITE_LEAST:
        return DoctorCheck("sqlite", "ok", text)
    return DoctorCheck(
        "sqlite",
        "fault",
        f"{text}, but a log needs {least}",
        f"Use a Python that is built with SQLite {least} or later.",
    )


def dependency_check(requirements: Iterable[str] | None = None) -> DoctorCheck:
    """Look whether each package that this one requires is there, in a version that it allows."""
    wanted = (requires("autopack") or []) if requirements is None else requirements
    own = [requirement for requirement in wanted if "extra ==" not in requirement]
    missing, outside = [], []
    for requirement in own:
        name = _REQUIREMENT.match(requirement)
        assert name is not None
        try:
            found = version(name[0])
        except PackageNotFoundError:
            missing.append(requirement)
            continue
        if not _is_within(found, requirement):
            outside.append(f"{name[0]} is {found}, not {requirement.removeprefix(name[0])}")
    to_do = "Install autopack again, in an environment of its own."
    if missing:
        return DoctorCheck("dependencies", "fault", f"missing: {', '.join(missing)}", to_do)
    if outside:
        return DoctorCheck("dependencies", "warning", "; ".join(outside), to_do)
    return DoctorCheck(
        "dependencies", "ok", f"{len(own)} packages, each in a version that is allowed"
    )


def plugin_checks(infos: Sequence[PluginInfo]) -> Iterator[DoctorCheck]:
    """Look for plugins that failed; each is named with its distribution."""
    works = [info.name for info in infos if not info.faults]
    yield DoctorCheck("plugins", "ok", f"{len(works)} of {len(infos)} work: {', '.join(works)}")
    for info in infos:
        if info.faults:
            source = f"{info.distribution} {info.version}".strip()
            yield DoctorCheck(
                f"plugin {info.name}",
                "fault",
                f"{source}: {'; '.join(info.faults)}",
                f"Upgrade or remove {info.distribution}; AUTOPACK_DISABLE_PLUGINS=1 works without.",
            )


def variable_checks(environ: Mapping[str, str], target: str | Path | None) -> Iterator[DoctorCheck]:
    """Look at the environment variables that change what a command does."""
    yield _log_variable(environ.get("AUTOPACK_LOG"), target)
    disabled = environ.get("AUTOPACK_DISABLE_PLUGINS")
    if disabled in (None, "", "0"):
        yield DoctorCheck("AUTOPACK_DISABLE_PLUGINS", "ok", "not set")
    else:
        found = f"set to {disabled!r}: only the built-in plugins are loaded"
        yield DoctorCheck(
            "AUTOPACK_DISABLE_PLUGINS", "warning", found, "Unset it to load the others."
        )


def clock_check(now: datetime, last: datetime | None = None) -> DoctorCheck:
    """Look whether the clock can be right, after a log's last event if there is one."""
    told = now.isoformat(timespec="seconds")
    if not _EARLIEST <= now < _LATEST:
        return DoctorCheck("clock", "fault", f"it says {told}, which cannot be", "Set the clock.")
    if last is None:
        return DoctorCheck("clock", "ok", told)
    ahead = last - now
    if ahead.total_seconds() > 0:
        return DoctorCheck(
            "clock",
            "fault" if ahead.days else "warning",
            f"it says {told}, but the last event was recorded at "
            f"{last.isoformat(timespec='seconds')}: it went backwards, or was wrong then",
            "Set the clock. What is recorded before it has passed that time counts as of then, "
            "where a moment is asked for, unless that time turns out to be a day ahead.",
        )
    if (now - last).days > _QUIET_MOST:
        found = f"it says {told}, {(now - last).days // 365} years after the last event"
        return DoctorCheck(
            "clock", "warning", found, "Set the clock, if that is too far in the future."
        )
    return DoctorCheck("clock", "ok", f"{told}, after the last event")


def _log_variable(value: str | None, target: str | Path | None) -> DoctorCheck:
    name = "AUTOPACK_LOG"
    if not value:
        return DoctorCheck(name, "ok", "not set")
    if not value.strip():
        return DoctorCheck(name, "warning", "set to blanks, which name no log", "Unset it.")
    shown = masked(value)
    path = path_of(value)
    if target is not None and str(target).strip() and _place(value) != _place(target):
        return DoctorCheck(
            name,
            "warning",
            f"names {shown}, but --log names {masked(str(target))}",
            "Commands without --log work on the first one: unset it, or set it to the second.",
        )
    if path is not None and not path.is_absolute():
        return DoctorCheck(
            name,
            "warning",
            f"names {shown}, which is another file in each folder",
            f"Set it to {path.absolute()}",
        )
    return DoctorCheck(name, "ok", f"names {shown}")


def _place(target: str | Path) -> str:
    path = path_of(target)
    return str(target) if path is None else str(path.absolute())


def _is_within(found: str, requirement: str) -> bool:
    have = _numbers(found)
    for kind, bound in _BOUND.findall(requirement.partition(";")[0]):
        if (have >= _numbers(bound)) != (kind == ">="):
            return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _dotted(numbers: Sequence[int]) -> str:
    return ".".join(map(str, numbers))
