"""When a failed phase is tried again: full-jitter exponential back-off, kept in the log."""

import attrs

from autopack.ports.figures import YEAR_S, check_seconds


@attrs.frozen(kw_only=True)
class Backoff:
    """
    Waits between 0 and ``base_s`` before the second attempt, twice as much before each next one.

    Args:
        base_s: The longest wait before the second attempt, in seconds.
        cap_s: The longest wait before any, but for what a provider asks for.

    Source: AWS Architecture Blog (2015), "Exponential Backoff And Jitter", full jitter.
    """

    base_s: float = 1.0
    cap_s: float = 300.0

    def __attrs_post_init__(self) -> None:
        """Refuse waits that are none."""
        for name, value in (("backoff_base_s", self.base_s), ("backoff_cap_s", self.cap_s)):
            check_seconds(name, value, least=0.0, most=YEAR_S)

    def wait_s(self, attempt: int, *, draw: float, retry_after_s: float | None = None) -> float:
        """
        Return how long to wait after an attempt, in seconds.

        Args:
            attempt: The number of the attempt that failed, from 1.
            draw: A random number from 0 to 1.
            retry_after_s: What the provider asked for; the wait is never shorter.
        """
        longest = min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 60))
        if retry_after_s is None:
            return draw * longest
        return max(0.0, retry_after_s) + draw * min(longest, self.base_s)
