"""Until when a drain that has nothing to take waits."""

from collections.abc import Callable
from datetime import datetime

from autopack.ports.drain import DrainView


def sooner(view: DrainView, until: datetime | None) -> datetime | None:
    """Return when to ask again: when a phase is ready, or when the strategy said, if later."""
    moments = [view.next_ready_at, until if until is not None and until > view.now else None]
    return min((moment for moment in moments if moment is not None), default=None)


def seconds_until(clock: Callable[[], float], moment: datetime, *, is_idle: bool) -> float:
    """
    Return how many seconds are left until a moment.

    Args:
        clock: The log's. One with a method ``idle_until(moment)`` is told of the wait, and may
            let the time pass: a test's clock does.
        is_idle: Whether nothing is in work, so that nobody else needs the time in between.
    """
    jump = getattr(clock, "idle_until", None)
    if is_idle and jump is not None:
        jump(moment)
    return moment.timestamp() - clock()
