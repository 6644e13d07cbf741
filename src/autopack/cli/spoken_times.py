"""Moments as people say them: dates, times of day, yesterday, so long ago."""

import re
from datetime import datetime, time, timedelta
from typing import Final

_AGO: Final = re.compile(r"-\s*(\d{1,6})\s*([smhdw])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAYS: Final = {"today": 0, "yesterday": 1}


def moment_of(text: str, now: datetime) -> datetime | None:
    """
    Return the moment that a text says, aware; None if it says none.

    Args:
        now: Now, with the zone in which a time without one is meant.
    """
    said = " ".join(text.strip().split())
    if said.lower() == "now":
        return now
    if found := _AGO.fullmatch(said):
        return now - timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    word, _, rest = said.partition(" ")
    if word.lower() in _DAYS:
        return _at(now, _DAYS[word.lower()], rest or "00:00")
    if (of_day := _at(now, 0, said)) is not None:
        return of_day if of_day <= now else _at(now, 1, said)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return moment if moment.tzinfo else _in_zone(moment, now)


def _at(now: datetime, days_ago: int, clock: str) -> datetime | None:
    """Return a time of day, so many days ago."""
    try:
        of_day = time.fromisoformat(clock)
    except ValueError:
        return None
    if ":" not in clock or of_day.tzinfo is not None:
        return None
    day = now.date() - timedelta(days=days_ago)
    return _in_zone(datetime.combine(day, of_day), now)


def _in_zone(moment: datetime, now: datetime) -> datetime:
    """Return a moment as the clocks of *now*'s place showed it; theirs may have changed since."""
    is_local = now.tzinfo == now.astimezone().tzinfo
    return moment.astimezone() if is_local else moment.replace(tzinfo=now.tzinfo)
