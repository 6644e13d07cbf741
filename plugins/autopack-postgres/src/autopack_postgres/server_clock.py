"""The server's clock, as it is known here: one clock for all machines that share a log."""

import threading
import time
from typing import Final

_SET_BACK_US: Final = 1_000_000


class ServerClock:
    """
    What the server said last, and how long ago.

    It is behind the server's by what an answer takes. It goes back only where the server's was set
    back, by more than a second.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said_us, self._at_ns = 0, 0

    def learn(self, now_us: int) -> None:
        """Note what the server said just now, in microseconds since 1970."""
        with self._lock:
            at_ns = time.monotonic_ns()
            known_us = self._us(at_ns)
            if now_us >= known_us or now_us < known_us - _SET_BACK_US:
                self._said_us, self._at_ns = now_us, at_ns

    def now_s(self) -> float:
        """Return the time, in seconds since 1970."""
        with self._lock:
            # Half a microsecond more, so that whole ones are the same again.
            return (self._us(time.monotonic_ns()) + 0.5) / 1e6

    def _us(self, at_ns: int) -> int:
        return self._said_us + (at_ns - self._at_ns) // 1000 if self._at_ns else 0
