"""Where another strategy would have gone from a choice on, as far as the log knows what it met."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from autopack.draining.simulation.simulated_drain import Answer, Step, World
from autopack.draining.strategies.drain_history import NOTED
from autopack.draining.strategies.group_knowledge import evidence_in
from autopack.draining.strategies.ordered_phases import group_of
from autopack.errors import PluginError
from autopack.ports.drain import DrainView
from autopack.ports.work import PhaseView
from autopack.projections.attempt_row import AttemptRow
from autopack.values.money import Usd, total

_MOST: Final = 10_000


@attrs.frozen(kw_only=True)
class PathSum:
    """
    What the attempts of a path came to, as the log has it.

    Args:
        tokens: What their calls are known to have used.
        cost_usd: What is known of their costs; None where no call's price is.
    """

    attempts: int = 0
    completed: int = 0
    failed: int = 0
    tokens: int = 0
    cost_usd: Usd | None = None


@attrs.frozen(kw_only=True)
class PathStep:
    """
    A phase that another strategy would have taken.

    Args:
        phase: ``RUN/PHASE``.
        reason: The strategy's own.
        ending: How such an attempt ended in the log; None where nobody knows.
        tokens, cost_usd: What it used there.
        why_unknown: Why nobody knows, in words.
        estimated_output_tokens: What was predicted of an attempt that nobody knows.
    """

    phase: str
    model: str | None
    reason: str
    ending: str | None = None
    tokens: int | None = None
    cost_usd: Usd | None = None
    why_unknown: str | None = None
    estimated_output_tokens: int | None = None


@attrs.frozen(kw_only=True)
class OtherPath:
    """
    The path that was taken, and the one that another strategy would have, from where they part.

    What never ran is taken to go well and to use nothing, so that the strategy can be asked on:
    from the first such step the other path is an assumption, and its ``known`` only a part of it.

    Args:
        taken: What the drain's attempts from there on came to.
        known: What those of the other path's came to that ran in the log, then or later.
        steps: All of the other path, in order.
        only_taken, only_other: Phases that are on one of the paths alone.
        ended: Why the other path ends, in words.
    """

    taken: PathSum
    known: PathSum
    steps: tuple[PathStep, ...]
    only_taken: tuple[str, ...]
    only_other: tuple[str, ...]
    ended: str

    @property
    def unknown(self) -> tuple[PathStep, ...]:
        """The steps of which the log knows nothing."""
        return tuple(step for step in self.steps if step.ending is None)


class _Known:
    """
    Answers for phases what the log says of attempts after a position, one after another.

    Those without an end of their own say nothing of the work: whoever took the phase over does.
    """

    def __init__(self, attempts: Mapping[str, Sequence[AttemptRow]]) -> None:
        self._attempts = attempts
        self._ended: dict[str, Sequence[AttemptRow]] = {}
        self._used: dict[str, int] = {}
        self.row: AttemptRow | None = None
        self.why = ""

    def __call__(self, phase: PhaseView, _number: int) -> Answer:
        """Return how an attempt ended that the log knows; else that it completes, for nothing."""
        every, at = self._attempts.get(phase.key, ()), self._used.get(phase.key, 0)
        if (rows := self._ended.get(phase.key)) is None:
            rows = self._ended[phase.key] = [row for row in every if row.ending in NOTED]
        self.row = rows[at] if at < len(rows) else None
        if self.row is None and every and every[-1].ending not in NOTED:
            self.why = "its attempt had no end of its own"
        elif self.row is None:
            self.why = "it was not tried again" if every else "it never ran"
        elif self.row.claimed_model != phase.model:
            self.why = f"it ran on {self.row.claimed_model or 'no named model'}, not on this one"
            self.row = None
        if self.row is None:
            return Answer(ending="completed")
        self._used[phase.key] = at + 1
        return answer_of(self.row, is_retryable=at + 1 < len(rows))


def answer_of(row: AttemptRow, *, is_retryable: bool) -> Answer:
    """Return how an attempt of the log ended."""
    is_met = evidence_in(row, row.estimator or "") is not None
    priced = row.use.calls > row.use.calls_without_cost
    return Answer(
        ending=row.ending or "",
        total_tokens=row.use.total_tokens,
        calls=row.use.calls,
        sample=(row.predicted_output_tokens or 1, row.actual_output_tokens or 1)
        if is_met
        else None,
        fingerprint=row.alike,
        failure_class=row.failure_class,
        reason_code=row.reason_code,
        verdict=row.verdict,
        cost_usd=row.use.cost_usd if priced else None,
        is_retryable=is_retryable,
        duration_s=row.duration_s or 0.0,
    )


def other_path(
    view: DrainView,
    strategy: Any,
    name: str,
    *,
    attempts: Mapping[str, Sequence[AttemptRow]],
    taken: Sequence[AttemptRow],
    under_way: Iterable[tuple[PhaseView, AttemptRow]],
    later: Iterable[PhaseView],
    was_done: Callable[[str], bool],
    standing: Callable[[str], str | None],
    estimate: Callable[[PhaseView], int],
    most: int | None,
    deadline_s: float,
) -> OtherPath:
    """
    Return where a strategy goes from a view on, one phase at a time.

    Args:
        attempts: By key, the attempts at each phase that began after the view, in order.
        taken: Those of them that the drain itself made.
        under_way: The phases in work as the view was shown, with how their attempts ended.
        later: Phases that become ready once others are done.
        was_done, standing: Whether a phase was done, and why it is not ready, by its key.
        estimate: Returns the predicted output tokens of a phase.
        most: After how many phases to end; None is where the strategy does.
        deadline_s: For how long it may look at each view.
    """
    known = _Known(attempts)
    world = World(view, known, group_of=group_of, later=later, was_done=was_done, standing=standing)
    world.go_on_from(view)
    for phase, row in under_way:
        world.settle(phase, answer_of(row, is_retryable=False))
    steps: list[PathStep] = []
    rows: list[AttemptRow] = []
    ended = f"after {most} phases, as many as were taken"
    while len(steps) < (_MOST if most is None else most):
        try:
            step = world.step(strategy, name, deadline_s=deadline_s)
        except PluginError as fault:
            step = fault.what
        if not isinstance(step, Step):
            ended = step
            break
        if known.row is not None:
            rows.append(known.row)
        steps.append(_step(step, known, estimate))
    ours, theirs = {_key(row) for row in taken}, {step.phase for step in steps}
    return OtherPath(
        taken=summed(taken),
        known=summed(rows),
        steps=tuple(steps),
        only_taken=tuple(dict.fromkeys(_key(row) for row in taken if _key(row) not in theirs)),
        only_other=tuple(dict.fromkeys(step.phase for step in steps if step.phase not in ours)),
        ended=ended,
    )


def _step(step: Step, known: _Known, estimate: Callable[[PhaseView], int]) -> PathStep:
    row = known.row
    return PathStep(
        phase=step.phase.key,
        model=step.phase.model,
        reason=step.reason,
        ending=None if row is None else row.ending,
        tokens=None if row is None else row.use.total_tokens,
        cost_usd=None if row is None else step.answer.cost_usd,
        why_unknown=known.why if row is None else None,
        estimated_output_tokens=estimate(step.phase) if row is None else None,
    )


def summed(rows: Sequence[AttemptRow]) -> PathSum:
    """Return what attempts came to."""
    costs = [row.use.cost_usd for row in rows if row.use.calls > row.use.calls_without_cost]
    return PathSum(
        attempts=len(rows),
        completed=sum(row.ending == "completed" for row in rows),
        failed=sum(row.ending in ("failed", "timed_out") for row in rows),
        tokens=sum(row.use.total_tokens for row in rows),
        cost_usd=total(costs) if costs else None,
    )


def _key(row: AttemptRow) -> str:
    return f"{row.run_id}/{row.phase_id}"
