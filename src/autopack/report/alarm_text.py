"""What alarms would have saved and lost, as a table."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from autopack.prediction.running.alarm_scores import AlarmScore
from autopack.report.quantities import count, seconds, usd
from autopack.values.money import Usd

_HEADER: Final = (
    "| alarm | raised in | did not end well | used after it | ended well | used before it |"
)
_RULE: Final = "|---|--:|--:|--:|--:|--:|"
_MEANT: Final = (
    "Had each attempt been looked at while it ran: past what the share tau of those like it used "
    "that had ended well by then. `stop` saves what those used after it that did not end well, and "
    "loses what those had used that did; `ask` saves and loses what a person decides; `note` "
    "neither. Later attempts at the phases are not reckoned with."
)


def alarm_lines(scores: Iterable[AlarmScore]) -> Iterator[str]:
    """Yield a line for each measure and tau, and what they mean."""
    yield from (_HEADER, _RULE)
    for one in scores:
        yield (
            f"| {one.measure}:{one.tau:g} | {one.alarmed:,} of {one.judged:,} | {one.failed:,} "
            f"| {_used(one.saved_tokens, one.saved_usd, one.saved_s)} | {one.completed:,} "
            f"| {_used(one.lost_tokens, one.lost_usd, one.lost_s)} |"
        )
    yield from ("", _MEANT)


def alarm_json(score: AlarmScore) -> dict[str, Any]:
    """Return a score as JSON-simple values; amounts are texts, seconds have a thousandth."""
    figures = attrs.asdict(score, recurse=False)
    return {
        name: str(value) if isinstance(value, Usd) else _rounded(value)
        for name, value in figures.items()
    }


def _used(tokens: int, amount: Usd, took_s: float) -> str:
    if not (tokens or took_s):
        return ""
    cost = f", {usd(amount)} USD" if amount else ""
    return f"{count(tokens, 'token')}{cost}, {seconds(took_s)}"


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
