"""Drains as processes of the week: begun, killed, resumed, and stopped at its end."""

import contextlib
import threading
from pathlib import Path
from typing import Final

from tests.week.world import World
from tests.week.world_time import DrainClock

import autopack
from autopack.log.log import Log

LEASE_S: Final = 8.0
_JOIN_S: Final = 60.0
_AGAIN_S: Final = 600.0
_REFILLED_S: Final = 3600.0


class Hand:
    """
    One who drains by an account, begins again after each kill, and fills up credit that has ended.

    Attributes:
        ends: Why its drains ended, in their order.
        resumed: How often it went on after a kill.
    """

    def __init__(self, world: World, path: Path, account: str, workers: int) -> None:
        self._world, self._path = world, path
        self.account, self.workers = account, workers
        self.drain_id: str | None = None
        self.ends: list[str] = []
        self.kills = self.resumed = 0
        self.is_week_over = False
        self.faults: list[str] = []
        self._log: Log | None = None
        self._drain: autopack.Drain | None = None
        self._thread: threading.Thread | None = None
        self.clock: DrainClock | None = None

    def begin(self) -> None:
        """Begin a drain, or go on with the one that was killed."""
        clock = self.clock = DrainClock(self._world.time)
        log = self._log = autopack.open_log(self._path, clock=clock)
        self._drain = autopack.Drain(
            log,
            executor=self._world.executor(self.account, clock),
            workers=self.workers,
            resumes=self.drain_id,
            lease_s=LEASE_S,
        )
        self.resumed += self.drain_id is not None
        self.drain_id = self._drain.drain_id
        self._thread = threading.Thread(target=self._run, args=(self._drain, log, clock))
        self._thread.start()

    def _run(self, drain: autopack.Drain, log: Log, clock: DrainClock) -> None:
        try:
            report = drain.run()
        except BaseException as fault:  # a killed one ends with whatever its log says
            if not clock.is_dead:
                self.faults.append(f"{self.account}: {type(fault).__name__}: {fault}")
        else:
            self.ends.append(f"{report.reason}: {report.detail}")
            if not self.is_week_over:
                self._mend(report.detail or "")
        finally:
            clock.over()
            with contextlib.suppress(Exception):
                log.close()

    def _mend(self, why: str) -> None:
        """Fill up what has ended, and begin again."""
        time = self._world.time
        if self.account in self._world.no_credit:
            time.at(time.now_s + _REFILLED_S, self._refill)
        else:
            self.faults.append(f"{self.account}: it ended by itself: {why}")

    def _refill(self) -> None:
        """Pay, put back what failed meanwhile, as the drain's report says, and begin again."""
        self._world.no_credit.discard(self.account)
        with autopack.open_log(self._path, clock=lambda: self._world.time.now_s) as log:
            for row in autopack.replay(log, "phases").rows.values():
                if row.status == "FAILED":
                    autopack.requeue(log, row.ref, why="paid")
        self.begin()

    def kill(self) -> None:
        """Take its log and its time away: what it had in work is nobody's until its lease ends."""
        clock, log = self.clock, self._log
        if clock is None or log is None or clock.is_over:
            return
        self.kills += 1
        clock.is_dead = True
        clock.over()
        clock.rouse()
        threading.Thread(target=log.close).start()
        self._world.time.at(self._world.time.now_s + _AGAIN_S, self.begin)

    def jump(self, by_s: float) -> None:
        """Let somebody set its machine's clock."""
        if self.clock is not None:
            self.clock.jump(by_s)

    def stop(self) -> None:
        """Stop at the end of the week; what is in work is given back."""
        self.is_week_over = True
        if self._drain is not None and self.clock is not None:
            self._drain.stop(0)
            self.clock.over()
            self.clock.rouse()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
