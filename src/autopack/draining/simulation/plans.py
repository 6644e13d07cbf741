"""What a drain would do: the strategy asked again and again, without writing anything."""

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from autopack.draining.simulation.simulated_drain import NOTHING_LEFT, Answer, Step, World
from autopack.draining.strategies.ordered_phases import group_of
from autopack.errors import CapFullError, CapReachedError, PriceUnknownError
from autopack.ports.drain import DrainView
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView
from autopack.values.ids import PhaseRef
from autopack.values.money import Usd

Refusal = CapFullError | PriceUnknownError
Foresee = Callable[[PhaseView, Estimate, str | None], str | None]
"""Returns why a phase would fail before it begins with the executor of a name, if it can tell."""


@attrs.frozen(kw_only=True)
class Planned:
    """
    One phase that would be taken, why, and what it would need.

    Args:
        predicted_output_tokens, budget_tokens: In tokens of output.
        predicted_usd: What its output would cost by what is known; None if nothing is.
        is_retry: Whether it failed before and would be put back in the queue first.
        model, executor: With which it would be done, by name; None is not named.
        problem: Why it would fail, or wait for a person, before it begins; None if that is not
            known.
    """

    ref: PhaseRef
    reason: str
    category: str
    complexity: str
    predicted_output_tokens: int
    budget_tokens: int
    predicted_usd: Usd | None = None
    is_retry: bool = False
    model: str | None = None
    executor: str | None = None
    problem: str | None = None


def _has_room(_phase: PhaseView, _estimate: Estimate) -> None:
    """Let everything be taken."""


class Plan(list[Planned]):
    """
    What would be taken, in order.

    *ended* is why no more would be, if something says so; *held* why runs and phases would be left,
    by name; *notes* are what the figures leave open.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ended: str | None = None
        self.held: dict[str, str] = {}
        self.notes: list[str] = []


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
    room: Callable[[PhaseView, Estimate], Refusal | CapReachedError | None] = _has_room,
    foresee: Foresee = lambda _phase, _estimate, _executor: None,
    samples_most: int | None = None,
) -> Plan:
    """
    Return what the strategy would choose, in order, if each phase went well.

    Args:
        most: How many phases to plan at most.
        price: What a phase's output of so many tokens costs, in USD.
        later: Phases that become ready once those that they come after are done.
        was_done: Tells of a phase's key whether it is done already.
        standing: Returns in words why the phase of a key may not be taken.
        room: Takes a phase under the caps, or returns why it does not fit.
        foresee: Returns why a phase would fail before it begins, if that can be known.
        samples_most: How many samples end the drain.
    """
    estimates, taken = _remembering(estimate), _Taken(room, foresee)

    def went(phase: PhaseView, _attempt: int) -> Answer:
        return taken.answer(phase, estimates(phase), world.executor)

    world = World(view, went, group_of=group_of, later=later, was_done=was_done, standing=standing)
    planned = Plan()
    while len(planned) < most:
        if samples_most is not None and world.samples >= samples_most:
            planned.ended = f"max_samples: {samples_most} samples won"
            break
        step = world.step(strategy, name)
        if not isinstance(step, Step):
            planned.ended = None if step == NOTHING_LEFT else step
            break
        if (refusal := taken.refusal) is None:
            planned.append(_planned(step, taken, price))
        elif not _is_left(planned, world, step.phase, refusal):
            planned.ended = refusal.typed
            break
    return planned


class _Taken:
    """The phase that was taken last: its estimate, and what a cap or its executor say of it."""

    def __init__(
        self,
        room: Callable[[PhaseView, Estimate], Refusal | CapReachedError | None],
        foresee: Foresee,
    ) -> None:
        self._room, self._foresee = room, foresee
        self.refusal: Refusal | None = None
        self.problem: str | None = None

    def answer(self, phase: PhaseView, found: Estimate, executor: str | None) -> Answer:
        """Return how the phase would go."""
        refusal = self._room(phase, found)
        is_above = isinstance(refusal, CapReachedError)
        self.found, self.refusal = found, None if isinstance(refusal, CapReachedError) else refusal
        self.problem = str(refusal) if is_above else None
        if refusal is None:
            self.problem = self._foresee(phase, found, executor)
        if self.refusal is not None or self.problem is not None:
            return Answer(ending="failed")
        size = max(1, found.predicted_output_tokens)
        return Answer(ending="completed", total_tokens=size, sample=(size, size))


def _is_left(planned: Plan, world: World, phase: PhaseView, refusal: Refusal) -> bool:
    """Leave what does not fit and go on, where its run or the phase alone is held back."""
    kind, name = refusal.scope.partition("-")[::2]
    if kind not in ("run", "phase"):
        return False
    if kind == "run":
        world.hold_run(phase.run_id)
    planned.held[f"{kind} {name}"] = refusal.typed
    return True


def _remembering(estimate: Callable[[PhaseView], Estimate]) -> Callable[[PhaseView], Estimate]:
    """Return what estimates phases that are alike once: a plan may hold thousands of them."""
    known: dict[Any, Estimate] = {}

    def remembered(phase: PhaseView) -> Estimate:
        kind = (
            phase.category, phase.complexity, phase.deliverables, phase.goal, phase.model,
            phase.prompt_tokens, len(phase.inputs), phase.escalated_tokens,
        )  # fmt: skip
        if kind not in known:
            known[kind] = estimate(phase)
        return known[kind]

    return remembered


def _planned(step: Step, taken: _Taken, price: Callable[[PhaseView, int], Usd | None]) -> Planned:
    found = taken.found
    return Planned(
        ref=step.phase.ref,
        reason=step.reason,
        category=step.phase.category,
        complexity=step.phase.complexity,
        predicted_output_tokens=found.predicted_output_tokens,
        budget_tokens=found.budget_tokens,
        predicted_usd=price(step.phase, found.predicted_output_tokens),
        is_retry=step.is_retry,
        model=step.phase.model,
        executor=step.executor,
        problem=taken.problem,
    )
