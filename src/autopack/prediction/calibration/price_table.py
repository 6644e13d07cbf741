"""A dated table of prices: data that its user gives, and that is never guessed."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import attrs

from autopack.errors import InvalidInputError
from autopack.events import LlmUsageRecorded
from autopack.events.usage import HOUR_WRITES, PROCESSING, terms_of
from autopack.prediction.calibration.price_entry import (
    LongInputPrice,
    PriceEntry,
    moment_of,
    names_of,
)
from autopack.values.money import Usd, pico, share

_MILLION: Final = 1_000_000
_UNNAMED: Final = "prices"

Plain: TypeAlias = Sequence[Mapping[str, Any]] | Mapping[str, Any]
"""A table as JSON values: its entries, or what :meth:`PriceTable.kept` gives."""

UNTOLD: Final = "tokens that nobody told"
NO_ENTRY: Final = "no entry for the model"
OTHER_TERMS: Final = "no entry for its terms"
NO_HOUR_PRICE: Final = "no price of input that is kept for an hour"


@attrs.frozen(kw_only=True)
class PricedCall:
    """
    What the price of a call goes by.

    Args:
        models: By which names it is looked up, the one that answered first.
        input_tokens: All of them, those read from and written to a cache included.
        cache_write_1h_tokens: Those of the cache writes that are kept for an hour.
        terms: On which terms it was made, where they are not the usual ones.
    """

    models: tuple[str, ...] = ()
    provider: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int | None = None
    terms: Mapping[str, str] = attrs.Factory(dict)

    @classmethod
    def of(cls, usage: LlmUsageRecorded) -> "PricedCall":
        """Return it of a call's event."""
        hour = usage.source_fields.get(HOUR_WRITES)
        models = (usage.response_model, usage.request_model)
        return cls(
            models=tuple(dict.fromkeys(model for model in models if model is not None)),
            provider=usage.provider,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens or 0,
            cache_write_tokens=usage.cache_write_tokens or 0,
            cache_write_1h_tokens=hour if type(hour) is int else 0,
            reasoning_tokens=usage.reasoning_tokens,
            terms=terms_of(usage.source_fields),
        )


@attrs.frozen(kw_only=True)
class Quote:
    """
    What a table says of a call.

    Args:
        usd: Its price; None where the table does not tell.
        table: Which table, with its version.
        why: Why there is no price.
    """

    usd: Usd | None = None
    table: str | None = None
    why: str | None = None


@runtime_checkable
class PriceSource(Protocol):
    """Who has prices of more models than a table could list, as a plugin registers it."""

    @property
    def version(self) -> str:
        """What is recorded with each price, such as ``genai-prices 0.2.3``."""
        ...

    def entries(self, model: str, provider: str | None) -> Sequence[PriceEntry]:
        """
        Return all prices of a model, of every day; none if it is not known.

        Args:
            model: In lower case; asked for again without what vendors put around it.
            provider: Whose call it is, as it was recorded.
        """
        ...


