"""A drain's choices, asked again of a strategy: its own, or another one."""

from collections.abc import Sequence
from typing import Any, Final

import attrs

from autopack.draining.engine.asked_strategy import DEADLINE_S, AskedStrategy, strategy_to_ask
from autopack.draining.engine.past_drain import PastDrain
from autopack.draining.engine.past_failures import PastFailures
from autopack.draining.engine.recorded_choices import (
    DrainRecord,
    RecordedChoice,
    RecordedEnd,
    RecordedFailure,
    first_start,
    on_record,
)
from autopack.draining.settings.named_parts import calibrator_named
from autopack.draining.simulation.other_path import OtherPath, other_path
from autopack.draining.simulation.replayed_choices import (
    DrainReplay,
    ReplayedChoice,
    StrategyAnswer,
)
from autopack.events import DrainStarted
from autopack.log import views
from autopack.log.log import Log, journal_of, registry_of
from autopack.log.past_log import PastLog
from autopack.ports.drain import DrainView, StrategyLike
from autopack.ports.log import Recorded
from autopack.prediction.replayed_budgets import ReplayedBudgets, replayed_budgets
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.phases import FAILED_STATES

_ENDED_BY_ITSELF: Final = frozenset({"empty", "strategy", "blocked"})


def budgets_replayed(
    log: Log, drain_id: str, *, estimator: Any, calibrator: Any, tau: float | None
) -> ReplayedBudgets:
    """
    Return what a drain's attempts would have been given.

    Args:
        estimator, calibrator: By whom; None are the drain's own.
        tau: The share of outputs to hold; None is the drain's own.
    """
    registry, settings = registry_of(log), first_start(log, drain_id).event.settings
    share = settings.get("tau", 0.9) if tau is None else tau
    chosen = registry.resolve("estimator", estimator or settings.get("estimator"))
    wanted = calibrator or settings.get("calibrator")
    made = calibrator_named(registry, wanted, chosen.name, share)
    rows = [row for row in _attempts_in_order(log) if row.drain == drain_id]
    past_at = PastLog(log, 0).move_to
    found = replayed_budgets(rows, past_at=past_at, estimator=chosen, calibrator=made, tau=share)
    return attrs.evolve(found, calibrator=wanted) if isinstance(wanted, str) else found


def unasked(log: Log, drain_id: str) -> DrainReplay:
    """Return what a drain was, with no choice asked again."""
    name = first_start(log, drain_id).event.strategy
    return DrainReplay(drain_id=drain_id, strategy=name, asked=name, is_own=True, choices=())


def replayed(log: Log, drain_id: str, strategy: StrategyLike | None = None) -> DrainReplay:
    """
    Return the choices of a drain, each asked again.

    Args:
        strategy: What is asked; the drain's own, if it is left out.

    Raises:
        InvalidInputError: The drain's own strategy cannot be made again.
    """
    first, record = first_start(log, drain_id), on_record(log, drain_id)
    replay = _Replay(log, strategy, record)
    for one in record.answered:
        replay.take(one)
    failures = PastFailures(log)
    for failed in record.followed:
        replay.follow(failures, failed)
    asked = next(iter(replay.asked.values()), None) or strategy_to_ask(log, first, strategy)
    return DrainReplay(
        drain_id=drain_id,
        strategy=first.event.strategy,
        asked=asked.name,
        is_own=asked.is_own,
        choices=tuple(replay.choices),
        afterwards=tuple(replay.afterwards),
        ends=tuple(replay.ends),
        path=replay.path,
    )


