"""A drain that happens in memory only: the strategy is asked, and answers come from a function."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from autopack.draining.strategies.drain_history import Added, DrainHistory
from autopack.draining.strategies.ordered_phases import Place, Shelf
from autopack.draining.strategies.strategy_call import ask, followed, not_to_be_had
from autopack.ports.drain import (
    Choice,
    Choose,
    DrainView,
    PastAttempt,
    Retry,
    Stop,
    Wait,
    evidence_of,
)
from autopack.ports.log import to_us
from autopack.ports.work import PhaseView
from autopack.projections.attempts import quarter_at
from autopack.values.ids import PhaseRef
from autopack.values.money import Usd

NOTHING_LEFT: Final = "nothing is left"
_WAITS_MOST: Final = 10_000
"""How often in a row a strategy may put off its answer: one that waits for good ends it."""


@attrs.frozen(kw_only=True)
class Answer:
    """
    How one attempt would end.

    Args:
        ending: ``completed``, ``failed``, ``timed_out`` or ``gated``.
        total_tokens: What its calls use together; 0 for no call.
        sample: The predicted and the measured output, if a calibrator could use them.
        fingerprint, failure_class, reason_code: Of its failure.
        verdict: What judged its work, ``right`` or ``wrong``.
        cost_usd: What its calls cost, if that is known.
        is_right: Whether its work is right in truth, which no strategy sees; None if that is not
            known.
        is_retryable: Whether the phase goes back in the queue, as long as it has attempts.
    """

    ending: str
    total_tokens: int = 0
    calls: int = 1
    sample: tuple[int, int] | None = None
    fingerprint: str | None = None
    failure_class: str | None = None
    reason_code: str | None = None
    verdict: str | None = None
    cost_usd: Usd | None = None
    is_right: bool | None = None
    is_retryable: bool = False
    duration_s: float = 0.0


@attrs.frozen(kw_only=True)
class Step:
    """
    A phase that was taken in a world, why, and how it ended there.

    Args:
        phase: As it was done: its model is that of the attempt.
        executor: Who was named to do it; None is the drain's own.
    """

    phase: PhaseView
    reason: str
    answer: Answer
    executor: str | None = None
    is_retry: bool = False


class World:
    """
    What a strategy sees and does, one phase at a time, without a log.

    Args:
        view: Where to begin; its shelves are copied, its evidence is read only if it is asked for.
        answer: Returns how the given attempt at a phase ends; attempts count from 1.
        group_of: The group in which a phase's sample counts.
        later: Phases that become ready once those that they come after are done.
        was_done: Tells of a phase's key whether it was done before.
        standing: Returns in words why the phase of a key may not be taken.

    Attributes:
        executor: Who was named to do the phase that was taken last; None is the drain's own.
    """

    def __init__(
        self,
        view: DrainView,
        answer: Callable[[PhaseView, int], Answer],
        *,
        group_of: Callable[[PhaseView], str],
        later: Iterable[PhaseView] = (),
        was_done: Callable[[str], bool] = lambda _key: False,
        standing: Callable[[str], str | None] = lambda _key: None,
    ) -> None:
        self.history, self.groups = DrainHistory(), Added(view.groups)
        self.spent_tokens, self.samples, self.attempts = 0, 0, 0
        self.now: datetime = view.now
        self.tokens_by_quarter = dict(view.tokens_by_quarter)
        self._first, self._answer, self._group_of = view, answer, group_of
        self._ready, self._failed = Shelf(), Shelf()
        for shelf, phases in ((self._ready, view.ready), (self._failed, view.failed)):
            for phase in phases:
                shelf.put(self._place(phase), phase)
        self._later = {phase.key: phase for phase in later}
        self._dependents: dict[str, list[str]] = {}
        for phase in self._later.values():
            for name in phase.after:
                self._dependents.setdefault(f"{phase.run_id}/{name}", []).append(phase.key)
        self._was_done, self._done = was_done, set[str]()
        self._standing = standing
        self._past: dict[str, list[PastAttempt]] = {}
        self.executor: str | None = None

    def view(self) -> DrainView:
        """Return what the strategy is shown now."""
        return attrs.evolve(
            self._first,
            now=self.now,
            ready=self._ready,
            failed=self._failed,
            waiting=len(self._later),
            next_ready_at=None,
            running=0,
            elsewhere=0,
            in_work=(),
            spent_tokens=self._first.spent_tokens + self.spent_tokens,
            reserved_tokens=0,
            failures=self.history.failures,
            samples=self._first.samples + self.samples,
            history=self.history.runs,
            zero_streak=self.history.zero_streak,
            groups=self.groups,
            tokens_by_quarter=self.tokens_by_quarter,
            attempts=self.attempts_at,
        )

    def go_on_from(self, view: DrainView) -> None:
        """Remember what a drain had seen when it was shown a view."""
        self.history.runs.update(view.history)
        self.history.failures.update(view.failures)
        self.history.zero_streak = view.zero_streak

    def settle(self, phase: PhaseView, answer: Answer) -> None:
        """Take note of how a phase ended that was in work as the world began."""
        self._learn(phase, answer)

    def attempts_at(self, ref: PhaseRef) -> Sequence[PastAttempt]:
        """Return the attempts at a phase so far: those before the world began, and its own."""
        return (*self._first.attempts(ref), *self._past.get(str(ref), ()))

    def hold_run(self, run_id: str) -> None:
        """Let no phase of a run be taken any more."""
        for shelf in (self._ready, self._failed):
            for phase in [phase for phase in shelf if phase.run_id == run_id]:
                shelf.discard(phase.key)

    def step(self, strategy: Any, name: str, *, deadline_s: float | None = None) -> Step | str:
        """
        Ask the strategy, and do what it says; return the step, or why it ends here.

        Args:
            deadline_s: For how long it may look at what it is shown; None is ten minutes.

        Raises:
            PluginError: It failed, or chose a phase that is not to be had.
        """
        if not (self._ready or (self._failed and getattr(strategy, "takes_failed", False))):
            return NOTHING_LEFT
        choice = self._asked(strategy, name, deadline_s)
        match choice:
            case Stop(reason=reason) | Wait(reason=reason):
                return reason
            case Choose(ref=ref, reason=reason):
                phase = self._taken(self._ready, ref)
            case Retry(ref=ref, reason=reason):
                phase = self._taken(self._failed, ref)
        if phase is None:
            key = str(choice.ref)
            was_taken = self.history.tried[key] > 0
            why = "it was taken before" if was_taken else self._standing(key)
            raise not_to_be_had(name, choice, why)
        self.executor = choice.executor
        model = choice.model or phase.model
        step = self._ended(phase, reason, model, is_retry=isinstance(choice, Retry))
        if self._comes_again(phase, step.answer, strategy, name):
            self._again(phase, step.answer)
        return step

    def _asked(self, strategy: Any, name: str, deadline_s: float | None) -> Choice:
        """Ask the strategy; where it waits until a moment, let that come, and ask again."""
        choice = ask(strategy, self.view(), name, deadline_s=deadline_s)
        for _ in range(_WAITS_MOST):
            if not isinstance(choice, Wait) or choice.until is None or choice.until <= self.now:
                break
            self.now = choice.until
            choice = ask(strategy, self.view(), name, deadline_s=deadline_s)
        return choice

    def _taken(self, shelf: Shelf, ref: PhaseRef) -> PhaseView | None:
        key = str(ref)
        if not shelf.has(key):
            return None
        phase = shelf.row(key)
        shelf.discard(key)
        return phase

    def _ended(self, phase: PhaseView, reason: str, model: str | None, *, is_retry: bool) -> Step:
        self.history.tried[phase.key] += 1
        self.attempts += 1
        done = attrs.evolve(phase, model=model)
        answer = self._answer(done, self.history.tried[phase.key])
        self._learn(done, answer)
        executor = self.executor
        return Step(phase=done, reason=reason, answer=answer, executor=executor, is_retry=is_retry)

    def _learn(self, phase: PhaseView, answer: Answer) -> None:
        self._remember(phase, answer)
        self.history.ended(
            phase.run_id, answer.ending, calls=answer.calls, fingerprint=answer.fingerprint
        )
        self.now += timedelta(seconds=answer.duration_s)
        self.spent_tokens += answer.total_tokens
        quarter = datetime.fromisoformat(quarter_at(to_us(self.now)))
        used = self.tokens_by_quarter.get(quarter, 0)
        self.tokens_by_quarter[quarter] = used + answer.total_tokens
        if answer.sample is not None:
            self.samples += 1
            self.groups.add(self._group_of(phase), evidence_of(*answer.sample))
        if answer.ending == "completed":
            self._complete(phase)

    def _comes_again(self, phase: PhaseView, answer: Answer, strategy: Any, name: str) -> bool:
        """Tell whether a phase goes back in the queue, as its strategy or its failure says."""
        if answer.ending not in ("failed", "timed_out"):
            return False
        after = followed(strategy, phase, self.attempts_at(phase.ref), name)
        is_wanted = answer.is_retryable if after is None else isinstance(after, Retry)
        return is_wanted and phase.attempts_spent + 1 < phase.max_attempts

    def _again(self, phase: PhaseView, answer: Answer) -> None:
        again = attrs.evolve(
            phase,
            attempts=phase.attempts + 1,
            attempts_spent=phase.attempts_spent + 1,
            fingerprint=answer.fingerprint or phase.fingerprint,
            reason_code="requeued",
        )
        self._ready.put(self._place(phase), again)

    def _remember(self, phase: PhaseView, answer: Answer) -> None:
        past = PastAttempt(
            number=len(self.attempts_at(phase.ref)) + 1,
            model=phase.model,
            executor=self.executor,
            ending=answer.ending,
            failure_class=answer.failure_class,
            reason_code=answer.reason_code,
            verdict=answer.verdict,
            cost_usd=answer.cost_usd,
            calls=answer.calls,
            output_tokens=0 if answer.sample is None else answer.sample[1],
        )
        self._past.setdefault(phase.key, []).append(past)

    def _complete(self, phase: PhaseView) -> None:
        self._done.add(phase.key)
        for key in self._dependents.get(phase.key, ()):
            row = self._later.get(key)
            if row is not None and all(self._is_done(f"{row.run_id}/{n}") for n in row.after):
                del self._later[key]
                self._ready.put(self._place(row), row)

    def _is_done(self, key: str) -> bool:
        return key in self._done or self._was_done(key)

    def _place(self, phase: PhaseView) -> Place:
        run = self._first.runs.get(phase.run_id)
        return (run.order if run else phase.order, phase.index, phase.order, phase.key)
