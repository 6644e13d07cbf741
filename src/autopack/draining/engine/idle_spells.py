"""The spells in which a drain takes nothing: how long they last, what it says, and their end."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from autopack.draining.engine.drain_session import DrainSession
from autopack.draining.engine.workers import Workers
from autopack.draining.queue.hold_reasons import in_words
from autopack.draining.queue.idle_wait import seconds_until
from autopack.report.quantities import count

_LOOK_S: Final = 0.25
_QUIET_S: Final = 2.0
_TOGETHER_S: Final = 0.1
_WORTH_TELLING_S: Final = 1.0


class IdleSpells:
    """
    Waits for whatever lets a drain go on, and tells for how long nothing was in work.

    Where the place of the log tells of news, one that has nothing in work waits for that, and looks
    by itself only now and then: many may wait for work at one server.
    """

    def __init__(self, session: DrainSession, workers: Workers) -> None:
        self.words: str | None = None
        self._session, self._workers = session, workers
        self._is_told = self._is_quiet = self._has_news = False
        self._since_s = 0.0
        self._told_of: tuple[int, int, int] | None = None

    @contextlib.contextmanager
    def hearing(self, wake: Callable[[], None]) -> Iterator[None]:
        """
        Count from now on, and hear of news in the block.

        Args:
            wake: Ends a wait, from any thread.
        """

        def hear() -> None:
            if self._is_quiet:
                self._has_news = True
                wake()

        self._since_s = time.monotonic()
        with self._session.journal.hearing_news(hear) as self._is_told:
            yield

    def seconds(self, *, is_at_work: bool) -> float:
        """Return how long nothing was in work; 0 while something is."""
        now_s = time.monotonic()
        if is_at_work:
            self._since_s, self.words, self._told_of = now_s, None, None
        return now_s - self._since_s

    async def end(self, changed: asyncio.Event, look_at: datetime | None) -> None:
        """
        Wait for something new, and no longer than until the next look.

        Args:
            changed: Set when an attempt ended, or somebody wants the drain to look.
            look_at: When a phase is ready by time alone, if one is.
        """
        self._tell()
        self._is_quiet = self._is_told and self._workers.is_idle
        wait_s = _QUIET_S if self._is_quiet else _LOOK_S
        if self._workers.control.paused is None:
            polled_at = self._session.submitted.next_at(self._session.now())
            look_at = min(filter(None, (look_at, polled_at)), default=None)
        if look_at is not None:
            clock = self._session.journal.clock
            until_s = seconds_until(clock, look_at, is_idle=self._workers.is_idle)
            wait_s = min(wait_s, max(until_s, 0.001))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), wait_s)
        self._is_quiet = False
        if self._has_news:  # what comes together is looked at once
            self._has_news = False
            await asyncio.sleep(_TOGETHER_S)

    def _tell(self) -> None:
        """Say what a drain that stays waits for, once it has done so for a moment."""
        session, admission = self._session, self._session.admission
        if session.settings.when_empty != "wait" or not self._workers.is_idle or admission.ready:
            self.words = None
            return
        if time.monotonic() - self._since_s < _WORTH_TELLING_S:
            return
        stands = (admission.follower.position, admission.n_waiting, len(admission.live))
        if stands != self._told_of:
            self._told_of = stands
            said = ["waiting for work"]
            if admission.live:
                said.append(f"{count(len(admission.live), 'phase')} in work elsewhere")
            if admission.n_waiting:
                why = in_words(admission.reasons.values())
                said.append(f"{count(admission.n_waiting, 'phase')} waiting: {why}")
            self.words = "; ".join(said)
