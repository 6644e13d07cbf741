"""Setting and lifting: read the stream, fold it, decide, append; again if another was faster."""

from collections.abc import Callable, Iterable
from typing import Any

from autopack import Log, Recorded
from autopack.errors import InvalidInputError, VersionConflictError
from autopack_freeze.events import STREAM, FreezeEvent, FreezeLifted, FreezeSet
from autopack_freeze.held import FREEZES, Freeze


def freezes(log: Log) -> list[Freeze]:
    """Return the freezes that hold, the oldest first."""
    return list(_folded(log.read(STREAM)).values())


def freeze(log: Log, name: str, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """Let nobody begin a drain; nothing is recorded if a freeze of that name holds already."""

    def decide(held: dict[str, Freeze]) -> list[FreezeEvent]:
        return [] if name in held else [FreezeSet(name=name, by=actor, why=why)]

    return _decided(log, decide)


def lift(log: Log, name: str, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """
    End a freeze.

    Raises:
        InvalidInputError: No freeze of that name holds; lists those that do.
    """

    def decide(held: dict[str, Freeze]) -> list[FreezeEvent]:
        if name not in held:
            known = ", ".join(held) or "none"
            raise InvalidInputError(f"No freeze {name!r} holds. Those that do: {known}.")
        return [FreezeLifted(name=name, by=actor, why=why)]

    return _decided(log, decide)


def _decided(
    log: Log, decide: Callable[[dict[str, Freeze]], list[FreezeEvent]]
) -> list[Recorded[Any]]:
    while True:
        before = list(log.read(STREAM))
        events = decide(_folded(before))
        try:
            return log.append(STREAM, events, expected_version=len(before)) if events else []
        except VersionConflictError:
            continue  # another process set or lifted one in between


def _folded(recorded: Iterable[Recorded[Any]]) -> dict[str, Freeze]:
    held: dict[str, Freeze] = {}
    for one in recorded:
        row = FREEZES.project(held.pop(one.event.name, None), one)
        if row is not None:
            held[row.name] = row
    return held
