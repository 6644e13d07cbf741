"""Until when a provider asks to be left alone: spans, moments and times of day, as told."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autopack.report.failure_words import ends_of

LONGEST_WAIT_S: Final = 32 * 86_400.0
_JUST_GONE: Final = timedelta(minutes=10)
"""A reset that was due so lately is late; it is not tomorrow's."""

"""No window of any plan is longer than a month; what asks for more is misread."""

_SEARCHED_CHARS: Final = 8_000
_UNITS: Final = (
    ("ms", 0.001), ("milli", 0.001), ("d", 86_400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0),
)  # fmt: skip
_UNIT: Final = (
    r"(?:milliseconds?|millis|ms|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|[smhd])"
    r"(?![a-z])"
)
_SPAN: Final = rf"\d{{1,9}}(?:\.\d{{1,9}})?\s*{_UNIT.replace('(?![a-z])', '(?![a-z_-])')}"
_ONE_SPAN: Final = re.compile(rf"(\d{{1,9}}(?:\.\d{{1,9}})?)\s*({_UNIT[:-9]})", re.IGNORECASE)
_SPANS: Final = rf"(?P<spans>\d(?:[\d.\s,]|{_UNIT[:-9]}(?![b-z])|and\s)*+)"
_WORDS: Final = re.compile(
    r"(?P<retry>retry.?after(?P<ms>.?ms)?(?:_s|.?seconds)?|retry.?(?:delay|in\b)|try again (?:in"
    r"|after)"
    r"|(?:re)?try(?:ing)? (?:in|after)|wait(?:ing)? (?:for|at least)?|resets? (?:in|after)"
    r"|available (?:again )?in|resets_in_seconds|reset_after_seconds)"
    r"[\"']?\s*[:=]?\s*[\"'{]?\s*(?:seconds\s*:\s*)?",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(
    r"\d{1,9}(?:\.\d{1,9})?(?![\d:]|\s*(?:attempts?|times|tries|retries|of\b|%))", re.IGNORECASE
)
_IN_SECONDS: Final = re.compile(r"retry.?(?:after|delay)|resets_in|reset_after", re.IGNORECASE)
_EPOCH: Final = re.compile(
    r"(?:limit reached\||reset(?:s|s_at|_at"
    r"|sAt)[\"']?\s*[:=]\s*[\"']?)(?P<epoch>\d{10}(?:\d{3})?)\b",
    re.IGNORECASE,
)
_ISO: Final = re.compile(
    r"(?:retry.?after|try again|resets?(?:.?at)?|available|until)\W{1,4}(?:at |on |again at )?"
    r"(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:Z|UTC|[+-]\d\d:?\d\d)?)",
    re.IGNORECASE,
)
_HTTP_DATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? \d{1,2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d:\d\d"
    r"(?: (?:GMT|UTC|[+-]\d{4}))"
)
_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK: Final = re.compile(
    r"(?:resets?|try again|available again|retry|back)(?: on| at|:)?\s+(?:at |on )?"
    r"(?:(?P<day>tomorrow|mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+(?:at )?"
    r"|(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? (?P<date>\d{1,2})"
    r"(?:st|nd|rd|th)?(?:,? (?P<year>\d{4}))?,?(?:\s+at)?\s+)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?(?::\d\d)?\s?(?P<half>[ap])?\.?(?:m\b)?\.?"
    r"(?:\s?\(?(?P<zone>[A-Z][A-Za-z_]+(?:/[A-Za-z_+-]+){1,2}|UTC|GMT|Z\b)\)?)?",
    re.IGNORECASE,
)
_RESET_HEADERS: Final = ("anthropic-ratelimit-unified-reset", "x-ratelimit-reset")


def retry_after_s(
    message: str, *, now_s: float, local: Callable[[], tzinfo | None] = lambda: None
) -> float | None:
    """
    Return for how many seconds a provider's words ask to wait, or None if they do not say.

    Args:
        message: For example ``Retry-After: 30``, ``try again in 1m3.2s``, ``retryDelay: "53s"``,
            ``limit reached|1755806400`` (a Unix time), ``resets 4:20pm (Europe/Oslo)``, ``try
            again at Mon 7:58 PM``. A time of day is its next occurrence; the longest text is read
            at its two ends.
        now_s: The time of the failure, in Unix seconds.
        local: The zone of times that name none; that of the machine unless given.
    """
    text = ends_of(message, _SEARCHED_CHARS)
    for read in (_from_epoch, _from_iso, _from_http_date, _from_span, _from_clock):
        wait_s = read(text, now_s, local())
        if wait_s is not None:
            return min(max(wait_s, 0.0), LONGEST_WAIT_S)
    return None


def header_wait_s(headers: Mapping[str, Any], *, now_s: float) -> float | None:
    """Return for how many seconds the headers of an answer ask to wait, or None."""
    told = {str(name).lower(): str(value).strip() for name, value in headers.items()}
    if (ms := _number(told.get("retry-after-ms"))) is not None:
        return min(ms / 1000, LONGEST_WAIT_S)
    after = told.get("retry-after")
    if after is not None:
        plain = _number(after)
        return plain if plain is not None else retry_after_s(f"retry-after: {after}", now_s=now_s)
    for name in _RESET_HEADERS:
        found = _moment_or_span(told.get(name), now_s)
        if found is not None:
            return found
    return None


def _moment_or_span(value: str | None, now_s: float) -> float | None:
    """Return the seconds of a header that some give as Unix time, some as a span or a moment."""
    if value is None:
        return None
    plain = _number(value)
    if plain is None:
        return retry_after_s(f"resets at {value} resets in {value}", now_s=now_s)
    if plain > 1e11:  # milliseconds
        plain /= 1000
    return min(max(plain - now_s, 0.0) if plain > 1e9 else plain, LONGEST_WAIT_S)


def _from_epoch(text: str, now_s: float, _local: tzinfo | None) -> float | None:
    found = _EPOCH.search(text)
    if found is None:
        return None
    at = int(found["epoch"])
    return (at / 1000 if at > 10**11 else at) - now_s


def _from_iso(text: str, now_s: float, local: tzinfo | None) -> float | None:
    found = _ISO.search(text)
    if found is None:
        return None
    told = re.sub(r"\s?(?:Z|UTC)$", "+00:00", found["iso"], flags=re.IGNORECASE)
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=local)).timestamp() - now_s


