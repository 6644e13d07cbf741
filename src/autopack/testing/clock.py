"""A clock that is moved by hand, and by drains that would wait."""

from datetime import UTC, datetime, timedelta

from autopack.errors import InvalidInputError

_START = datetime(2026, 1, 1, 12, tzinfo=UTC)


class VirtualClock:
    """
    Seconds since 1970, as a log asks for them; they pass when they are told to.

    Give it to a log as its ``clock``: ``create_log("memory:", clock=VirtualClock())``.

    A drain that has nothing in work and waits for a moment (a back-off, a rate, what a strategy
    waits for) moves the clock there, so that a test of retries takes no time. Deadlines, leases
    and ``max_minutes`` go by the machine's steady clock, and take the time that they take.

    Args:
        start: The first moment, aware; noon of the first day of 2026 if not given.
        jumps: False leaves all moving to the test. A drain that backs off then waits until
            :meth:`advance` is called, from another thread or by the executor: on its own it
            would wait for ever. ``backoff_base_s=0`` makes it wait for nothing.
    """

    def __init__(self, start: datetime = _START, *, jumps: bool = True) -> None:
        self.now, self.jumps = start, jumps

    def __call__(self) -> float:
        """Return the moment as a log reads it."""
        return self.now.timestamp()

    def advance(self, step: timedelta | float) -> datetime:
        """Let time pass, in seconds or as a ``timedelta``, and return the new moment."""
        by = step if isinstance(step, timedelta) else timedelta(seconds=step)
        if by < timedelta(0):
            raise InvalidInputError(
                f"Time does not go back by {-by}; set now to another moment.",
                name="step",
                value=step,
            )
        self.now += by
        return self.now

    def idle_until(self, moment: datetime) -> None:
        """Let time pass up to a moment for which a drain would wait, if this clock jumps."""
        if self.jumps:
            self.now = max(self.now, moment)
