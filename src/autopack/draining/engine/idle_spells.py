"""The spells in which a drain takes nothing: how long they last, and what ends them."""

import asyncio
import contextlib
import time
from datetime import datetime
from typing import Final

from autopack.draining.engine.drain_session import DrainSession
from autopack.draining.engine.workers import Workers
from autopack.draining.queue.idle_wait import seconds_until

_LOOK_S: Final = 0.25


class IdleSpells:
    """Waits for whatever lets a drain go on, and tells for how long nothing was in work."""

    def __init__(self, session: DrainSession, workers: Workers) -> None:
        self._session, self._workers = session, workers
        self._since_s = 0.0

    def begin(self) -> None:
        """Count from now on."""
        self._since_s = time.monotonic()

    def seconds(self, *, is_at_work: bool) -> float:
        """Return how long nothing was in work; 0 while something is."""
        now_s = time.monotonic()
        if is_at_work:
            self._since_s = now_s
        return now_s - self._since_s

    async def end(self, changed: asyncio.Event, look_at: datetime | None) -> None:
        """
        Wait for something new, and no longer than until the next look.

        Args:
            changed: Set when an attempt ended, or somebody wants the drain to look.
            look_at: When a phase is ready by time alone, if one is.
        """
        wait_s = _LOOK_S
        if self._workers.control.paused is None:
            polled_at = self._session.submitted.next_at(self._session.now())
            look_at = min(filter(None, (look_at, polled_at)), default=None)
        if look_at is not None:
            clock = self._session.journal.clock
            until_s = seconds_until(clock, look_at, is_idle=self._workers.is_idle)
            wait_s = min(wait_s, max(until_s, 0.001))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), wait_s)
