"""Virtual time that several drains share: it passes once everybody sleeps."""

import asyncio
import heapq
import itertools
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

_QUIET_S: Final = 0.004
"""How long nothing new may happen before time passes; what is slower sees it pass too early."""

_STUCK_S: Final = 5.0


class KilledError(BaseException):
    """The drain's process is no more."""


class WorldTime:
    """
    Seconds since 1970, which pass from one sleeper's moment to the next.

    Args:
        now_s: The first moment.
    """

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        self.clocks: list[DrainClock] = []
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.changes = 0
        self.is_enough = False

    def at(self, moment_s: float, act: Callable[[], None]) -> None:
        """Do something at a moment; the sleepers' own waking is such an act."""
        with self.lock:
            heapq.heappush(self._heap, (moment_s, next(self._count), act))
            self.touch()

    def touch(self) -> None:
        """Take note that something happened, so that time waits a little for what follows."""
        with self.lock:
            self.changes += 1
            self.changed.notify_all()

    def pass_until(self, end_s: float) -> None:
        """Let time pass, and act, until a moment, or until somebody has seen enough."""
        while True:
            with self.lock:
                self._settle()
                if self.is_enough or not self._heap or self._heap[0][0] > end_s:
                    self.now_s = end_s
                    return
                moment_s, _n, act = heapq.heappop(self._heap)
                self.now_s = max(self.now_s, moment_s)
                act()
                self.touch()

    def _settle(self) -> None:
        """
        Wait until all drains sleep, and nothing has changed for a little.

        One that only waits for another never says so: after a while it counts as asleep, until it
        does something.
        """
        seen = -1
        while seen != self.changes:
            seen = self.changes
            self.changed.wait(_QUIET_S)
            awake = [clock for clock in self.clocks if not clock.sleeps]
            if seen == self.changes and awake and not self.changed.wait(_STUCK_S):
                for clock in awake:
                    clock.is_stuck = True


class DrainClock:
    """
    The clock of a drain's machine: the world's time, and by how much it is wrong.

    A drain that has nothing in work blocks in :meth:`idle_until`; its attempts in work sleep by
    :meth:`sleep`.
    """

    def __init__(self, world: WorldTime) -> None:
        self._world, self.wrong_by_s = world, 0.0
        self._in_work = 0
        self._asleep: set[object] = set()
        self._idle: threading.Event | None = None
        self.is_dead = self.is_over = self.is_stuck = False
        with world.lock:
            world.clocks.append(self)

    def __call__(self) -> float:
        """Return the moment as the drain's log reads it."""
        return self._world.now_s + self.wrong_by_s

    @property
    def sleeps(self) -> bool:
        """Whether the drain can do nothing before time passes."""
        if self.is_over or self.is_stuck or self._idle is not None:
            return True
        return 0 < self._in_work == len(self._asleep)

    def idle_until(self, moment: datetime) -> None:
        """Wait for a moment, while nothing is in work."""
        woken = threading.Event()
        with self._world.lock:
            self.is_stuck = False
            if self.is_over or moment.timestamp() <= self():
                return
            self._idle = woken
            self._world.at(moment.timestamp() - self.wrong_by_s, woken.set)
        woken.wait()
        with self._world.lock:
            self._idle = None
        if self.is_dead:
            raise KilledError

    async def sleep(self, seconds: float) -> None:
        """Let an attempt in work take its time."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        with self._world.lock:
            self._asleep.add(woken)
            self._world.at(self._world.now_s + seconds, lambda: self._wake(loop, woken))
        try:
            await woken.wait()
        finally:
            with self._world.lock:
                self._asleep.discard(woken)
                self._world.touch()
        if self.is_dead:
            raise KilledError

    def _wake(self, loop: asyncio.AbstractEventLoop, woken: asyncio.Event) -> None:
        self._asleep.discard(woken)
        if not loop.is_closed():
            loop.call_soon_threadsafe(woken.set)

    def begun(self) -> None:
        """Take note that an attempt is in work."""
        with self._world.lock:
            self._in_work += 1
            self.is_stuck = False
            self._world.touch()

    def ended(self) -> None:
        """Take note that an attempt is in work no more."""
        with self._world.lock:
            self._in_work -= 1
            self.is_stuck = False
            self._world.touch()

    def jump(self, by_s: float) -> None:
        """Let somebody set the machine's clock; a drain that waits looks at it anew."""
        with self._world.lock:
            self.wrong_by_s = by_s
            self.rouse()

    def rouse(self) -> None:
        """Let a drain that waits look at once."""
        with self._world.lock:
            if self._idle is not None:
                self._idle.set()

    def over(self) -> None:
        """Take note that the drain is no more."""
        with self._world.lock:
            self.is_over = True
            self._world.touch()
