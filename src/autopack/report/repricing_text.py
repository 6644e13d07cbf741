"""What calls would cost by a table: columns beside their usage, notes below, and as JSON."""

from collections.abc import Iterator
from typing import Any, Final

import attrs

from autopack.prediction.calibration.repricing import PriceDifference, RepricedRow, Repricing
from autopack.report.escaping import on_line
from autopack.report.quantities import count, usd
from autopack.values.money import pico

TITLES: Final = ("by table", "differs")
_UNKNOWN: Final = "unknown"


def cells(row: RepricedRow) -> list[str]:
    """Return a row's cost by the table, and by how much it differs from what was recorded."""
    if row.table_usd is None:
        return [_UNKNOWN, "-"]
    least = "≥ " if row.unpriced_calls else ""
    guess = "~" if row.guessed_calls else ""
    return [f"{least}{guess}{usd(row.table_usd)}", _share(row) if row.compared_calls else "-"]


def notes(found: Repricing) -> Iterator[str]:
    """Yield which table it was, what differs and why, and what has no price."""
    yield f"by table: {on_line(found.table)}, each call at the price of its moment"
    if found.total.guessed_calls:
        yield f"~ not measured: {count(found.total.guessed_calls, 'call')}"
    for one in found.differences:
        yield _difference(one)
    for model, whys in found.total.unpriced.items():
        for why, n in whys.items():
            yield f"{count(n, 'call')} of {on_line(model)} without a price: {why}"


def repricing_json(found: Repricing) -> dict[str, Any]:
    """Return it as JSON-simple values; what nobody knows is null."""
    return {
        "table": found.table,
        "rows": [_values(row) for row in found.rows],
        "total": _values(found.total),
        "differences": [attrs.asdict(one) for one in found.differences],
    }


def _values(row: RepricedRow) -> dict[str, Any]:
    fields = {one.name: getattr(row, one.name) for one in attrs.fields(RepricedRow)}
    return {**fields, "group": dict(row.group), "unpriced_calls": row.unpriced_calls}


def _share(row: RepricedRow) -> str:
    told = pico(row.compared_usd)
    change = pico(row.compared_table_usd) - told
    if not change:
        return "="
    return f"{100 * change / told:+.0f} %" if told else f"+{usd(row.compared_table_usd)}"


def _difference(one: PriceDifference) -> str:
    cause = f" ({one.cause})" if one.cause else ""
    return (
        f"{on_line(one.model or '(none)')}: {usd(one.table_usd)} USD by the table, "
        f"{usd(one.recorded_usd)} recorded, in {count(one.calls, 'call')}{cause}"
    )
