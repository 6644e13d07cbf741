"""What a log's calls cost by a table, model by model, beside what their providers reported."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs

from autopack import Recorded
from autopack.events import LlmUsageAmended, LlmUsageRecorded
from autopack.prediction.calibration.price_table import PriceTable
from autopack.values.money import Usd

_AMENDED = ("input_tokens", "output_tokens", "total_tokens", "cost_usd")


@attrs.frozen(kw_only=True)
class ModelBill:
    """
    The calls of one model. A sum in USD is None where not one call adds to it.

    Args:
        reported_usd: What providers reported.
        table_usd: What the table makes of it, each call at the price of its day.
        without_price: Calls that the table cannot price.
    """

    model: str | None
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    reported_usd: Usd | None = None
    table_usd: Usd | None = None
    without_price: int = 0

    def plus(self, usage: LlmUsageRecorded, usd: Usd | None) -> "ModelBill":
        """Return the bill with one call more."""
        usd_told = None if usage.cost_source == "computed" else usage.cost_usd
        return ModelBill(
            model=self.model,
            calls=self.calls + 1,
            input_tokens=self.input_tokens + (usage.input_tokens or 0),
            output_tokens=self.output_tokens + (usage.output_tokens or 0),
            reported_usd=_sum(self.reported_usd, usd_told),
            table_usd=_sum(self.table_usd, usd),
            without_price=self.without_price + (usd is None),
        )


def bills(events: Iterable[Recorded[Any]], table: PriceTable) -> list[ModelBill]:
    """Return the bill of each model, the dearest first; amended calls with their last figures."""
    calls: dict[tuple[str, str], tuple[Any, datetime]] = {}
    for recorded in events:
        event = recorded.event
        key = event.provider or "", event.call_id
        if isinstance(event, LlmUsageRecorded):
            calls[key] = event, recorded.occurred_at
        elif isinstance(event, LlmUsageAmended) and key in calls:
            usage, moment = calls[key]
            calls[key] = attrs.evolve(usage, **_given(event)), moment
    found: dict[str | None, ModelBill] = {}
    for usage, moment in calls.values():
        model = usage.response_model or usage.request_model
        bill = found.get(model, ModelBill(model=model))
        found[model] = bill.plus(usage, table.price(usage, moment))
    return sorted(found.values(), key=lambda bill: (-(bill.table_usd or Usd()), bill.model or ""))


def _given(event: LlmUsageAmended) -> dict[str, Any]:
    figures = {name: getattr(event, name) for name in _AMENDED}
    given = {name: figure for name, figure in figures.items() if figure is not None}
    return given if event.cost_usd is None else {**given, "cost_source": event.cost_source}


def _sum(total: Usd | None, more: Usd | None) -> Usd | None:
    return total if more is None else (total or Usd()) + more
