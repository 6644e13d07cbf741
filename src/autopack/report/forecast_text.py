"""A forecast as rows, a sentence, and JSON."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import attrs

from autopack.ports.measures import OUTPUT, Measure
from autopack.prediction.calibration.forecast_intervals import (
    Forecast,
    PhaseForecast,
    Range,
    Total,
    UsdRange,
)


def forecast_json(found: Forecast) -> dict[str, Any]:
    """Return a forecast as JSON-simple values; figures are named by their measure, and rounded."""
    whole: dict[str, Any] = _rounded(attrs.asdict(found))
    for part in (*whole["phases"], *whole["runs"].values(), whole["whole"]):
        by = part.pop("by")
        part[by] = part.pop("figure")
        if "most" in part:
            part[f"most_{by}"] = part.pop("most")
        for of_output in () if by == OUTPUT else ("usd", "most_usd", "unpriced"):
            part.pop(of_output, None)
    return whole


def forecast_titles(by: Measure) -> tuple[str, ...]:
    """Return the titles of the rows of a forecast by a measure."""
    if by == OUTPUT:
        return "phase", "output tokens", "from", "to", "USD", "from", "to"
    return "phase", _TITLES[by], "from", "to"


_TITLES: Final[Mapping[Measure, str]] = {
    "total_tokens": "total tokens",
    "cost_usd": "USD",
    "calls": "calls",
}


def forecast_rows(found: Forecast) -> Iterator[tuple[str, ...]]:
    """Yield a row a phase, then one a run."""
    for phase in found.phases:
        yield (f"{phase.run_id}/{phase.phase_id}", *_cells(phase))
    for run_id, total in found.runs.items():
        yield (f"run {run_id}", *_cells(total))


def _cells(of: PhaseForecast | Total) -> tuple[str, ...]:
    figures = _figures(of.by, of.figure)
    return (*figures, *_usd(of.usd)) if of.by == OUTPUT else figures


def forecast_text(found: Forecast) -> str:
    """Return the whole in a few sentences."""
    total, by = found.whole, found.by
    if not total.phases:
        return "Nothing is queued."
    expected, low, high = _figures(by, total.figure)
    noun = "phase" if total.phases == 1 else "phases"
    held = f"{low} to {high}, if all are small or large at once"
    if total.blocks or total.phases == 1:
        most = f"{_figure(by, total.most)} if all are large at once"
        held = f"eight times of ten {low} to {high}; {most}"
    attempts = "one attempt each" if by == OUTPUT else "all attempts"
    unit = "output tokens" if by == OUTPUT else _TITLES[by]
    lines = [f"{total.phases} {noun}, {attempts}: {expected} {unit}, {held}."]
    if total.phases > 1 and not total.blocks:
        known = "outputs" if by == OUTPUT else "phases"
        lines.append(f"Too few {known} are known to tell how far such a sum is off.")
    return " ".join([*lines, *(_cost(total) if by == OUTPUT else ())])


def _cost(total: Total) -> Iterator[str]:
    if total.usd is not None and total.most_usd is not None:
        expected, low, high = _usd(total.usd)
        yield f"USD {expected}, {low} to {high}; {total.most_usd:.4f} if all are large at once."
    if total.unpriced:
        yield (
            f"{total.unpriced} of them cannot be priced: their model's price or their prompt's "
            "size is not known."
        )


def _figures(by: Measure, found: Range) -> tuple[str, str, str]:
    return _figure(by, found.expected), _figure(by, found.low), _figure(by, found.high)


def _figure(by: Measure, figure: float) -> str:
    return f"{figure:,.{_PLACES.get(by, 0)}f}"


_PLACES: Final[Mapping[Measure, int]] = {"cost_usd": 4, "calls": 1}


def _usd(found: UsdRange | None) -> tuple[str, str, str]:
    if found is None:
        return "-", "-", "-"
    return f"{found.expected:.4f}", f"{found.low:.4f}", f"{found.high:.4f}"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return round(value, 6) if isinstance(value, float | Decimal) else value