def _from_http_date(text: str, now_s: float, _local: tzinfo | None) -> float | None:
    found = _HTTP_DATE.search(text)
    try:
        return parsedate_to_datetime(found[0]).timestamp() - now_s if found else None
    except ValueError:
        return None


def _from_span(text: str, _now_s: float, _local: tzinfo | None) -> float | None:
    for words in _WORDS.finditer(text):
        rest = text[words.end() : words.end() + 100]
        found = re.match(_SPANS, rest, re.IGNORECASE)
        if found is None:
            continue
        spans = _ONE_SPAN.findall(found["spans"])
        if spans:
            return sum(float(figure) * _seconds(unit) for figure, unit in spans)
        plain = _PLAIN.match(rest)
        if plain and _IN_SECONDS.match(words["retry"]):
            return float(plain[0]) * (0.001 if words["ms"] else 1.0)
    return None


def _from_clock(text: str, now_s: float, local: tzinfo | None) -> float | None:
    for found in _CLOCK.finditer(text):
        if not (found["half"] or found["minute"]):
            continue  # "resets 5 times" is no time of day
        at = _next(found, datetime.fromtimestamp(now_s, _zone(found["zone"], local)))
        if at is not None:
            return at.timestamp() - now_s
    return None


def _next(found: "re.Match[str]", now: datetime) -> datetime | None:
    """Return the next occurrence of a time of day, of a weekday or of a date."""
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"].lower() == "p" else 0)
    try:
        at = now.replace(hour=hour, minute=int(found["minute"] or 0), second=0, microsecond=0)
        if found["month"]:
            month = _MONTHS.index(found["month"].lower()) + 1
            at = at.replace(
                year=int(found["year"] or now.year), month=month, day=int(found["date"])
            )
            return (
                at
                if found["year"] or at > now - timedelta(days=1)
                else at.replace(year=at.year + 1)
            )
    except ValueError:
        return None
    weekday = (found["day"] or "").lower()
    if weekday == "tomorrow":
        return at + timedelta(days=1)
    if weekday:
        at += timedelta(days=(_DAYS.index(weekday) - at.weekday()) % 7)
    return at if at > now - _JUST_GONE else at + timedelta(days=7 if weekday else 1)


def _zone(name: str | None, local: tzinfo | None) -> tzinfo | None:
    if name is None:
        return local
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return local


def _seconds(unit: str) -> float:
    return next(each for start, each in _UNITS if unit.lower().startswith(start))


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,15}(?:\.\d{1,9})?", text) else None
