"""What predicted output would cost: by a plugin's prices, else by what calls of the log cost."""

from decimal import Decimal
from typing import Any

from autopack import views
from autopack.events import LlmUsageRecorded
from autopack.plugins import Registry
from autopack.ports.work import PhaseView
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.use import Call

_ANY_MODEL = ""


class Prices:
    """
    Prices a phase before it is run; the log is read when that is first asked for.

    A plugin's ``autopack_price_usage`` is asked first. Else the reported cost of the log's calls
    is divided by their output tokens, by model, and for a phase that names none over all models:
    a rough figure, which takes for granted that inputs stay in proportion.
    """

    def __init__(self, journal: Any, registry: Registry) -> None:
        self._journal, self._registry = journal, registry
        self._rates: dict[str, float] | None = None

    def __call__(self, phase: PhaseView, output_tokens: int) -> float | None:
        """Return the cost in USD, or None where nothing is known of it."""
        usage = LlmUsageRecorded(
            call_id="predicted",
            run_id=phase.run_id,
            phase_id=phase.phase_id,
            request_model=phase.model,
            input_tokens=phase.prompt_tokens,
            output_tokens=output_tokens,
            split="inferred",
        )
        told = self._registry.first("autopack_price_usage", usage=usage)
        if told is not None:
            return float(told)
        rate = self._known().get(phase.model or _ANY_MODEL)
        return None if rate is None else rate * output_tokens

    def _known(self) -> dict[str, float]:
        if self._rates is None:
            sums: dict[str, tuple[Decimal, int]] = {}
            for row in views.current(self._journal, ATTEMPTS).rows.values():
                for call in row.calls.values():
                    _add(sums, call)
            self._rates = {model: float(usd) / tokens for model, (usd, tokens) in sums.items()}
        return self._rates


def _add(sums: dict[str, tuple[Decimal, int]], row: Call) -> None:
    if row.cost_usd is None or row.cost_source != "reported" or not row.output_tokens:
        return
    for model in {_ANY_MODEL, row.model or _ANY_MODEL}:
        usd, tokens = sums.get(model, (Decimal(0), 0))
        sums[model] = (usd + row.cost_usd, tokens + row.output_tokens)
