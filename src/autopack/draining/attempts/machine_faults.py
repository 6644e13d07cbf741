"""What the machine is to blame for, and no phase: waited out, told once, and not for ever."""

import errno
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

from autopack.draining.attempts.storable_text import words_of
from autopack.draining.attempts.threads import is_on_loop
from autopack.errors import (
    LogBusyError,
    LogFullError,
    LogHinderedError,
    MachineFaultError,
    VersionConflictError,
)
from autopack.plugins.narrator import Narrator

T = TypeVar("T")

PATIENCE_S: Final = 600.0
"""How long one thing is tried again before the machine is given up."""

NOT_TO_BE_HAD: Final = frozenset(
    {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC}
)
"""What starting a process fails with where the machine has none left, or nothing to make it of."""

_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 30.0
_APART_S: Final = 120.0  # what is further apart than this is no hindrance that goes on
_STRIKES: Final = 3
_CAUSES_MOST: Final = 8
_ERRNOS: Final = frozenset(
    getattr(errno, name)
    for name in ("EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "EDQUOT", "EIO")
    if hasattr(errno, name)
)
_WORDS: Final[dict[type[BaseException], tuple[str, ...]]] = {
    RuntimeError: ("can't start new thread", "can't allocate lock"),
    ValueError: ("no reason supplied",),  # what hashlib says without memory
}
"""What Python itself raises for want of memory or threads, where it gives no kind of its own."""

_LOGS: Final = (LogBusyError, LogFullError, LogHinderedError, VersionConflictError)
_narrator: Final = Narrator("autopack.drain")


def hindrance_of(fault: BaseException | None) -> str | None:
    """
    Return what hinders the machine, in words; None if the error is not the machine's.

    Such are a log that stays locked or cannot grow, a disk that fails or is full, and a want of
    memory, descriptors, processes or threads; also where they are the cause of another error.
    """
    for _ in range(_CAUSES_MOST):
        if fault is None:
            return None
        if isinstance(fault, (*_LOGS, MachineFaultError, MemoryError)):
            return str(fault) or "there is no memory left"
        if isinstance(fault, OSError) and fault.errno in _ERRNOS:
            return str(fault)
        if words_of(fault) in _WORDS.get(type(fault), ()):
            return f"{fault}: there are no threads or no memory left"
        fault = fault.__cause__
    return None


class Hindrances:
    """
    How long a drain waits for the machine, and whether it has waited long enough.

    Waits are longer each time, until something has gone well again. Any thread.
    """

    def __init__(self) -> None:
        self.why: str | None = None
        self._lock = threading.Lock()
        self._n = self._n_well = 0
        self._since_s = self._last_s = self._until_s = 0.0
        self._well_before: dict[str, int] = {}
        self._strikes: Counter[str] = Counter()

    @property
    def wait_s(self) -> float:
        """How long nothing more is to be begun, in seconds."""
        return 0.0 if self.why is None else max(0.0, self._until_s - time.monotonic())

    @property
    def is_enough(self) -> bool:
        """Whether the machine has hindered again and again for so long that it is given up."""
        return self.why is not None and self._last_s - self._since_s >= PATIENCE_S

    def met(self, why: str) -> None:
        """Take note of a hindrance; those that come at once are one."""
        with self._lock:
            now_s = time.monotonic()
            if self.why is None or now_s - self._last_s > _APART_S:
                self._since_s, self._n = now_s, 0
                what = "the machine hinders the drain: it waits, and no phase is to blame"
                _narrator.warning(what, why=why, for_at_most_s=PATIENCE_S)
            if self.why is None or now_s >= self._until_s:
                self._n += 1
                self._until_s = now_s + wait_s(self._n)
            self.why, self._last_s = why, now_s

    def over(self) -> None:
        """Take note that something has gone well."""
        self._n_well += 1
        if self.why is None:
            return
        with self._lock:
            if self.why is not None:
                took_s = round(time.monotonic() - self._since_s, 1)
                _narrator.warning("the drain goes on", after_s=took_s)
                self.why = None

    def is_of(self, key: str, *, is_paid: bool) -> bool:
        """
        Tell whether a phase is to be left: it always meets with it, and others do not, or it costs.

        It is asked once a time when a phase has met with a hindrance.

        Args:
            is_paid: Whether the attempt has used something, as the next one would again.
        """
        with self._lock:
            if is_paid or self._n_well > self._well_before.get(key, self._n_well):
                self._strikes[key] += 1
            self._well_before[key] = self._n_well
            return self._strikes[key] >= _STRIKES


def wait_s(n: int) -> float:
    """Return how long to wait after the *n*-th hindrance in a row, in seconds."""
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(n, 30))
    return longest * random.uniform(0.5, 1.0)


def patiently(work: Callable[[], T]) -> T:
    """
    Do something, again and again while the machine hinders it, until patience ends.

    On an event loop it is done once: whatever else the loop is for must not wait.
    """
    if is_on_loop():
        return work()
    hindrances = Hindrances()
    while True:
        try:
            found = work()
        except Exception as fault:
            why = hindrance_of(fault)
            if why is None or hindrances.is_enough:
                raise
            hindrances.met(why)
            time.sleep(hindrances.wait_s)
        else:
            hindrances.over()
            return found
