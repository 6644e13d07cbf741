"""What a session used, as sums that run on: what of them is new, and which are the greatest."""

from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.attempts.read_figures import Figures, added
from autopack.draining.attempts.recorded_sessions import TOKEN_FIELDS
from autopack.events.usage import HOUR_WRITES
from autopack.values.money import Usd

COUNTS: Final = (*TOKEN_FIELDS, HOUR_WRITES)


def total(figures: Mapping[str, Any]) -> int | None:
    """Return input and output together; None if neither is known."""
    return added(figures.get("input_tokens"), figures.get("output_tokens"))


def is_nothing(figures: Mapping[str, Any]) -> bool:
    """Tell whether no figure says that anything was used: then there was no call."""
    return not any(figures.get(name) for name in (*COUNTS, "cost_usd"))


def together(one: Mapping[str, Any], other: Mapping[str, Any]) -> Figures:
    """Return two figures added up; what only one of them knows is its alone."""
    found: Figures = {name: added(one.get(name), other.get(name)) for name in COUNTS}
    costs = [figures["cost_usd"] for figures in (one, other) if figures.get("cost_usd") is not None]
    return {**found, "cost_usd": sum(costs[1:], costs[0]) if costs else None}


def beyond(now: Mapping[str, Any], before: Mapping[str, Any]) -> Figures:
    """
    Return what a running sum has added to its greatest figures so far, bucket by bucket.

    One bucket that goes back a little has added nothing. If all go back, the sum began anew.
    """
    if not before or begins_anew(now, before):
        return dict(now)
    found: Figures = {
        name: max(0, now[name] - (before.get(name) or 0))
        for name in COUNTS
        if now.get(name) is not None
    }
    cost = now.get("cost_usd")
    if cost is not None:
        found["cost_usd"] = max(Usd(), cost - (before.get("cost_usd") or Usd()))
    return _possible(found)


def greatest(now: Mapping[str, Any], before: Mapping[str, Any]) -> Figures:
    """Return the greatest figures of a running sum so far; those of now if it began anew."""
    if not before or begins_anew(now, before):
        return dict(now)
    names = {name for figures in (now, before) for name in figures if name in (*COUNTS, "cost_usd")}
    known = {name: [f[name] for f in (now, before) if f.get(name) is not None] for name in names}
    return {name: max(values) if values else None for name, values in known.items()}


def begins_anew(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Tell whether every figure that was above 0 has gone back."""
    pairs = [
        (now[name], before[name])
        for name in TOKEN_FIELDS
        if now.get(name) is not None and before.get(name)
    ]
    return bool(pairs) and all(figure < earlier for figure, earlier in pairs)


def _possible(figures: Figures) -> Figures:
    """Return figures whose parts are no larger than their wholes."""
    for whole_, parts in (
        ("input_tokens", ("cache_write_tokens", "cache_read_tokens")),
        ("output_tokens", ("reasoning_tokens",)),
        ("cache_write_tokens", (HOUR_WRITES,)),
    ):
        left = figures.get(whole_)
        for part in parts if left is not None else ():
            if figures.get(part) is not None:
                figures[part] = min(figures[part], left)
                left -= figures[part]
    return figures
