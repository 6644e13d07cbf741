"""The drain's half that touches the log: what may be taken, claims, and its own stream."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from autopack.draining.attempts.claims import Claim, Claims, new_worker
from autopack.draining.attempts.failures import Failing, classifier_of
from autopack.draining.attempts.lost_leases import reclaim_lost
from autopack.draining.attempts.requeue import requeue_phase
from autopack.draining.attempts.run_preparation import Preparation, Preparations
from autopack.draining.caps.cap_streams import used_by
from autopack.draining.caps.drain_use import DrainAccount, ended_attempts
from autopack.draining.caps.enforcement import Caps
from autopack.draining.caps.price_book import PriceBook
from autopack.draining.checks.late_checks import late_checks
from autopack.draining.checks.start_checks import start_checks
from autopack.draining.engine.attempt_ends import AttemptEnds
from autopack.draining.engine.choice_notes import ChoiceNotes, may_not_predict_again
from autopack.draining.engine.collector import Collector
from autopack.draining.engine.drain_estimates import DrainEstimates
from autopack.draining.engine.drain_report import sums_of
from autopack.draining.engine.drain_stream import OwnStream, versions
from autopack.draining.engine.drain_views import DrainViews
from autopack.draining.engine.followed_failures import Followed
from autopack.draining.engine.foresight import Foresight
from autopack.draining.engine.held_preparations import hold_run
from autopack.draining.engine.named_executors import Executors
from autopack.draining.engine.present_views import PresentViews
from autopack.draining.engine.resume import kept, seconds_at_work
from autopack.draining.engine.routes import Routes
from autopack.draining.queue.admission import Admission
from autopack.draining.queue.holds import Guards
from autopack.draining.queue.model_traffic import Traffic, models_by
from autopack.draining.queue.offered_resources import Offers
from autopack.draining.queue.passed_over import PassedOver
from autopack.draining.queue.rate_limits import Lanes
from autopack.draining.queue.submitted_phases import SubmittedPhases
from autopack.draining.queue.waiting_phases import WaitingPhases
from autopack.draining.settings.named_workspaces import keeper_named
from autopack.draining.settings.preconditions import check, set_cap
from autopack.draining.settings.settings import Settings
from autopack.draining.strategies.drain_history import DrainHistory
from autopack.draining.strategies.group_knowledge import Knowledge, Predictions
from autopack.draining.workspaces.attempt_folders import AttemptFolders, prepared_by
from autopack.draining.workspaces.run_keepers import RunKeepers
from autopack.errors import (
    CapFullError,
    CommandRefusedError,
    LaneRestingError,
    PhaseMissingError,
    PriceUnknownError,
    VersionConflictError,
)
from autopack.events import DrainStarted
from autopack.log.log import Log, handler_of, registry_of
from autopack.ports.drain import Choose, DrainView, Retry
from autopack.ports.log import from_us
from autopack.ports.states import OPEN, PhaseStatus
from autopack.projections.attempt_row import AttemptRow


class DrainSession:
    """One drain's dealings with the log; not thread-safe, the drain calls it from one thread."""

    def __init__(self, log: Log, settings: Settings) -> None:
        self.log, self.settings = log, settings
        self.handler, self.registry = handler_of(log), registry_of(log)
        journal = self.journal = self.handler.journal
        self.worker = journal.redact(new_worker())
        self.drain_id = (
            settings.drain or f"{journal.now_us() // 1_000_000:x}-{secrets.token_hex(4)}"
        )
        self.own = OwnStream(log, self.drain_id)
        self.admission = Admission(
            journal,
            settings.is_in_scope,
            run_id=settings.run_id,
            worker=self.worker,
            offers=Offers(settings.offers),
        )
        self.history = DrainHistory()
        self.admission.leave_out(self.history.tried)
        self.account = DrainAccount(journal, self.drain_id, when_ended=self._ended)
        self._began = self.account.position
        self._estimates = DrainEstimates(self.handler, self.registry, settings, began=self._began)
        self.estimate = self._estimates.estimate
        self.caps = Caps(
            self.handler,
            drain=self.drain_id,
            standing=settings.standing_caps,
            prices=PriceBook(journal, self.registry, settings.prices),
            allow_unknown_price=settings.allow_unknown_price,
            assume_usd_per_call=settings.assume_usd_per_call,
        )
        self.foresight = Foresight(self.handler, settings.alarm)
        self.executors = Executors(self.handler, self.registry, settings)
        self.waiting = WaitingPhases(self.now())
        self.claims = Claims(
            self.handler,
            worker=self.worker,
            lease_s=settings.lease_s,
            drain=self.drain_id,
            caps=self.caps,
            lanes=self.executors.own.lanes,
        )
        self.keepers = RunKeepers(
            settings.keeper,
            has_folder=settings.workspace is not None,
            runs=lambda: self.admission.runs,
            named=lambda wanted: keeper_named(self.registry, wanted),
            is_in_scope=lambda run_id: settings.run_id in (None, run_id),
        )
        self.folders = AttemptFolders(self.handler, self.keepers, late_checks(log, settings.checks))
        checked = start_checks(log, settings.checks)
        self.preparations = Preparations(
            self.claims,
            lambda run_id: prepared_by(self.keepers.of(run_id), settings.prepare, checked),
            lambda: self.admission.runs,
            most=settings.workers + 1,  # a slow one holds up no other run
        )
        self.lanes = Lanes(settings.rates)
        self.traffic = Traffic(journal, self.lanes, models_by(self.handler))
        self.routes = Routes(
            settings.strategy,
            settings.strategy_name,
            account_of=lambda name: self.executors.named(name).lanes.name,
        )
        self.elapsed_before_s = 0.0
        self.end_noted: dict[str, Any] = {}
        self.is_open = False
        self._examples: dict[str, str | None] = {"unreadable_in": None, "denied_in": None}
        self.guards = Guards(
            self.handler,
            drain_id=self.drain_id,
            admission=self.admission,
            caps=self.caps,
            limits=settings.limits,
            at_cap=settings.at_cap,
            waits_for_days=settings.when_empty == "wait",
            tell=self.own.tell,
        )
        views = DrainViews(
            handler=self.handler,
            admission=self.admission,
            account=self.account,
            history=self.history,
            groups=Knowledge(
                journal, settings.estimator.name, lambda: self.admission.follower.position
            ),
            predict=Predictions(self._estimates.predict),
            routes=self.routes,
            worker=self.worker,
        )
        self._notes = ChoiceNotes(views, is_telling=may_not_predict_again(settings))
        self._present = PresentViews(
            views=views,
            notes=self._notes,
            guards=self.guards,
            preparations=self.preparations,
            executors=self.executors,
            traffic=self.traffic,
            waiting=self.waiting,
        )
        failing = Failing(
            quantiles=self._estimates.quantiles,
            redact=journal.redact,
            classify=classifier_of(self.registry),
            backoff=settings.backoff,
            escalation=settings.escalation,
            followed=Followed(
                self.handler, settings.strategy, settings.strategy_name, worker=self.worker
            ),
        )
        rows, take_new = self.admission.submitted, self.admission.take_submitted
        self.submitted = SubmittedPhases(rows, take_new, is_once=settings.collect == "once")
        self.collector = Collector(
            self.claims,
            self.executors,
            rows=rows,
            position=lambda: self.admission.follower.position,
            phases=self.submitted,
            classify=failing.classify,
            backoff=settings.backoff,
            estimate=self.estimate,
        )
        self._passed_over = PassedOver(self.drain_id)
        self._touched: set[str] = set()
        self.ends = AttemptEnds(
            self.handler,
            claims=self.claims,
            collector=self.collector,
            failing=failing,
            now=self.now,
            touch=self._touched.add,
        )

    def now(self) -> datetime:
        """Return the log's time."""
        return from_us(self.journal.now_us())

    def check(self) -> None:
        """Return if the drain may begin, else raise why not; nothing was written by then."""
        follower = self.admission.follower
        head = self.account.position
        self.traffic.begin(head)
        for hear in (
            self.account.hear,
            self.traffic.hear,
            self.handler.learn,
            self._estimates.hear,
            self.foresight.hear,
        ):
            follower.add(hear)
        self.admission.catch_up(self.now(), head)
        if self.settings.resumes is not None:
            self._remember(self.settings.resumes)
        check(self.log, self.settings, self.admission, self.handler, self.caps)

    def _remember(self, drain_id: str) -> None:
        """Go on with what the drain has seen so far, as if it had never stopped."""
        self.elapsed_before_s = seconds_at_work(self.log, drain_id)
        for row in ended_attempts(self.handler, drain_id):
            self.history.tried[f"{row.run_id}/{row.phase_id}"] += 1
            self._note(row)
            self.guards.remember(row)

    def open(self) -> None:
        """Record that the drain began, and set its cap."""
        settings = self.settings
        started = DrainStarted(
            drain_id=self.drain_id,
            strategy=settings.strategy_name,
            executor=settings.executor_name,
            worker=self.worker,
            settings=kept(self.log, settings.recorded()),
            versions=versions(),
            resumes=settings.resumes,
            log_id=self.journal.log_id,
            read_to=self._began,
        )
        self.claims.tell_alive()
        self.own.append(started)
        self.is_open = True
        self.caps.go_on(set_cap(settings, self.caps), used_by(self.account.work))
        self.own.tell(*self._passed_over.begin(self.admission.take_new_reasons()))

    def tend(self, ours: Sequence[str]) -> None:
        """Catch up with the log, take back lost phases, close runs, and note who is passed over."""
        self.own.catch_up()
        self.admission.catch_up(self.now())
        lost = [row for row in self.admission.live.values() if row.lease_token not in ours]
        if lost and (taken := reclaim_lost(self.claims, lost)):
            for event in (one.event for one in taken):
                self.history.taken_back.add(f"{event.run_id}/{event.phase_id}")
                self._touched.add(event.run_id)
            self.admission.catch_up(self.now())
        begun = (self.admission.live, self.admission.submitted)
        held = {row.lease_token for rows in begun for row in rows.values()}
        for token in ours:
            if token not in held and token is not None:
                self.claims.lose(token)
        for run_id, stands in self.preparations.ended().items():
            hold_run(self.admission, self.preparations, run_id, stands)
        self.guards.look_again()
        for lanes in self.executors.lanes:
            lanes.look()
        self._finish_runs()
        self.submitted.hear(self.now())
        self.own.tell(*self._passed_over.fresh(self.admission.take_new_reasons()))

    def sums(self) -> dict[str, Any]:
        """Return what the drain has done and used so far, in plain values."""
        passed_over = dict(sorted(self._passed_over.counts.items()))
        n = {"submitted": len(self.submitted), "collected": self.collector.collected}
        return {**sums_of(self.account.work), **self._examples, **n, "passed_over": passed_over}

    def view(self, *, is_planned: bool = False) -> DrainView:
        """Return what the strategy is shown; to plan, a model that rests now is no hindrance."""
        return self._present.view(is_planned=is_planned)

    def note_end(self, answer: str) -> None:
        """Note what the strategy went by as it ended the drain, for the event that says so."""
        noted = self._notes.note(self.executors.accounts)
        self.end_noted = {"worker": self.worker, "answer": answer, **noted}

    def must_wait(self, choice: Choose | Retry) -> datetime | None:
        """Return when to look again at where a choice goes, if that is closed, else None."""
        return self._present.must_wait(choice, self.now())

    def take(self, choice: Choose) -> Claim | None:
        """Claim what the strategy chose; None if it was not to be had any more."""
        phase = self.admission.row(str(choice.ref))
        if phase is None:
            raise PhaseMissingError(choice.ref)
        executor = self.executors.named(choice.executor)
        if (stands := self.preparations.begin(phase.run_id)) is not Preparation.DONE:
            hold_run(self.admission, self.preparations, phase.run_id, stands)
            return None
        done = attrs.evolve(phase, model=choice.model or phase.model)
        estimate, timeout_s = self.estimate(done), self.settings.timeout_of(phase)
        noted = self._notes.note(self.executors.accounts)
        if not phase.attempts:
            self.handler.expect_new(phase.ref)
        try:
            claim = self.claims.take(
                done,
                estimate,
                timeout_s=timeout_s,
                reason=choice.reason,
                noted=noted,
                executor=executor.name,
                has_waited=self.admission.is_ready(phase.key),
                lanes=executor.lanes,
                phase_at=self.admission.follower.position,
            )
        except (CapFullError, PriceUnknownError) as refusal:
            self.guards.refused(phase, refusal, self.now())
            return None
        except LaneRestingError:  # somebody was faster; its lane is looked at again
            return None
        except (CommandRefusedError, VersionConflictError) as refusal:
            self.admission.refuse_phase(phase, str(refusal), self.now())
            return None
        self._notes.told()
        self.routes.forget(phase.key)
        self._touched.add(phase.run_id)
        self.history.tried[phase.key] += 1
        return claim

    def put_off(self, key: str, why: str) -> None:
        """Let others go before a phase that the machine has hindered: it may be its own fault."""
        self.admission.put_off(key, f"the machine hindered it: {why}", self.now())

    def let_put_off(self) -> None:
        """Let those that were put off be taken again."""
        self.admission.let_put_off()

    def leave(self, key: str, why: str) -> None:
        """Take a phase no more in this drain: the machine hinders it, and no other."""
        self.admission.catch_up(self.now())
        if (row := self.admission.row(key)) is not None:
            self.admission.refuse_phase(row, f"the machine hinders it: {why}", self.now())

    def may_retry(self) -> bool:
        """Tell whether the strategy takes failed phases, and some are left."""
        takes_failed = getattr(self.settings.strategy, "takes_failed", False)
        return bool(takes_failed and len(self.admission.failed))

    def retry(self, choice: Retry) -> Claim | None:
        """Put a failed phase back in the queue, and claim it."""
        self.executors.named(choice.executor)  # who is not known is no reason to put it back
        by = f"drain {self.drain_id}"
        requeue_phase(self.handler, choice.ref, by=by, why=f"{choice.reason} (retried)")
        self.admission.catch_up(self.now())
        if not self.admission.is_ready(str(choice.ref)):
            return None
        return self.take(Choose(**attrs.asdict(choice, recurse=False)))

    def _ended(self, row: AttemptRow) -> None:
        """Learn from how an attempt of this drain ended, whoever recorded it."""
        self._note(row)
        self.guards.ended(row)

    def _note(self, row: AttemptRow) -> None:
        for name, is_one in (("unreadable_in", row.is_misread), ("denied_in", row.is_denied)):
            if is_one:
                self._examples[name] = f"{row.run_id}/{row.phase_id}"
        self.history.learn(row)

    def left_in(self, *states: PhaseStatus) -> int:
        """Return how many phases that this drain tried or took back stand so now."""
        rows = map(self.admission.row, {*self.history.tried, *self.history.taken_back})
        return sum(row is not None and row.status in states for row in rows)

    def _finish_runs(self) -> None:
        for run_id in list(self._touched):
            counts = self.admission.total.by_run.get(run_id, {})
            if counts and not set(counts) & OPEN:
                self.handler.finish_run(run_id)
                self._touched.discard(run_id)
