"""A clock that is moved by hand."""

from datetime import UTC, datetime, timedelta

from autopack.errors import InvalidInputError

_START = datetime(2026, 1, 1, 12, tzinfo=UTC)


class VirtualClock:
    """
    Seconds since 1970, as a log asks for them; they pass when they are told to.

    Give it to a log as its ``clock``: ``Log(backend, clock=VirtualClock())``.

    Args:
        start: The first moment, aware; noon of the first day of 2026 if not given.
    """

    def __init__(self, start: datetime = _START) -> None:
        self.now = start

    def __call__(self) -> float:
        """Return the moment as a log reads it."""
        return self.now.timestamp()

    def advance(self, step: timedelta | float) -> datetime:
        """Let time pass, in seconds or as a ``timedelta``, and return the new moment."""
        by = step if isinstance(step, timedelta) else timedelta(seconds=step)
        if by < timedelta(0):
            raise InvalidInputError(f"Time does not go back by {-by}; set now to another moment.")
        self.now += by
        return self.now
