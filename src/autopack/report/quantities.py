"""Counts, money, spans and moments as people say them, in every text for people."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from autopack.ports.measures import Figure, Measure

_PLACES: Final = 4
_LEAST_PLACES: Final = 2
_LEAST: Final = Decimal("0.00005")
_MINUTE_S: Final = 60


def count(n: int, noun: str, nouns: str | None = None) -> str:
    """Return, for example, ``1 phase`` or ``12,000 phases``; *nouns* is an odd plural."""
    return f"{n:,} {noun if n == 1 else nouns or f'{noun}s'}"


def usd(amount: Decimal | float) -> str:
    """Return dollars to the cent, small ones to its hundredth: ``1,204.10``, ``0.0132``."""
    if 0 < amount < _LEAST:
        return "under 0.0001"
    whole, _, places = f"{amount:,.{_PLACES if amount < 1 else _LEAST_PLACES}f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(_LEAST_PLACES, '0')}"


def figure_text(by: Measure, figure: Figure) -> str:
    """Return an amount in a measure: ``0.0132 USD``, ``12,000 tokens``, ``2.4 calls``."""
    if by == "cost_usd":
        return f"{usd(figure)} USD"
    return f"{figure:,.1f} calls" if by == "calls" else f"{figure:,.0f} tokens"


def span(left: timedelta) -> str:
    """Return a span in its two largest units: ``3 h 12 min``."""
    minutes, seconds = divmod(max(0, round(left.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    first = next((n for n, (figure, _unit) in enumerate(units) if figure), len(units) - 1)
    told = [f"{figure} {unit}" for figure, unit in units[first : first + 2] if figure]
    return " ".join(told) or "0 s"


def seconds(n: float) -> str:
    """Return how long something took: ``0.4 s``, ``2 min 5 s``."""
    return f"{n:.1f} s" if round(n, 1) < _MINUTE_S else span(timedelta(seconds=n))


def moment(at: datetime, now: datetime) -> str:
    """
    Return a moment by this machine's clock: ``14:03``, ``tomorrow 00:03``, or with its date.

    Args:
        now: What today is gone by.
    """
    there, day = at.astimezone(), now.astimezone().date()
    if there.date() == day:
        return f"{there:%H:%M}"
    named = {-1: "yesterday", 1: "tomorrow"}.get((there.date() - day).days)
    if named is not None:
        return f"{named} {there:%H:%M}"
    return f"{there:%Y-%m-%d %H:%M}"
