"""What calls used, summed by day, model, run and whatever else they can be told apart by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

import attrs

from autopack.projections.call_use import Use, sum_of
from autopack.projections.calls import CallRow
from autopack.values.money import Usd

UsageKey: TypeAlias = Literal[
    "day", "model", "run", "phase", "category", "account", "provider", "role"
]
"""What calls can be told apart by; a day is one of a time zone."""

KEYS: Final[tuple[UsageKey, ...]] = get_args(UsageKey)
Names: TypeAlias = tuple[str | None, ...]


@attrs.frozen(kw_only=True)
class UsageRow:
    """
    What some calls used: those of a group, or all.

    Args:
        group: What they have in common, by what they are told apart by; None is unknown.
        use: The account's own sums over them.
        cache_read_tokens: How many input tokens were read from a cache, over the calls that told.
        cache_told_input_tokens: All input tokens of the calls that told how many.
    """

    group: Mapping[str, str | None] = attrs.Factory(dict)
    use: Use = attrs.Factory(Use)
    cache_read_tokens: int = 0
    cache_told_input_tokens: int = 0

    @property
    def cached_share(self) -> float | None:
        """The share of the input that was read from a cache; None where no call told."""
        if not self.cache_told_input_tokens:
            return None
        return self.cache_read_tokens / self.cache_told_input_tokens

    @property
    def cost_usd(self) -> Usd | None:
        """What is known of the cost; None if no call has one: unknown is never 0."""
        return self._known(self.use.cost_pico_usd)

    @property
    def reported_usd(self) -> Usd | None:
        """The part of the cost that providers reported."""
        return self._known(self.use.cost_pico_usd - self.use.computed_pico_usd)

    @property
    def priced_usd(self) -> Usd | None:
        """The part that was computed from a price table when the calls were recorded."""
        return self._known(self.use.computed_pico_usd)

    def _known(self, amount: int) -> Usd | None:
        is_unknown = self.use.calls > 0 and self.use.calls == self.use.calls_without_cost
        return None if is_unknown else Usd.of_pico(amount)


def grouped(
    calls: Iterable[CallRow], by: Sequence[str], name_of: Callable[[CallRow], Names]
) -> list[UsageRow]:
    """
    Return a row a group, days in their order, and of a day or without one the dearest first.

    Args:
        by: What *name_of* returns, in order.
    """
    rows: dict[Names, UsageRow] = {}
    for call in calls:
        if not call.is_told:
            continue
        names = name_of(call)
        row = rows.get(names) or UsageRow(group=dict(zip(by, names, strict=True)))
        rows[names] = _plus(row, call)
    return sorted(rows.values(), key=_order)


def _plus(row: UsageRow, call: CallRow) -> UsageRow:
    told = call.cache_read_tokens is not None
    return UsageRow(
        group=row.group,
        use=row.use.plus(call),
        cache_read_tokens=row.cache_read_tokens + (call.cache_read_tokens or 0),
        cache_told_input_tokens=row.cache_told_input_tokens + (call.input_tokens or 0) * told,
    )


def regrouped(rows: Iterable[UsageRow], by: Sequence[str]) -> list[UsageRow]:
    """Return rows summed into larger groups, by some of what they were told apart by."""
    parts: dict[Names, list[UsageRow]] = {}
    for row in rows:
        parts.setdefault(tuple(row.group[key] for key in by), []).append(row)
    groups = {names: dict(zip(by, names, strict=True)) for names in parts}
    return sorted((total_of(found, groups[name]) for name, found in parts.items()), key=_order)


def total_of(
    rows: Iterable[UsageRow], group: Mapping[str, str | None] = MappingProxyType({})
) -> UsageRow:
    """Return the sums over rows, as one row."""
    found = list(rows)
    return UsageRow(
        group=group,
        use=sum_of(row.use for row in found),
        cache_read_tokens=sum(row.cache_read_tokens for row in found),
        cache_told_input_tokens=sum(row.cache_told_input_tokens for row in found),
    )


def _order(row: UsageRow) -> tuple[object, ...]:
    names = [name or "" for name in row.group.values()]
    return row.group.get("day") or "", -row.use.cost_pico_usd, -row.use.total_tokens, names
