"""Times as tools write them: texts, and numbers whose unit follows from their size."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_UNITS: Final = (1, 1_000, 1_000_000, 1_000_000_000)
_SECONDS: Final = ((_FIRST - _EPOCH).total_seconds(), (_LAST - _EPOCH).total_seconds())
_DIGITS: Final = "0123456789."
_LONGEST: Final = 40


def moment(value: Any) -> datetime | None:
    """
    Return the moment that a text or a number means; None of what means none after 1990.

    A text without a zone is UTC. A number counts seconds, milliseconds, microseconds or
    nanoseconds since 1970, whichever of them lies between 1990 and 2200: no two of them do.
    """
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    for unit in _UNITS:
        if _SECONDS[0] <= value / unit < _SECONDS[1]:
            micros = (
                round(value * 1_000_000 / unit)
                if unit < 1_000_000
                else int(value * 1_000_000 // unit)
            )
            return _EPOCH + timedelta(microseconds=micros)
    return None


def _of_text(text: str) -> datetime | None:
    if len(text) > _LONGEST:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _of_odd_text(text.strip())
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found if _FIRST <= found < _LAST else None


def _of_odd_text(text: str) -> datetime | None:
    if text and all(char in _DIGITS for char in text):
        try:
            return moment(float(text) if "." in text else int(text))
        except ValueError:
            return None
    plain = text.removesuffix(" UTC").removesuffix(" Z").replace(" +", "+")
    return _of_text(plain) if plain != text else None
