"""A forecast as rows, a sentence, and JSON."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import attrs

from autopack.prediction.calibration.forecast_intervals import Forecast, Range, Total, UsdRange


def forecast_json(found: Forecast) -> dict[str, Any]:
    """Return a forecast as JSON-simple values; tokens are rounded, dollars to six digits."""
    whole: dict[str, Any] = _rounded(attrs.asdict(found))
    return whole


def forecast_rows(found: Forecast) -> Iterator[tuple[str, ...]]:
    """Yield a row a phase, then one a run."""
    for phase in found.phases:
        name = f"{phase.run_id}/{phase.phase_id}"
        yield (name, *_tokens(phase.output_tokens), *_usd(phase.usd))
    for run_id, total in found.runs.items():
        yield (f"run {run_id}", *_tokens(total.output_tokens), *_usd(total.usd))


def forecast_text(found: Forecast) -> str:
    """Return the whole in a few sentences."""
    total = found.whole
    if not total.phases:
        return "Nothing is queued."
    expected, low, high = _tokens(total.output_tokens)
    noun = "phase" if total.phases == 1 else "phases"
    held = f"{low} to {high}, if all are small or large at once"
    if total.blocks or total.phases == 1:
        most = f"{total.most_output_tokens:,.0f} if all are large at once"
        held = f"eight times of ten {low} to {high}; {most}"
    lines = [f"{total.phases} {noun}, one attempt each: {expected} output tokens, {held}."]
    if total.phases > 1 and not total.blocks:
        lines.append("Too few outputs are known to tell how far such a sum is off.")
    return " ".join([*lines, *_cost(total)])


def _cost(total: Total) -> Iterator[str]:
    if total.usd is not None and total.most_usd is not None:
        expected, low, high = _usd(total.usd)
        yield f"USD {expected}, {low} to {high}; {total.most_usd:.4f} if all are large at once."
    if total.unpriced:
        yield (
            f"{total.unpriced} of them cannot be priced: their model's price or their prompt's "
            "size is not known."
        )


def _tokens(found: Range) -> tuple[str, str, str]:
    return f"{found.expected:,.0f}", f"{found.low:,.0f}", f"{found.high:,.0f}"


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
