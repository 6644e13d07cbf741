"""A dated table of prices: data that its user gives, and that is never guessed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.events import LlmUsageRecorded
from autopack.events.usage import HOUR_WRITES
from autopack.values.money import Usd, pico, share

BATCH: Final = "@batch"
"""What the name of a model ends with in prices of its calls by batches."""
_MILLION: Final = 1_000_000
_PRICES: Final = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
_BEHIND: Final = re.compile(r"\[[^\]]*\]$|-v[0-9]+:[0-9]+$|@.*$")
"""What vendors put behind a name: the window's size in brackets, a version, a day."""
_BEFORE: Final = re.compile(r"^[a-z]+[.:]")
"""What they put before it: a region, a vendor."""


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

    def __attrs_post_init__(self) -> None:
        """Take prices as exact decimals."""
        _take_exactly(self, f"a call above {self.above} tokens")


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
        aliases: Other names of the model; ``*`` holds for them too.
        provider: Only calls of this provider, if it is given.
        tiers: Prices of calls with a long input.
    """

    model: str
    since: str
    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    cache_write_1h: Usd | None = None
    aliases: tuple[str, ...] = ()
    provider: str | None = None
    tiers: tuple[LongInputPrice, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Take prices as exact decimals; refuse what is none, and days that cannot be read."""
        _take_exactly(self, self.model)
        _moment(self.since)

    def match(self, model: str) -> int | None:
        """Return how many letters of a model's name the entry knows; None if it is not meant."""
        found = [n for name in (self.model, *self.aliases) if (n := _match(name, model))]
        return max(found, default=None)

    def holds(self, provider: str | None, at: datetime) -> bool:
        """Tell whether the entry has begun by then, and is about the provider."""
        is_its = None in (self.provider, provider) or self.provider == provider
        return is_its and _moment(self.since) <= at

    def at(self, input_tokens: int) -> "LongInputPrice | PriceEntry":
        """Return the prices of a call with so much input."""
        above = [tier for tier in self.tiers if input_tokens > tier.above]
        return max(above, key=lambda tier: tier.above) if above else self


@attrs.frozen(kw_only=True)
class PriceTable:
    """
    Prices by model and day.

    A model is looked up by its name, then without what vendors put before and behind it
    (``openrouter/anthropic/``, ``us.anthropic.``, ``[1m]``, ``-v1:0``, ``@20260101``). Of the
    entries that hold, one of the call's provider decides before others, then the longest name,
    then the latest day.
    """

    entries: tuple[PriceEntry, ...] = ()

    @classmethod
    def of(cls, plain: Sequence[Mapping[str, Any]]) -> "PriceTable":
        """Return the table that :meth:`plain` gave."""
        entries = [
            {**one, "aliases": tuple(one.get("aliases", ())), "tiers": tuple(_tiers(one))}
            for one in plain
        ]
        return cls(entries=tuple(PriceEntry(**one) for one in entries))

    def plain(self) -> list[dict[str, Any]]:
        """Return the entries as JSON values."""
        return [_plain(entry) for entry in self.entries]

    def usd(
        self,
        model: str | None,
        at: datetime,
        *,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        cache_write_1h_tokens: int = 0,
        provider: str | None = None,
    ) -> Usd | None:
        """
        Return what a call costs, or None where no entry holds or a price of it is missing.

        Args:
            input_tokens: All of them, those read from and written to a cache included.
            cache_write_1h_tokens: Those of the cache writes that are kept for an hour.
        """
        entry = None if model is None else self._entry(model, provider, at)
        if entry is None:
            return None
        price = entry.at(input_tokens)
        for_hour = min(cache_write_1h_tokens, cache_write_tokens)
        parts = (
            (price.input, max(0, input_tokens - cache_read_tokens - cache_write_tokens)),
            (_else(price.cache_read, price.input), cache_read_tokens),
            (_else(price.cache_write, price.input), cache_write_tokens - for_hour),
            (_for_hour(price), for_hour),
            (price.output, output_tokens),
        )
        if any(n and each is None for each, n in parts):
            return None
        return share(Usd.of_pico(sum(pico(each) * n for each, n in parts)), 1, _MILLION)

    def price(self, usage: LlmUsageRecorded, at: datetime) -> Usd | None:
        """
        Return what a call cost by the table, or None where it cannot be told.

        The model that answered is looked up, else the one that was asked for. Input or output that
        nobody knows makes the price unknown. A call of a provider's batch has the price of the
        entry ``MODEL@batch``, and none without: what others pay says nothing of it.
        """
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        hour = usage.source_fields.get(HOUR_WRITES)
        for model in (usage.response_model, usage.request_model):
            if model is not None and is_of_batch(usage):
                model = f"{model}{BATCH}"
                entry = self._entry(model, usage.provider, at)
                if entry is None or not entry.model.endswith(BATCH):
                    continue
            usd = self.usd(
                model,
                at,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read_tokens=usage.cache_read_tokens or 0,
                cache_write_tokens=usage.cache_write_tokens or 0,
                cache_write_1h_tokens=hour if type(hour) is int else 0,
                provider=usage.provider,
            )
            if usd is not None:
                return usd
        return None

    def _entry(self, model: str, provider: str | None, at: datetime) -> PriceEntry | None:
        holding = [entry for entry in self.entries if entry.holds(provider, at)]
        for name in _names(model.lower()):
            found = [(n, entry) for entry in holding if (n := entry.match(name)) is not None]
            if found:
                return max(found, key=_rank)[1]
        return None


