"""What strategies would make of the same work: run in memory, side by side, deterministic."""

from collections.abc import Sequence
from typing import Any, Final, Unpack

import attrs

from autopack.draining.queue.breaker import Breaker
from autopack.draining.queue.drain_limits import Limits, limit_reached
from autopack.draining.settings.parameters import DrainLimits
from autopack.draining.simulation.backlogs import Backlog, recorded_backlog
from autopack.draining.simulation.known_models import check_attempt, check_models
from autopack.draining.simulation.simulated_drain import Step, World
from autopack.draining.strategies.drain_history import TIMED_OUT
from autopack.draining.strategies.explore import width_of
from autopack.draining.strategies.ordered_phases import group_of
from autopack.log.log import Log
from autopack.ports.drain import GroupEvidence
from autopack.projections.call_use import Use
from autopack.projections.sums_by_drain_and_run import Work
from autopack.values.money import Usd, total

WIDTH: Final = 0.5
"""The width to which every group is to be known, unless another one is given."""


@attrs.frozen(kw_only=True)
class Simulated:
    """
    What one strategy made of a backlog.

    Args:
        attempts, completed, failed, timed_out: How many phases were taken, and how they ended.
        tokens: Total tokens spent.
        hopeless_tokens: Those of them spent in runs none of whose phases ever completes.
        samples: Samples won: predictions of completed attempts met by a measurement, that a
            calibrator could use.
        widest: The widest interval at the end, of all groups in which some phase gives a sample;
            None if there is no such group. See ``width_of``.
        tokens_to_width: Tokens spent until every group was known to *width*; None if it never
            was.
        reason: Why it ended.
        cost_usd: What the attempts cost, as far as that is known; None where no cost is.
        right: How many phases ended with work that is right in truth; None where that is not known.
    """

    strategy: str
    source: str
    attempts: int
    completed: int
    failed: int
    timed_out: int
    tokens: int
    hopeless_tokens: int
    samples: int
    width: float
    widest: float | None
    tokens_to_width: int | None
    reason: str
    cost_usd: Usd | None = None
    right: int | None = None

    @property
    def samples_per_100k(self) -> float:
        """Samples won for each 100,000 tokens."""
        return 100_000 * self.samples / self.tokens if self.tokens else 0.0


def simulate_backlog(
    backlog: Backlog,
    strategies: Sequence[tuple[str, Any]],
    *,
    width: float = WIDTH,
    **limits: Unpack[DrainLimits],
) -> list[Simulated]:
    """
    Return what each named strategy makes of *backlog*; each begins with the same work.

    The drain's breaker is at work beside the strategy, as it is in a drain.

    Raises:
        InvalidInputError: A strategy names a model of which the backlog does not know what it
            would have done.
    """
    bounds = Limits(**limits)
    return [_one(backlog, name, strategy, width, bounds) for name, strategy in strategies]


def _one(backlog: Backlog, name: str, strategy: Any, width: float, limits: Limits) -> Simulated:
    check_models(backlog, strategy)
    asked_for = {phase.key: phase.model for phase in backlog.phases}
    world = World(backlog.view(), backlog.answer, group_of=group_of, later=backlog.later())
    learning = _Learning(backlog, width)
    hopeless, hopeless_tokens, began = backlog.hopeless(), 0, world.now
    costs: list[Usd] = []
    rights: dict[str, bool] = {}
    breaker = Breaker(
        max_fingerprint_repeats=limits.max_fingerprint_repeats,
        max_timeouts_per_run=limits.max_timeouts_per_run,
    )
    while True:
        elapsed_s = (world.now - began).total_seconds()
        if reason := limit_reached(
            limits, _work(world), zero_streak=world.history.zero_streak, elapsed_s=elapsed_s
        ):
            break
        step = world.step(strategy, name)
        if not isinstance(step, Step):
            reason = step
            break
        check_attempt(backlog, asked_for, step.phase)
        if step.phase.run_id in hopeless:
            hopeless_tokens += step.answer.total_tokens
        learning.look(world, group_of(step.phase))
        if step.answer.cost_usd is not None:
            costs.append(step.answer.cost_usd)
        if step.answer.is_right is not None:
            rights[step.phase.key] = step.answer.is_right
        if _trips(breaker, step):
            world.hold_run(step.phase.run_id)
    runs = world.history.runs.values()
    return Simulated(
        strategy=name,
        source=backlog.source,
        attempts=world.attempts,
        completed=sum(run.completed for run in runs),
        failed=sum(run.failed for run in runs),
        timed_out=sum(run.timed_out for run in runs),
        tokens=world.spent_tokens,
        hopeless_tokens=hopeless_tokens,
        samples=world.samples,
        width=width,
        widest=learning.widest,
        tokens_to_width=learning.tokens_to_width,
        reason=reason,
        cost_usd=total(costs) if costs else None,
        right=sum(rights.values()) if rights else None,
    )


class _Learning:
    """How well the groups of a backlog are known, and since when all of them are."""

    def __init__(self, backlog: Backlog, width: float) -> None:
        self._width = width
        teaching = (p for p in backlog.phases if any(a.sample for a in backlog.answers[p.key]))
        self._widths = {group_of(phase): width_of(GroupEvidence()) for phase in teaching}
        self.tokens_to_width: int | None = None

    @property
    def widest(self) -> float | None:
        return max(self._widths.values(), default=None)

    def look(self, world: World, group: str) -> None:
        """Take note of a group that was worked on."""
        if group not in self._widths:
            return
        self._widths[group] = width_of(world.groups.get(group, GroupEvidence()))
        if self.tokens_to_width is None and max(self._widths.values()) <= self._width:
            self.tokens_to_width = world.spent_tokens


def _trips(breaker: Breaker, step: Step) -> bool:
    """Let the drain's breaker know of an attempt, and tell whether it holds the run from now on."""
    run_id, answer = step.phase.run_id, step.answer
    match answer.ending:
        case "completed":
            breaker.completed(run_id)
            return False
        case "failed":
            print_of = answer.fingerprint or answer.ending
            return breaker.failed(run_id, print_of, "execution", print_of) is not None
        case _:
            return answer.ending == TIMED_OUT and breaker.timed_out(run_id) is not None


def _work(world: World) -> Work:
    return Work(
        attempts=world.attempts,
        samples_won=world.samples,
        use=Use(total_tokens=world.spent_tokens),
    )


def backlog_of(source: Backlog | Log) -> Backlog:
    """Return a backlog as it is, or that of a log's history."""
    return source if isinstance(source, Backlog) else recorded_backlog(source)
