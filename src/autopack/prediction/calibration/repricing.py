"""Calls priced anew by a table, beside what was recorded of their cost."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import attrs

from autopack.prediction.calibration.price_table import PricedCall, PriceTable, Quote
from autopack.projections.calls import CallRow
from autopack.values.money import Usd, pico

NOTABLE: Final = Decimal("0.05")
"""A difference above that share of what was recorded is told."""
_ALIKE: Final = Decimal("0.005")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAMELESS: Final = "(none)"

Priced = tuple[CallRow, Quote]


@attrs.frozen(kw_only=True)
class RepricedRow:
    """
    What some calls cost by a table; None is of no call at all.

    Args:
        table_usd: The sum over the calls that the table prices.
        priced_calls: How many these are; *guessed_calls* of them were not measured.
        unpriced: Why calls have no price, and how many, by model.
        compared_calls: Calls with both a recorded cost and one by the table; *compared_usd* was
            recorded of them, and *compared_table_usd* is what the table says.
    """

    group: Mapping[str, str | None] = attrs.Factory(dict)
    table_usd: Usd | None = None
    priced_calls: int = 0
    guessed_calls: int = 0
    unpriced: Mapping[str, Mapping[str, int]] = attrs.Factory(dict)
    compared_calls: int = 0
    compared_usd: Usd = Usd()  # noqa: RUF009 - it never changes
    compared_table_usd: Usd = Usd()  # noqa: RUF009

    @property
    def unpriced_calls(self) -> int:
        """How many calls the table has no price of."""
        return sum(sum(whys.values()) for whys in self.unpriced.values())


@attrs.frozen(kw_only=True)
class PriceDifference:
    """
    A model of which the table says another cost than was recorded, by more than 5 %.

    Args:
        cause: What explains it, if the figures tell.
    """

    model: str | None
    calls: int
    recorded_usd: Usd
    table_usd: Usd
    cause: str | None = None


@attrs.frozen(kw_only=True)
class Repricing:
    """A history by a table: which table, a row a group, all together, and what differs."""

    table: str
    rows: tuple[RepricedRow, ...]
    total: RepricedRow
    differences: tuple[PriceDifference, ...] = ()


def repriced(
    calls: Iterable[CallRow],
    table: PriceTable,
    groups: Sequence[Mapping[str, str | None]],
    name_of: Callable[[CallRow], tuple[str | None, ...]],
) -> Repricing:
    """
    Return calls by a table, each at the price of its moment; nothing recorded is changed.

    Args:
        groups: The groups of the answer, in order; *name_of* says which one a call is of.
    """
    priced = [(call, quoted(call, table)) for call in calls if call.is_told]
    parts: dict[tuple[str | None, ...], list[Priced]] = {}
    for one in priced:
        parts.setdefault(name_of(one[0]), []).append(one)
    rows = tuple(_row(parts.get(tuple(group.values()), []), group) for group in groups)
    return Repricing(
        table=table.version,
        rows=rows,
        total=_row(priced),
        differences=tuple(_differences(priced, table)),
    )


def quoted(call: CallRow, table: PriceTable) -> Quote:
    """Return what a table says of a recorded call."""
    return table.quote(figures_of(call), _moment(call))


def figures_of(call: CallRow) -> PricedCall:
    """Return what the price of a recorded call goes by."""
    models = dict.fromkeys(name for name in (call.model, call.request_model) if name is not None)
    return PricedCall(
        models=tuple(models),
        provider=call.provider,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cache_read_tokens=call.cache_read_tokens or 0,
        cache_write_tokens=call.cache_write_tokens or 0,
        cache_write_1h_tokens=call.cache_write_1h_tokens or 0,
        reasoning_tokens=call.reasoning_tokens,
        terms=call.terms,
    )


def _moment(call: CallRow) -> datetime:
    return _EPOCH + timedelta(microseconds=call.at_us)


def _row(
    priced: Sequence[Priced], group: Mapping[str, str | None] = MappingProxyType({})
) -> RepricedRow:
    known = [(call, quote.usd) for call, quote in priced if quote.usd is not None]
    both = [(call.cost_usd, usd) for call, usd in known if call.cost_usd is not None]
    unpriced: dict[str, Counter[str]] = {}
    for call, quote in priced:
        if quote.usd is None:
            unpriced.setdefault(call.model or _NAMELESS, Counter())[quote.why or ""] += 1
    return RepricedRow(
        group=group,
        table_usd=_total(usd for _, usd in known) if known or not priced else None,
        priced_calls=len(known),
        guessed_calls=sum(call.split != "measured" for call, _ in known),
        unpriced={model: dict(whys) for model, whys in sorted(unpriced.items())},
        compared_calls=len(both),
        compared_usd=_total(usd for usd, _ in both),
        compared_table_usd=_total(usd for _, usd in both),
    )


def _total(amounts: Iterable[Usd]) -> Usd:
    return Usd.of_pico(sum(map(pico, amounts)))


def _differences(priced: Sequence[Priced], table: PriceTable) -> Iterable[PriceDifference]:
    by_model: dict[str | None, list[Priced]] = {}
    for call, quote in priced:
        if call.cost_usd is not None and quote.usd is not None:
            by_model.setdefault(call.model, []).append((call, quote))
    found = []
    for model, ours in by_model.items():
        row = _row(ours)
        if not _is_near(row.compared_table_usd, row.compared_usd, NOTABLE):
            found.append(
                PriceDifference(
                    model=model,
                    calls=row.compared_calls,
                    recorded_usd=row.compared_usd,
                    table_usd=row.compared_table_usd,
                    cause=_cause(ours, row, table),
                )
            )
    return sorted(found, key=lambda one: (-abs(pico(one.table_usd) - pico(one.recorded_usd)),
                                          one.model or ""))  # fmt: skip


def _cause(ours: Sequence[Priced], row: RepricedRow, table: PriceTable) -> str | None:
    """Return which other reading of the calls comes to what was recorded; None if none does."""
    recorded = row.compared_usd
    readings: Mapping[str, Callable[[PricedCall], PricedCall]] = {
        "cache writes were charged as kept for an hour": lambda call: attrs.evolve(
            call, cache_write_1h_tokens=call.cache_write_tokens
        ),
        "cache writes were charged as kept for minutes": lambda call: attrs.evolve(
            call, cache_write_1h_tokens=0
        ),
        "input of the cache was charged as ordinary input": lambda call: attrs.evolve(
            call, cache_read_tokens=0, cache_write_tokens=0
        ),
    }
    for cause, read in readings.items():
        quotes = [table.quote(read(figures_of(call)), _moment(call)).usd for call, _ in ours]
        known = [usd for usd in quotes if usd is not None]
        if len(known) == len(ours) and _is_near(_total(known), recorded, _ALIKE):
            return cause
    return _by_ratio(ours, row)


def _by_ratio(ours: Sequence[Priced], row: RepricedRow) -> str | None:
    """Return what a ratio says that all the calls have."""
    if not row.compared_table_usd:
        return "the table says that it is free"
    if not row.compared_usd:
        return "it was recorded as free"
    ratio = Decimal(row.compared_usd) / Decimal(row.compared_table_usd)
    pairs = [(Decimal(call.cost_usd or 0), Decimal(quote.usd or 0)) for call, quote in ours]
    if not all(abs(told - ratio * usd) <= _ALIKE * ratio * usd for told, usd in pairs):
        return None
    if abs(ratio - Decimal("0.5")) <= _ALIKE:
        return "each call at half the price: a batch"
    word = "a discount" if ratio < 1 else "a surcharge"
    return f"each call at {ratio:.0%} of the table's price: {word}, or other prices"


def _is_near(one: Usd, other: Usd, share: Decimal) -> bool:
    return abs(pico(one) - pico(other)) <= share * pico(other)