def _rank(found: tuple[int, PriceEntry]) -> tuple[bool, int, datetime]:
    letters, entry = found
    return entry.provider is not None, letters, _moment(entry.since)


def _names(model: str) -> Iterator[str]:
    """Yield a model's name, then what is left of it without what vendors put around it."""
    yield model
    bare = model.rpartition("/")[2]
    yield bare
    for around in (_BEHIND, _BEFORE):
        while (shorter := around.sub("", bare)) != bare:
            bare = shorter
            yield bare


def _else(price: Usd | None, other: Usd) -> Usd:
    return other if price is None else price


def _for_hour(price: "LongInputPrice | PriceEntry") -> Usd | None:
    """Return the price of what is kept for an hour; None where it has one that is not given."""
    if price.cache_write_1h is None and price.cache_write is None:
        return price.input
    return price.cache_write_1h


def _match(name: str, model: str) -> int | None:
    name = name.lower()
    if name.endswith("*"):
        return len(name) if model.startswith(name[:-1]) else None
    return len(name) + 1 if model == name else None


def _tiers(plain: Mapping[str, Any]) -> Iterator[LongInputPrice]:
    return (LongInputPrice(**tier) for tier in plain.get("tiers", ()))


def _plain(entry: "PriceEntry | LongInputPrice") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in attrs.fields(type(entry)):
        value = getattr(entry, field.name)
        if value is None or value == ():
            continue
        if field.name == "tiers":
            value = [_plain(tier) for tier in value]
        found[field.name] = str(value) if isinstance(value, Usd) else value
    return {**found, "aliases": list(found["aliases"])} if "aliases" in found else found


def _take_exactly(prices: "PriceEntry | LongInputPrice", whose: str) -> None:
    for name in _PRICES:
        if (given := getattr(prices, name)) is None:
            continue
        try:
            object.__setattr__(prices, name, Usd.of(given))
        except InvalidInputError as fault:
            raise InvalidInputError(
                f"The price of {whose}: {name} is {given!r}: {fault}", name=name, value=given
            ) from fault


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is no day that a price could hold from.", name="since", value=text
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_of_batch(usage: LlmUsageRecorded) -> bool:
    """Tell whether a call was one of a provider's batch, which has a price of its own."""
    return usage.source_fields.get("service_tier") == "batch"
