"""What a drain would do: the strategy asked again and again, without writing anything."""

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from autopack.draining.simulation.simulated_drain import NOTHING_LEFT, Answer, Step, World
from autopack.draining.strategies.ordered_phases import group_of
from autopack.ports.drain import DrainView
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView
from autopack.values.ids import PhaseRef
from autopack.values.money import Usd


@attrs.frozen(kw_only=True)
class Planned:
    """
    One phase that would be taken, why, and what it would need.

    Args:
        predicted_output_tokens, budget_tokens: In tokens of output.
        predicted_usd: What its output would cost by what is known; None if nothing is.
        is_retry: Whether it failed before and would be put back in the queue first.
    """

    ref: PhaseRef
    reason: str
    category: str
    complexity: str
    predicted_output_tokens: int
    budget_tokens: int
    predicted_usd: Usd | None = None
    is_retry: bool = False


class Plan(list[Planned]):
    """What would be taken, in order; *ended* is why the strategy took no more, if it said so."""

    ended: str | None = None


def plan(
    view: DrainView,
    strategy: Any,
    estimate: Callable[[PhaseView], Estimate],
    *,
    most: int,
    name: str = "strategy",
    price: Callable[[PhaseView, int], Usd | None] = lambda _phase, _tokens: None,
    later: Iterable[PhaseView] = (),
    was_done: Callable[[str], bool] = lambda _key: False,
    standing: Callable[[str], str | None] = lambda _key: None,
) -> Plan:
    """
    Return what the strategy would choose, in order, if each phase went well.

    Args:
        most: How many phases to plan at most.
        price: What a phase's output of so many tokens costs, in USD.
        later: Phases that become ready once those that they come after are done.
        was_done: Tells of a phase's key whether it is done already.
        standing: Returns in words why the phase of a key may not be taken.
    """
    estimates: dict[str, Estimate] = {}

    def well(phase: PhaseView, _attempt: int) -> Answer:
        found = estimates[phase.key] = estimate(phase)
        size = max(1, found.predicted_output_tokens)
        return Answer(ending="completed", total_tokens=size, sample=(size, size))

    world = World(view, well, group_of=group_of, later=later, was_done=was_done, standing=standing)
    planned = Plan()
    while len(planned) < most:
        step = world.step(strategy, name)
        if not isinstance(step, Step):
            planned.ended = None if step == NOTHING_LEFT else step
            break
        planned.append(_planned(step, estimates[step.phase.key], price))
    return planned


def _planned(step: Step, found: Estimate, price: Callable[[PhaseView, int], Usd | None]) -> Planned:
    return Planned(
        ref=step.phase.ref,
        reason=step.reason,
        category=step.phase.category,
        complexity=step.phase.complexity,
        predicted_output_tokens=found.predicted_output_tokens,
        budget_tokens=found.budget_tokens,
        predicted_usd=price(step.phase, found.predicted_output_tokens),
        is_retry=step.is_retry,
    )
