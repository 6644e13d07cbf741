"""What a model costs from a day on: one entry of a table of prices."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.events.usage import PROCESSING
from autopack.values.money import Usd

BATCH: Final = "@batch"
"""What the name of a model ends with in prices of its calls by batches."""
_PRICES: Final = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning")
_BEHIND: Final = re.compile(r"\[[^\]]*\]$|-v[0-9]+:[0-9]+$|@.*$")
"""What vendors put behind a name: the window's size in brackets, a version, a day."""
_BEFORE: Final = re.compile(r"^[a-z]+[.:]")
"""What they put before it: a region, a vendor."""
_HOURS: Final = re.compile(r"([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})", re.ASCII)


@attrs.frozen(kw_only=True)
class LongInputPrice:
    """
    What a call costs whose input is long, in USD for a million tokens of the whole call.

    Args:
        above: It holds for calls with more tokens of input than that, the cache's included.
    """

    above: int
    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    cache_write_1h: Usd | None = None
    reasoning: Usd | None = None

    def __attrs_post_init__(self) -> None:
        """Take prices as exact decimals; refuse what is none."""
        if self.above < 0:
            raise InvalidInputError(
                f"A price holds above {self.above} tokens: give 0 or more.",
                name="above",
                value=self.above,
            )
        _take_exactly(self, f"a call above {self.above} tokens", _PRICES)


@attrs.frozen(kw_only=True)
class PriceEntry:
    """
    What a model costs from a day on, in USD for a million tokens.

    Args:
        model: Its name; with ``*`` at the end, all names that begin so.
        since: The day, as ``2026-01-31``, or a moment; from then on, until a later entry.
        cache_read, cache_write: For input that is read from or written to a cache; ordinary
            input if they are not given.
        cache_write_1h: For input that is kept in the cache for an hour. A call with such input has
            no price without it, unless *cache_write* is not given either.
        reasoning: For output that is reasoning; ordinary output if it is not given.
        per_call: In USD for each call, beside its tokens.
        aliases: Other names of the model; ``*`` holds for them too.
        provider: Only calls of this provider, if it is given.
        when: Only calls on these terms, as ``{"processing": "batch"}``; those of a call are in its
            ``source_fields``. One on terms that no entry has is without a price.
        hours: Only calls at these times of a day, in UTC, as ``16:30-00:30``.
        tiers: Prices of calls with a long input.
    """

    model: str
    since: str
    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    cache_write_1h: Usd | None = None
    reasoning: Usd | None = None
    per_call: Usd | None = None
    aliases: tuple[str, ...] = ()
    provider: str | None = None
    when: Mapping[str, str] = attrs.Factory(dict)
    hours: str | None = None
    tiers: tuple[LongInputPrice, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Take prices as exact decimals; refuse what is none, and times that cannot be read."""
        _take_exactly(self, self.model, (*_PRICES, "per_call"))
        moment_of(self.since)
        if self.hours is not None:
            _hours_of(self.hours)
        if len({tier.above for tier in self.tiers}) < len(self.tiers):
            bounds = sorted(tier.above for tier in self.tiers)
            raise InvalidInputError(
                f"The price of {self.model} has two tiers that begin alike: above {bounds}.",
                name="tiers",
                value=bounds,
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The model's name and its other names, in lower case."""
        names = (self.model, *self.aliases)
        return tuple(name.lower().removesuffix(BATCH) for name in names)

    @property
    def terms(self) -> dict[str, str]:
        """On which terms its calls are: *when*, and by batches if its name says so."""
        is_batch = self.model.lower().endswith(BATCH)
        return {**self.when, PROCESSING: "batch"} if is_batch else dict(self.when)

    def match(self, model: str) -> int | None:
        """Return how many letters of a model's name the entry knows; None if it is not meant."""
        return max((n for name in self.names if (n := _match(name, model))), default=None)

    def holds(self, provider: str | None, at: datetime) -> bool:
        """Tell whether the entry has begun by then, at that hour, and is about the provider."""
        is_its = None in (self.provider, provider) or self.provider == provider
        return is_its and moment_of(self.since) <= at and self._is_open(at)

    def at(self, input_tokens: int) -> "LongInputPrice | PriceEntry":
        """Return the prices of a call with so much input."""
        above = [tier for tier in self.tiers if input_tokens > tier.above]
        return max(above, key=lambda tier: tier.above) if above else self

    def plain(self) -> dict[str, Any]:
        """Return the entry as JSON values."""
        return _plain(self)

    def _is_open(self, at: datetime) -> bool:
        if self.hours is None:
            return True
        begin, end = _hours_of(self.hours)
        now = at.astimezone(UTC).time()
        return begin <= now < end if begin < end else now >= begin or now < end


def names_of(model: str) -> Iterator[str]:
    """Yield a model's name, then what is left of it without what vendors put around it."""
    yield model
    bare = model.rpartition("/")[2]
    yield bare
    for around in (_BEHIND, _BEFORE):
        while (shorter := around.sub("", bare)) != bare:
            bare = shorter
            yield bare


@lru_cache(maxsize=1024)  # every call asks every entry of its model
def moment_of(text: str) -> datetime:
    """
    Return the moment that a price holds from; a day begins in UTC.

    Raises:
        InvalidInputError: It is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is no day that a price could hold from.", name="since", value=text
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@lru_cache(maxsize=64)
def _hours_of(text: str) -> tuple[time, time]:
    found = _HOURS.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        begin, end = map(time.fromisoformat, found.groups())
    except ValueError:
        raise InvalidInputError(
            f"{text!r} are no hours of a day: give them in UTC, as 16:30-00:30.",
            name="hours",
            value=text,
        ) from None
    return begin, end


def _match(name: str, model: str) -> int | None:
    if name.endswith("*"):
        return len(name) if model.startswith(name[:-1]) else None
    return len(name) + 1 if model == name else None


def _plain(entry: "PriceEntry | LongInputPrice") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in attrs.fields(type(entry)):
        value = getattr(entry, field.name)
        if value is None or value in ((), {}):
            continue
        match field.name:
            case "tiers":
                value = [_plain(tier) for tier in value]
            case "aliases":
                value = list(value)
            case "when":
                value = dict(value)
        found[field.name] = str(value) if isinstance(value, Usd) else value
    return found


def _take_exactly(
    prices: "PriceEntry | LongInputPrice", whose: str, names: tuple[str, ...]
) -> None:
    for name in names:
        if (given := getattr(prices, name)) is None:
            continue
        try:
            object.__setattr__(prices, name, Usd.of(given))
        except InvalidInputError as fault:
            raise InvalidInputError(
                f"The price of {whose}: {name} is {given!r}: {fault}", name=name, value=given
            ) from fault