class _Replay:
    """
    One drain asked again: for each of its workers a strategy, and the log's past.

    Each is asked twice: what answers this and then that to one view is no function of it.
    """

    def __init__(self, log: Log, strategy: StrategyLike | None, record: DrainRecord) -> None:
        self._log, self._strategy, self._stopped = log, strategy, record.stopped
        self._left = sum(isinstance(one, RecordedChoice) for one in record.answered)
        self._pasts: dict[str, PastDrain] = {}
        self.asked: dict[str, AskedStrategy] = {}
        self.choices: list[ReplayedChoice] = []
        self.afterwards: list[ReplayedChoice] = []
        self.ends: list[ReplayedChoice] = []
        self.path: OtherPath | None = None

    def take(self, one: RecordedChoice | RecordedEnd) -> None:
        """Ask again at the next choice, or end, in the order of the log."""
        recorded, event = one.recorded, one.recorded.event
        found = ReplayedChoice(
            position=recorded.position,
            at=event.looked_at or recorded.recorded_at,
            worker=one.started.event.worker,
            recorded=one.answer("choose"),
            about="choice" if isinstance(one, RecordedChoice) else "end",
            why_not=one.why_not,
        )
        if one.why_not is None:
            found = self._asked_again(one, found)
        if isinstance(one, RecordedChoice):
            self.choices.append(found)
            self._left -= 1
        else:
            self.ends.append(found)

    def follow(self, failures: PastFailures, one: RecordedFailure) -> None:
        """Ask again what comes after a failure."""
        found = ReplayedChoice(
            position=one.recorded.position,
            at=one.recorded.recorded_at,
            worker=one.started.event.worker,
            recorded=one.answer,
            about="failure",
            why_not=one.why_not,
        )
        if one.why_not is None:
            phase, attempts = failures.shown(one.recorded.event)
            asked = self._asked(one.started)
            first, second = (asked.after_failure(phase, attempts) for _ in range(2))
            found = _with_answers(found, first, second)
        self.afterwards.append(found)

    def _asked_again(
        self, one: RecordedChoice | RecordedEnd, found: ReplayedChoice
    ) -> ReplayedChoice:
        asked, started = self._asked(one.started), one.started.event
        if (past := self._pasts.get(started.worker)) is None:
            past = PastDrain(self._log, one.started, asked.strategy, asked.name)
            self._pasts[started.worker] = past
        view = past.shown(one.recorded.event, with_ways=asked.is_own)
        first = asked.answers(view, started, past.admission)
        asked.distract(view)
        second = asked.answers(view, started, past.admission)
        found = _with_answers(found, first, second)
        if not isinstance(one, RecordedChoice):
            return found
        stood = past.admission.row(one.key)
        if stood is not None and stood.status in FAILED_STATES:
            found = attrs.evolve(found, recorded=one.answer("retry"))
        if self.path is None and found.differs and not asked.is_own:
            most = None if self._stopped in _ENDED_BY_ITSELF else self._left
            self.path = _path(self._log, asked, past, view, one, most)
        past.took(one.recorded.event)
        return found

    def _asked(self, started: Recorded[DrainStarted]) -> AskedStrategy:
        worker = started.event.worker
        if worker not in self.asked:
            self.asked[worker] = strategy_to_ask(self._log, started, self._strategy)
        return self.asked[worker]


def _with_answers(
    found: ReplayedChoice, first: StrategyAnswer, second: StrategyAnswer
) -> ReplayedChoice:
    is_other = second.what != first.what
    return attrs.evolve(found, answer=first, second=second if is_other else None)


def _path(
    log: Log,
    asked: AskedStrategy,
    past: PastDrain,
    view: DrainView,
    one: RecordedChoice,
    most: int | None,
) -> OtherPath:
    """Return where another strategy would have gone from a choice on."""
    after, drain_id = one.recorded.event.read_to or 0, one.started.event.drain_id
    attempts: dict[str, list[AttemptRow]] = {}
    ends: dict[str, AttemptRow] = {}
    for claimed in _attempts_in_order(log):
        ends[claimed.lease_token or ""] = claimed
        if claimed.position > after:
            attempts.setdefault(f"{claimed.run_id}/{claimed.phase_id}", []).append(claimed)
    taken = [row for rows in attempts.values() for row in rows if row.drain == drain_id]
    in_work = ((phase, ends.get(phase.lease_token or "")) for phase in view.in_work)
    under_way = [(phase, row) for phase, row in in_work if row is not None and row.ending]
    return other_path(
        view,
        asked.strategy,
        asked.name,
        attempts=attempts,
        taken=taken,
        under_way=under_way,
        later=past.admission.coming_after(),
        was_done=past.admission.is_done,
        standing=past.admission.standing,
        estimate=past.views.predict,
        most=most,
        deadline_s=DEADLINE_S,
    )


def _attempts_in_order(log: Log) -> Sequence[AttemptRow]:
    rows = views.current(journal_of(log), ATTEMPTS).rows.values()
    claimed = (row for row in rows if row.lease_token is not None)
    return sorted(claimed, key=lambda row: (row.run_id or "", row.phase_id or "", row.attempt or 0))
