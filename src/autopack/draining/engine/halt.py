"""When a drain that was told to stop ends, whatever still holds it; and what does."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any, Final

from autopack.draining.attempts.threads import in_thread

HALT_S: Final = 4.0
"""How long after a stop's grace a drain waits for what was cancelled, in seconds."""

HINDERED_S: Final = 20.0
"""How long a drain that was told to stop waits for a log that it cannot write, in seconds."""

_LAST_S: Final = 1.0
LOOK_S: Final = 0.25


class Halt:
    """
    The moment from which a drain waits for nothing more. Any thread.

    It is known once somebody has said how long the work may go on.
    """

    def __init__(self) -> None:
        self._grace_ends = math.inf
        self._is_asked = False
        self._hindered_since_s: float | None = None

    @property
    def is_releasing(self) -> bool:
        """Whether the grace is over: what is in work is given back."""
        return time.monotonic() >= self._grace_ends

    @property
    def is_over(self) -> bool:
        """Whether what was cancelled has had its time to end, too."""
        return time.monotonic() >= self._grace_ends + HALT_S

    def after(self, grace_s: float) -> None:
        """Let the grace end so soon, unless it ends sooner."""
        self._grace_ends = min(self._grace_ends, time.monotonic() + grace_s)

    def ask(self, grace_s: float | None) -> None:
        """Take note of a stop; without a grace the work may end, while the log can be written."""
        self._is_asked = True
        if grace_s is not None:
            self.after(grace_s)

    def look(self, *, is_hindered: bool) -> None:
        """Let the grace of a stop end where the log cannot be written for long, if it has none."""
        if not (self._is_asked and is_hindered):
            self._hindered_since_s = None
            return
        now_s = time.monotonic()
        if self._hindered_since_s is None:
            self._hindered_since_s = now_s
        if now_s - self._hindered_since_s >= HINDERED_S:
            self.after(0)


class WorkUnderWay:
    """What executors were called for, so that what goes on after all can be named. One thread."""

    def __init__(self) -> None:
        self._works: list[tuple[str, asyncio.Future[Any] | Future[Any]]] = []

    def add(self, what: str, work: "asyncio.Future[Any] | Future[Any]") -> None:
        """Take note of some work that was begun; that which has ended is forgotten."""
        self._works = [one for one in self._works if not one[1].done()]
        self._works.append((what, work))

    def names(self) -> list[str]:
        """Return what goes on, in the order in which it was begun."""
        return [what for what, work in list(self._works) if not work.done()]


async def bounded(work: "asyncio.Task[Any]", halt: Halt, is_hindered: Callable[[], bool]) -> bool:
    """
    Wait for a drain's work, but not beyond its *halt*; tell whether it ended.

    *is_hindered* tells whether the log cannot be written just now.

    Raises:
        asyncio.CancelledError: We were cancelled meanwhile, and so is the work: it ended, or was
            given the same time as after a stop.
    """
    cancelled = None
    while not (work.done() or halt.is_over):
        halt.look(is_hindered=is_hindered())
        try:
            await asyncio.wait({work}, timeout=LOOK_S)
        except asyncio.CancelledError as fault:
            cancelled = fault
            halt.after(0)
            work.cancel()
    work.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    if not work.done():
        work.cancel()
    if cancelled is not None:
        raise cancelled
    return work.done()


async def last_acts(acts: Sequence[Callable[[], object]]) -> None:
    """Try some last things at once, each in a thread of its own, which nobody waits for long."""
    begun: list[Future[object]] = []
    for act in acts:
        with contextlib.suppress(RuntimeError):  # no thread is left: its lease ends by itself
            begun.append(in_thread(act, "last act"))
    ends = time.monotonic() + _LAST_S
    while time.monotonic() < ends and wait(begun, timeout=0).not_done:
        await asyncio.sleep(0.01)
