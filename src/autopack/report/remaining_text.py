"""What a phase in work used, and will still use, in words."""

from collections.abc import Sequence
from typing import Final

from autopack.prediction.running.remaining_use import RemainingUse, RunningMeasure
from autopack.report.quantities import count, seconds

_DIGITS: Final = 2


def used_line(calls: int, tokens: int, remaining: Sequence[RemainingUse]) -> str:
    """
    Return what an attempt used so far and will still use, on one line.

    Args:
        remaining: By measure; tokens are told where they are known, else seconds.
    """
    so_far = f"{count(calls, 'call')}, {count(tokens, 'token')} so far" if calls else "no call yet"
    known = {one.measure: one for one in remaining}
    told = known.get("total_tokens") or known.get("seconds")
    return so_far if told is None else f"{so_far}; {remaining_line(told)}"


def remaining_line(found: RemainingUse) -> str:
    """Return between what nine of ten attempts used that got as far, or why nobody can say."""
    like = "like it" if found.like == "all" else f"like it ({found.like})"
    if found.most is None and not found.reached:
        return f"none {like} that ended well used so much"
    if found.most is None:
        return f"only {found.reached:,} {like} used so much: too few to say how it goes on"
    far = " that got this far" if found.used else ""
    return f"of ten {like}{far}, nine used {between(found)}"


def between(found: RemainingUse) -> str:
    """Return how much more that was: ``between 2,000 and 31,000 more``; rounded for people."""
    least, most = (_said(amount, found.measure) for amount in (found.least, found.most or 0.0))
    more = " more" if found.used else ""
    if least in (most, _said(0, found.measure)):
        return f"at most {most}{more}"
    return f"between {least} and {most}{more}"


def amount_words(measure: RunningMeasure, amount: float) -> str:
    """Return an amount with its unit, exactly: ``31,422 tokens``."""
    if measure == "seconds":
        return seconds(amount)
    return count(int(amount), "call" if measure == "calls" else "token")


def _said(amount: float, measure: RunningMeasure) -> str:
    if measure == "seconds":
        return seconds(amount)
    places = _DIGITS - len(str(int(amount)))
    return f"{round(amount, min(0, places)):,.0f}"
