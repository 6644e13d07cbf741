"""What a drain says of itself in the log: on a stream of its own, in order."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from autopack.draining.attempts.machine_faults import hindrance_of
from autopack.log.log import Log
from autopack.ports.log import ANY
from autopack.values.ids import drain_stream

_AT_ONCE: Final = 500
_PACKAGES: Final = ("autopack", "attrs", "msgspec", "pluggy")


class OwnStream:
    """A drain's own stream; what the machine hinders is kept, and recorded before what follows."""

    def __init__(self, log: Log, drain_id: str) -> None:
        self._log, self._name = log, drain_stream(drain_id)
        self._untold: list[Any] = []

    def append(self, *events: Any) -> None:
        """Record events, after those that were kept."""
        self.catch_up()
        self._log.append(self._name, events, expected_version=ANY)

    def append_past(self, event: Any) -> None:
        """Record an event, and leave what was kept: whoever keeps it is held."""
        self._log.append(self._name, [event], expected_version=ANY)

    def tell(self, *events: Any) -> None:
        """Record events as soon as the machine lets us."""
        self._untold += events
        try:
            self.catch_up()
        except Exception as fault:
            if not hindrance_of(fault):
                raise

    def catch_up(self) -> None:
        """Record what was kept."""
        while some := self._untold[:_AT_ONCE]:
            self._log.append(self._name, some, expected_version=ANY)
            del self._untold[: len(some)]


def versions() -> dict[str, str]:
    """Return the versions of what a drain rests on, for its start."""
    return {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"
