"""What a drain would do: the strategy asked again and again, without writing anything."""

from collections.abc import Callable
from typing import Any

import attrs

from autopack.ids import PhaseRef
from autopack.ports.drain import Choose, DrainView
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView


@attrs.frozen(kw_only=True)
class Planned:
    """One phase that would be taken, why, and what it would need. Tokens of output."""

    ref: PhaseRef
    reason: str
    category: str
    complexity: str
    predicted_output_tokens: int
    budget_tokens: int


def plan(
    view: DrainView,
    strategy: Any,
    estimate: Callable[[PhaseView], Estimate],
    *,
    most: int,
) -> list[Planned]:
    """Return what the strategy would choose, in order, if each phase went well."""
    ready = list(view.ready)
    planned: list[Planned] = []
    while ready and len(planned) < most:
        choice = strategy(attrs.evolve(view, ready=ready))
        if not isinstance(choice, Choose):
            break
        chosen = next((phase for phase in ready if phase.ref == choice.ref), None)
        if chosen is None:
            break
        ready.remove(chosen)
        found = estimate(chosen)
        planned.append(
            Planned(
                ref=chosen.ref,
                reason=choice.reason,
                category=chosen.category,
                complexity=chosen.complexity,
                predicted_output_tokens=found.predicted_output_tokens,
                budget_tokens=found.budget_tokens,
            )
        )
    return planned
