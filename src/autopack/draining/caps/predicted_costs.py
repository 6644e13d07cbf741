"""What predicted output would cost: by a plugin's prices, else by what calls of the log cost."""

from autopack.draining.caps.call_prices import price_of
from autopack.events import LlmUsageRecorded
from autopack.log import views
from autopack.log.journal import Journal
from autopack.plugins.registry import Registry
from autopack.ports.work import PhaseView
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.call_use import Call
from autopack.values.money import Usd, share

_ANY_MODEL = ""


class Prices:
    """
    Prices a phase before it is run; the log is read when that is first asked for.

    A plugin's ``autopack_price_usage`` is asked first. Else the reported cost of the log's calls
    is divided by their output tokens, by model, and for a phase that names none over all models:
    a rough figure, which takes for granted that inputs stay in proportion.
    """

    def __init__(self, journal: Journal, registry: Registry) -> None:
        self._journal, self._registry = journal, registry
        self._rates: dict[str, tuple[Usd, int]] | None = None

    def __call__(self, phase: PhaseView, output_tokens: int) -> Usd | None:
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
        told = price_of(self._registry, usage)
        if told is not None:
            return told
        known = self._known().get(phase.model or _ANY_MODEL)
        if known is None:
            return None
        cost, tokens = known
        return share(cost, output_tokens, tokens)

    def _known(self) -> dict[str, tuple[Usd, int]]:
        if self._rates is None:
            sums: dict[str, tuple[Usd, int]] = {}
            for row in views.current(self._journal, ATTEMPTS).rows.values():
                for call in row.calls.values():
                    _add(sums, call)
            self._rates = sums
        return self._rates


def _add(sums: dict[str, tuple[Usd, int]], row: Call) -> None:
    if row.cost_usd is None or row.cost_source != "reported" or not row.output_tokens:
        return
    for model in {_ANY_MODEL, row.model or _ANY_MODEL}:
        usd, tokens = sums.get(model, (Usd(), 0))
        sums[model] = (usd + row.cost_usd, tokens + row.output_tokens)
