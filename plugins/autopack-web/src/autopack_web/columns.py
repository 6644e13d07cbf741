"""Columns of tables: their figures written alike, and whether any is known."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from autopack.projections.call_use import Use
from autopack.projections.use_groups import UsageRow
from autopack.report.quantities import usd

_LEAST_PLACES: Final = 2
_PLACES: Final = 4


class UsdColumn:
    """
    Amounts of USD below each other, all with as many places.

    Two, as soon as one is a dollar or more; else as many as the finest of them needs, at most four.

    Args:
        amounts: What stands in the column; None is unknown.
    """

    def __init__(self, amounts: Iterable[Decimal | None]) -> None:
        known = [abs(amount) for amount in amounts if amount is not None]
        self.is_known = bool(known)
        self._places = _LEAST_PLACES
        if max(known, default=Decimal(0)) < 1:
            self._places = max(map(_places_of, known), default=_LEAST_PLACES)

    def amount(self, amount: Decimal | None) -> str | None:
        """Return an amount as it stands in the column."""
        if amount is None:
            return None
        least = Decimal(1).scaleb(-self._places)
        if 0 < abs(amount) < least / 2:
            return f"< {least}"
        return f"{amount:,.{self._places}f}"

    def cost(self, use: Use) -> str | None:
        """Return what is known of the cost of some calls; None where there was none."""
        if not use.calls:
            return None
        told = self.amount(cost_of(use))
        return "unknown" if told is None else f"{'≥ ' if use.calls_without_cost else ''}{told}"


def cost_of(use: Use) -> Decimal | None:
    """Return what is known of the cost of some calls, in USD; None where none of it is."""
    return UsageRow(use=use).cost_usd if use.calls else None


def usd_column(uses: Iterable[Use]) -> UsdColumn:
    """Return how the costs of some calls are written below each other."""
    return UsdColumn(map(cost_of, uses))


def any_of(values: Iterable[Any]) -> bool:
    """Return whether a column tells anything: a value that is neither nothing nor zero."""
    return any(values)


def _places_of(amount: Decimal) -> int:
    return len(usd(amount).partition(".")[2]) if amount else _LEAST_PLACES