@attrs.frozen(kw_only=True)
class PriceTable:
    """
    Prices by model and day.

    A model is looked up by its name, then without what vendors put before and behind it
    (``openrouter/anthropic/``, ``us.anthropic.``, ``[1m]``, ``-v1:0``, ``@20260101``). Of the
    entries that hold, one of the call's provider decides before others, then the longest name,
    then one for hours of the day, then the latest day.

    Args:
        name: What the table is called: a file's name and version, or a registered name.
        source: Who is asked for the entries of a model, in place of *entries*.
    """

    entries: tuple[PriceEntry, ...] = ()
    name: str | None = None
    source: PriceSource | None = attrs.field(default=None, eq=False)
    _found: dict[tuple[str, str | None], tuple[PriceEntry, ...]] = attrs.field(
        factory=dict, init=False, eq=False, repr=False
    )

    def __attrs_post_init__(self) -> None:
        """Refuse two entries that hold for the same calls from the same moment."""
        first: dict[tuple[object, ...], PriceEntry] = {}
        for entry in self.entries:
            for name in entry.names:
                when = tuple(sorted(entry.terms.items()))
                key = name, entry.provider, when, entry.hours, moment_of(entry.since)
                if first.setdefault(key, entry) is not entry:
                    raise InvalidInputError(
                        f"There are two prices of {name} from {entry.since} on: leave one out, "
                        "or give it another day.",
                        name="since",
                        value=entry.since,
                    )

    @classmethod
    def of(cls, plain: Plain) -> "PriceTable":
        """Return the table that :meth:`plain` or :meth:`kept` gave."""
        name = plain.get("name") if isinstance(plain, Mapping) else None
        listed = plain["entries"] if isinstance(plain, Mapping) else plain
        entries = [
            {**one, "aliases": tuple(one.get("aliases", ())), "tiers": tuple(_tiers(one))}
            for one in listed
        ]
        return cls(entries=tuple(PriceEntry(**one) for one in entries), name=name)

    @cached_property
    def version(self) -> str:
        """What is recorded with a price: the table's name, and what tells it from later ones."""
        if self.source is not None:
            return self.source.version
        text = json.dumps(self.plain(), sort_keys=True)
        return f"{self.name or _UNNAMED} sha256:{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def kept(self) -> dict[str, Any]:
        """Return what a log keeps of the table: its entries, or who was asked for them."""
        own = {} if self.source is not None else {"entries": self.plain()}
        return {"name": self.name, "version": self.version, **own}

    def plain(self) -> list[dict[str, Any]]:
        """Return the entries as JSON values."""
        return [entry.plain() for entry in self.entries]

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
        call = PricedCall(
            models=() if model is None else (model,),
            provider=provider,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cache_read_tokens=cache_read_tokens,
            cache_write_tokens=cache_write_tokens,
            cache_write_1h_tokens=cache_write_1h_tokens,
        )
        return self.quote(call, at).usd

    def price(self, usage: LlmUsageRecorded, at: datetime) -> Usd | None:
        """
        Return what a call cost by the table, or None where it cannot be told.

        The model that answered is looked up, else the one that was asked for. Input or output that
        nobody knows makes the price unknown. A call of a provider's batch has the price of the
        entry ``MODEL@batch``, and none without: what others pay says nothing of it.
        """
        return self.quote(PricedCall.of(usage), at).usd

    def quote(self, call: PricedCall, at: datetime) -> Quote:
        """Return what a call cost at a moment, or why the table does not tell."""
        if call.input_tokens is None or call.output_tokens is None:
            return Quote(why=UNTOLD)
        why = NO_ENTRY
        for model in call.models:
            usd, reason = self._priced(call, model, at)
            if usd is not None:
                return Quote(usd=usd, table=self.version)
            why = reason if why == NO_ENTRY else why
        return Quote(why=why)

    def _priced(self, call: PricedCall, model: str, at: datetime) -> tuple[Usd | None, str]:
        entry, why = self._entry(model, call, at)
        return (None, why) if entry is None else _sum(call, entry)

    def _entry(self, model: str, call: PricedCall, at: datetime) -> tuple[PriceEntry | None, str]:
        why = NO_ENTRY
        for name in names_of(model.lower()):
            known = self._known(name, call.provider)
            found = [
                (n, place, entry)
                for place, entry in enumerate(known)
                if entry.holds(call.provider, at) and (n := entry.match(name)) is not None
            ]
            ours = [one for one in found if one[2].terms == dict(call.terms)]
            if ours:
                return max(ours, key=_rank)[2], ""
            if found:
                why = OTHER_TERMS
        return None, why

    def _known(self, name: str, provider: str | None) -> tuple[PriceEntry, ...]:
        if self.source is None:
            return self.entries
        key = name, provider
        if key not in self._found:
            self._found[key] = tuple(self.source.entries(name, provider))
        return self._found[key]


def is_of_batch(usage: LlmUsageRecorded) -> bool:
    """Tell whether a call was one of a provider's batch, which has a price of its own."""
    return terms_of(usage.source_fields).get(PROCESSING) == "batch"


def _sum(call: PricedCall, entry: PriceEntry) -> tuple[Usd | None, str]:
    """Return what a call costs by its entry: exact, rounded once."""
    given, written = call.input_tokens or 0, call.output_tokens or 0
    price = entry.at(given)
    for_hour = min(call.cache_write_1h_tokens, call.cache_write_tokens)
    reasoned = call.reasoning_tokens
    if price.reasoning is not None and reasoned is None:
        return None, UNTOLD
    reasoned = min(reasoned or 0, written) if price.reasoning is not None else 0
    parts = (
        (price.input, max(0, given - call.cache_read_tokens - call.cache_write_tokens)),
        (_else(price.cache_read, price.input), call.cache_read_tokens),
        (_else(price.cache_write, price.input), call.cache_write_tokens - for_hour),
        (_for_hour(price), for_hour),
        (price.output, written - reasoned),
        (price.reasoning, reasoned),
        (entry.per_call, _MILLION if entry.per_call is not None else 0),
    )
    if any(n and each is None for each, n in parts):
        return None, NO_HOUR_PRICE
    return share(Usd.of_pico(sum(pico(each) * n for each, n in parts)), 1, _MILLION), ""


def _rank(found: tuple[int, int, PriceEntry]) -> tuple[bool, int, bool, datetime, int]:
    letters, place, entry = found
    is_its = entry.provider is not None
    return is_its, letters, entry.hours is not None, moment_of(entry.since), place


def _else(price: Usd | None, other: Usd) -> Usd:
    return other if price is None else price


def _for_hour(price: LongInputPrice | PriceEntry) -> Usd | None:
    """Return the price of what is kept for an hour; None where it has one that is not given."""
    if price.cache_write_1h is None and price.cache_write is None:
        return price.input
    return price.cache_write_1h


def _tiers(plain: Mapping[str, Any]) -> Iterator[LongInputPrice]:
    return (LongInputPrice(**tier) for tier in plain.get("tiers", ()))
