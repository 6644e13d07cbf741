"""How fast phases end, and when the last one will: a plain rate, no promise."""

from datetime import datetime, timedelta


def per_minute(n: float, seconds: float) -> float | None:
    """Return a rate by the minute; None where no time has passed."""
    return n / seconds * 60 if seconds > 0 else None


def expected_end(now: datetime, *, ended: int, seconds: float, left: int) -> datetime | None:
    """Return when *left* phases will have ended at the pace so far; None if nothing has yet."""
    if not left:
        return now
    if ended < 1 or seconds <= 0:
        return None
    return now + timedelta(seconds=left * seconds / ended)
