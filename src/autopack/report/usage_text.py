"""What calls used and cost, as a table for people, and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from autopack.prediction.calibration.repricing import Repricing
from autopack.projections.use_groups import UsageRow
from autopack.report.escaping import on_line
from autopack.report.plain_tables import bar, table_lines
from autopack.report.quantities import count, usd
from autopack.report.repricing_text import TITLES, repricing_json
from autopack.report.repricing_text import cells as repriced_cells
from autopack.report.repricing_text import notes as repricing_notes

_FIGURES: Final = ("calls", "input", "cached", "output", "tokens", "USD")
_CACHED: Final = "cached"
_UNKNOWN: Final = "unknown"
_BAR_MOST: Final = 24
_BAR_LEAST: Final = 6


def usage_lines(
    by: Sequence[str],
    rows: Sequence[UsageRow],
    total: UsageRow,
    anew: Repricing | None = None,
    *,
    width: int = 80,
) -> list[str]:
    """
    Return a table with a row a group, its sum, and what is known of the cost.

    Args:
        anew: The same rows by a table of prices.
        width: How many characters fit into a line: what the figures leave is for the bar.
    """
    if not total.use.calls:
        return ["No call was recorded."]
    beside = [[] for _ in rows] if anew is None else [repriced_cells(row) for row in anew.rows]
    cells = [[*_names(row), *_figures(row), *more] for row, more in zip(rows, beside, strict=True)]
    if len(rows) != 1:
        last = [] if anew is None else repriced_cells(anew.total)
        cells.append([*["total", *[""] * len(by)][: len(by)], *_figures(total), *last])
    titles = [*by, *_FIGURES, *(() if anew is None else TITLES)]
    if total.cached_share is None:
        place = titles.index(_CACHED)
        titles, cells = _without(titles, place), [_without(row, place) for row in cells]
    lines = table_lines(titles, cells, figures=(*_FIGURES, *TITLES))
    room = min(width - max(map(len, lines)) - 2, _BAR_MOST)
    if room >= _BAR_LEAST and len(rows) > 1:
        for place, share in enumerate(_shares(rows), start=1):
            lines[place] = f"{lines[place]}  {bar(share, width=room)}".rstrip()
    notes = [*_notes(total), *(() if anew is None else repricing_notes(anew))]
    return [*lines, *([""] if notes else []), *notes]


def usage_json(
    by: Sequence[str],
    rows: Sequence[UsageRow],
    total: UsageRow,
    anew: Repricing | None = None,
) -> dict[str, Any]:
    """Return the table as JSON-simple values; what nobody told is null."""
    found = {"by": list(by), "rows": [_values(row) for row in rows], "total": _values(total)}
    return found if anew is None else {**found, "repricing": repricing_json(anew)}


def cost_text(row: UsageRow) -> str:
    """Return the cost as people read it: ``1.2034``, ``≥ 1.2034``, or ``unknown``."""
    if row.cost_usd is None:
        return _UNKNOWN
    return f"{'≥ ' if row.use.calls_without_cost else ''}{usd(row.cost_usd)}"


def cost_sentence(row: UsageRow) -> str:
    """Return where the cost comes from, and of how many calls nobody knows it."""
    parts = [
        f"{usd(amount)} USD {source}"
        for amount, source in (
            (row.reported_usd, "as providers reported it"),
            (row.priced_usd, "by a price table"),
        )
        if amount
    ]
    if n := row.use.calls_without_cost:
        parts.append(f"{count(n, 'call')} without a cost")
    return "; ".join(parts)


def _names(row: UsageRow) -> list[str]:
    return ["(none)" if name is None else on_line(name) for name in row.group.values()]


def _figures(row: UsageRow) -> list[str]:
    use, share = row.use, row.cached_share
    least = "≥ " if use.calls_without_total else ""
    has_parts = use.calls > use.by_split.get("total_only", 0)
    return [
        f"{use.calls:,}",
        f"{use.input_tokens:,}" if has_parts else _UNKNOWN,
        "-" if share is None else f"{100 * share:.0f} %",
        f"{use.output_tokens:,}" if has_parts else _UNKNOWN,
        f"{least}{use.total_tokens:,}" if use.calls > use.calls_without_total else _UNKNOWN,
        cost_text(row),
    ]


def _shares(rows: Sequence[UsageRow]) -> list[float]:
    """Return each row's share of the largest: of the cost, or of the tokens if no cost is known."""
    has_cost = any(row.use.cost_pico_usd for row in rows)
    sizes = [row.use.cost_pico_usd if has_cost else row.use.total_tokens for row in rows]
    most = max(sizes) or 1
    return [size / most for size in sizes]


def _without(cells: Sequence[str], place: int) -> list[str]:
    return [*cells[:place], *cells[place + 1 :]]


def _notes(total: UsageRow) -> Iterator[str]:
    if said := cost_sentence(total):
        yield said
    guessed = total.use.by_split.get("inferred", 0)
    if guessed:
        yield f"{count(guessed, 'call')} whose division into input and output is a guess"
    if n := total.use.calls_without_total:
        yield f"{count(n, 'call')} that did not tell all of their tokens"


def _values(row: UsageRow) -> dict[str, Any]:
    use = row.use
    is_known = use.calls > use.calls_without_total
    return {
        "group": dict(row.group),
        "calls": use.calls,
        "late_calls": use.late_calls,
        "input_tokens": use.input_tokens,
        "cached_share": None if row.cached_share is None else round(row.cached_share, 6),
        "output_tokens": use.output_tokens,
        "total_tokens": use.total_tokens if is_known or not use.calls else None,
        "calls_without_total": use.calls_without_total,
        "by_split": dict(use.by_split),
        "cost_usd": row.cost_usd,
        "reported_usd": row.reported_usd,
        "priced_usd": row.priced_usd,
        "calls_without_cost": use.calls_without_cost,
    }
