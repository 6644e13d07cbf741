"""The prices of the package genai-prices as entries of a table, model by model; offline."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from autopack.errors import InvalidInputError
from autopack.types import LongInputPrice, PriceEntry
from autopack.values.money import Usd
from autopack_prices.environment import GENAI, PRICES

if TYPE_CHECKING:
    from decimal import Decimal

    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

_ALWAYS: Final = "0001-01-01"
_UNITS: Final = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_reasoning_mtok": "reasoning",
}
"""Their units of text, with our names of their prices."""
_PER_CALL: Final = "requests_kcount"
_OTHER: Final = ("audio", "image", "video", "search", "document", "chars", "messages", "pixels")
"""Units that no call tells: a call is taken for one of text, without searches."""
_TERMS: Final = ("processing", "service_tier", "speed")


def check() -> None:
    """
    Return if the package is there.

    Raises:
        InvalidInputError: It is not.
    """
    try:
        import genai_prices  # noqa: F401 - whether it is there
    except ImportError as fault:
        raise InvalidInputError(
            f"{GENAI} is not installed: pip install 'autopack-prices[genai]'.",
            name=PRICES,
            value=GENAI,
        ) from fault


class GenaiPrices:
    """What genai-prices knows, registered as ``genai``; nothing is fetched."""

    @property
    def version(self) -> str:
        """The package's version, which says what was known of prices."""
        check()
        return f"{GENAI} {version(GENAI)}"

    def entries(self, model: str, provider: str | None) -> Sequence[PriceEntry]:
        """Return all prices of a model; none if the package, or this provider, has none."""
        check()
        found = _model(model, provider)
        if found is None:
            return ()
        info, is_own = found
        return [*_dated(model, info), *(_variants(model, info) if is_own else ())]


def _model(name: str, provider: str | None) -> "tuple[ModelInfo, bool] | None":
    """Return a model, and whether it is the provider's own, with prices on other terms."""
    from genai_prices.data_snapshot import find_provider_by_id, get_snapshot

    snapshot = get_snapshot()
    known = None if provider is None else find_provider_by_id(snapshot.providers, provider)
    try:
        its, info = snapshot.find_provider_model(name, known, None, None)
    except LookupError:
        return None
    return info, any(info is one for one in its.models)


def _dated(model: str, info: "ModelInfo") -> Iterator[PriceEntry]:
    from genai_prices.types import ModelPrice, StartDateConstraint, TimeOfDateConstraint

    prices = info.prices
    if isinstance(prices, ModelPrice):
        yield from _entry(model, prices, since=_ALWAYS)
        return
    by_hours = False
    for place, one in enumerate(prices):
        of = one.constraint
        if isinstance(of, StartDateConstraint):
            since, day = of.start_date.isoformat(), "00:00-00:00"
            yield from _entry(model, one.prices, since=since, hours=day if by_hours else None)
        elif isinstance(of, TimeOfDateConstraint):
            by_hours = True
            hours = f"{_utc(of.start_time)}-{_utc(of.end_time)}"
            yield from _entry(model, one.prices, since=_ALWAYS, hours=hours)
        if of is None or (place == 0 and not isinstance(of, TimeOfDateConstraint)):
            yield from _entry(model, one.prices, since=_ALWAYS)


def _variants(model: str, info: "ModelInfo") -> Iterator[PriceEntry]:
    """Yield what calls on other terms cost, from each day on that changes it."""
    from genai_prices.types import ModelPrice

    listed = [] if isinstance(info.prices, ModelPrice) else info.prices
    usual = {_since(one.constraint) for one in listed}
    variants = info.price_variants or []
    for when in (
        dict(terms) for terms in dict.fromkeys(tuple(one.when.items()) for one in variants)
    ):
        own = {_since(one.constraint) for one in variants if one.when == when}
        is_ours = len(when) == 1 and not when.keys() - {*_TERMS} and "default" not in when.values()
        if not is_ours or None in usual | own:
            continue  # hours of the day on other terms: rather no price than a wrong one
        first = min(filter(None, own))
        for day in sorted({day for day in filter(None, usual | own) if day >= first}):
            at = datetime.fromisoformat(day).replace(tzinfo=UTC)
            yield from _entry(model, info.get_prices(at, when), since=day, when=when)


def _since(of: object) -> str | None:
    """Return the day from which prices hold; None if they hold at hours of the day."""
    from genai_prices.types import StartDateConstraint, TimeOfDateConstraint

    if isinstance(of, TimeOfDateConstraint):
        return None
    return of.start_date.isoformat() if isinstance(of, StartDateConstraint) else _ALWAYS


def _entry(
    model: str,
    prices: "ModelPrice",
    *,
    since: str,
    hours: str | None = None,
    when: Mapping[str, str] | None = None,
) -> Iterator[PriceEntry]:
    """Yield the prices as an entry; none if a unit of text is priced that calls do not tell."""
    given: dict[str, Any] = {**_given(prices)}
    unknown = [key for key in given if key not in _UNITS and key != _PER_CALL]
    if "input_mtok" not in given or any(not _is_other(key) for key in unknown):
        return
    per_call = given.get(_PER_CALL)
    yield PriceEntry(
        model=model,
        since=since,
        hours=hours,
        when=when or {},
        per_call=None if per_call is None else Usd.computed(per_call / 1000),
        tiers=tuple(_tiers(given)),
        **_at(given, -1),
    )


def _tiers(given: Mapping[str, Any]) -> Iterator[Any]:
    starts = {tier.start for price in given.values() for tier in getattr(price, "tiers", ())}
    for start in sorted(starts):
        yield LongInputPrice(above=start, **_at(given, start))


def _at(given: "Mapping[str, Decimal | TieredPrices]", start: int) -> dict[str, Any]:
    """Return the prices of text by our names, as of the tier that begins there."""
    from genai_prices.types import TieredPrices

    found: dict[str, Any] = {"output": 0}
    for key, ours in _UNITS.items():
        price = given.get(key)
        if isinstance(price, TieredPrices):
            begun = [tier.price for tier in price.tiers if tier.start <= start]
            price = begun[-1] if begun else price.base
        if price is not None:
            found[ours] = Usd.computed(price)  # some have the noise of a binary float
    return found


def _given(prices: "ModelPrice") -> "dict[str, Decimal | TieredPrices]":
    return {key: price for key, price in vars(prices).items() if price is not None}


def _is_other(key: str) -> bool:
    return any(word in key for word in _OTHER)


def _utc(moment: Any) -> str:
    if moment.tzinfo is not None:
        moment = datetime.combine(date(1970, 1, 1), moment).astimezone(UTC)
    return f"{moment:%H:%M}"
