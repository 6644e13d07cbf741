"""One account of use: whoever tells what was used tells the same, whatever happened."""

import asyncio
import sqlite3
from contextlib import closing, suppress
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from autopack import (
    Choose,
    Failed,
    NeedsPerson,
    PhaseRef,
    amend_usage,
    cancel,
    create_log,
    create_run,
    decide_gate,
    drain,
    get_caps,
    replay,
    requeue,
    status,
)
from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claims
from autopack.draining.attempts.lost_leases import reclaim_lost
from autopack.draining.caps.drain_use import DrainAccount
from autopack.draining.caps.enforcement import Caps
from autopack.draining.engine.drain_report import sums_of
from autopack.errors import (
    CapReachedError,
    CommandRefusedError,
    LeaseLostError,
    PluginError,
    UsageConflictError,
)
from autopack.events import PhaseCompleted, PhaseReleased
from autopack.events.usage import figure_fault, usage_id
from autopack.log.command_handler import Handler
from autopack.log.log import handler_of, journal_of, registry_of
from autopack.ports.states import PhaseStatus
from autopack.prediction.calibrated_estimates import estimated
from autopack.projections.attempt_row import NO_WORK, AttemptRow
from autopack.projections.phases import standing
from drains import found, specs, works

RUNS = ("capped", "free")
PHASES = ("a", "b", "c")
DRAINS = ("day", "night")
FIGURES = st.fixed_dictionaries(
    {"model": st.just("m")},
    optional={
        "input_tokens": st.integers(0, 9),
        "output_tokens": st.integers(0, 9),
        "total_tokens": st.integers(0, 30),
        "cost_usd": st.integers(0, 40).map(lambda n: Decimal(n) / 10),
        "split": st.sampled_from(["measured", "inferred", "total_only"]),
        "role": st.sampled_from(["builder", "auditor"]),
    },
).filter(lambda figures: figure_fault(figures) is None)


class AccountOfUse(RuleBasedStateMachine):
    """Attempts of two drains and of nobody's, taken, lost, called off, amended, told of late."""

    def __init__(self):
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.path = f"{self.folder.name}/log.db"
        self.log = create_log(self.path)
        create_run(self.log, "capped", specs(*PHASES), caps={"tokens": 10**6, "usd": 10**3})
        create_run(self.log, "free", specs(*PHASES))
        self.live = []
        self.calls = {}
        self.reports = {}

    @rule(run=st.sampled_from(RUNS), phase=st.sampled_from(PHASES), drain=st.sampled_from(DRAINS))
    def take(self, run, phase, drain):
        """A worker of a drain takes a phase and stays at it."""
        ref, handler = (
            PhaseRef(run, phase),
            Handler(journal_of(self.log)),
        )  # as another process would
        caps = Caps(handler, drain=drain, allow_unknown_price=True)
        claims = Claims(handler, worker=f"w{len(self.live)}", drain=drain, caps=caps)
        view = standing(handler.queued(ref), handler.phase_state(ref))
        estimator = registry_of(self.log).resolve("estimator", "deliverables")
        found = estimated(journal_of(self.log), estimator, view, registry=registry_of(self.log))
        try:
            claim = claims.take(view, found, timeout_s=None, reason="its turn")
        except CommandRefusedError:
            return
        self.live.append((claims, claim, LiveAttempt(handler, claims, claim)))

    @rule(which=st.integers(0, 9), figures=FIGURES)
    def call(self, which, figures):
        """A call is told, in time or late, by whoever made it."""
        if not self.live:
            return
        _claims, _claim, live = self.live[which % len(self.live)]
        call_id = f"c{len(self.calls)}"
        with suppress(LeaseLostError, CapReachedError):
            live.record_usage(call_id=call_id, **figures)
        self.calls[call_id] = live.ref, live.number

    @rule(which=st.integers(0, 9), figures=FIGURES)
    def call_again(self, which, figures):
        """The last id is told once more: with other figures refused, by another attempt its own."""
        if self.live and self.calls:
            _claims, _claim, live = self.live[which % len(self.live)]
            call_id = list(self.calls)[-1]
            with suppress(UsageConflictError, LeaseLostError, CapReachedError):
                live.record_usage(call_id=call_id, **figures)
            own = f"{call_id}@{live.ref}#{live.number}"
            if journal_of(self.log).backend.find([usage_id(None, own)]):
                self.calls[own] = live.ref, live.number

    @rule(which=st.integers(0, 9), tokens=st.integers(0, 50), usd=st.none() | st.integers(0, 9))
    def amend(self, which, tokens, usd):
        """The bill says otherwise."""
        if self.calls:
            more = {} if usd is None else {"cost_usd": usd}
            call_id = list(self.calls)[which % len(self.calls)]
            amend_usage(self.log, call_id=call_id, why="bill", output_tokens=tokens, **more)

    @rule(which=st.integers(0, 9))
    def release(self, which):
        """A worker gives its phase back."""
        self.end(which, lambda claim: PhaseReleased(**claim.names, why="stopped", duration_s=0.25))

    @rule(which=st.integers(0, 9))
    def complete(self, which):
        """An attempt ends well."""
        self.end(which, lambda claim: PhaseCompleted(**claim.names, duration_s=1.5))

    def end(self, which, ending):
        if self.live:
            claims, claim, _live = self.live[which % len(self.live)]
            with suppress(LeaseLostError):
                claims.end(claim, ending(claim))

    @rule(which=st.integers(0, 9))
    def kill(self, which):
        """A worker dies, and somebody takes its phase back."""
        if self.live:
            _claims, claim, _live = self.live[which % len(self.live)]
            with journal_of(self.log).backend.transaction() as store:
                store.drop_lease(f"phase {claim.ref}", claim.token)
            handler = Handler(journal_of(self.log))
            view = standing(handler.queued(claim.ref), handler.phase_state(claim.ref))
            if view.lease_token == claim.token:
                reclaim_lost(Claims(handler, worker="finder"), [view])

    @rule(run=st.sampled_from(RUNS), phase=st.sampled_from(PHASES))
    def call_off(self, run, phase):
        """A person cancels a phase, whoever is at it."""
        self.by_person(cancel, run, phase)

    @rule(run=st.sampled_from(RUNS), phase=st.sampled_from(PHASES))
    def put_back(self, run, phase):
        """A person puts it back."""
        self.by_person(requeue, run, phase)

    def by_person(self, what, run, phase):
        with suppress(CommandRefusedError):
            what(self.log, (run, phase), why="so")

    @rule(name=st.sampled_from(DRAINS), fails=st.booleans())
    def drain(self, name, fails):
        """A drain takes one phase to its end, if one is free: else it waits for others' leases."""
        if PhaseStatus.QUEUED not in replay(self.log, "phases").total.by_state():
            return

        def work(phase, attempt):
            call_id = f"c{len(self.calls)}"
            self.calls[call_id] = phase.ref, attempt.number
            attempt.record_usage(call_id=call_id, model="m", input_tokens=1, output_tokens=2)
            return Failed("x", "y") if fails else None

        before = replay(self.log, "attempts").total.by_drain.get(name, NO_WORK)
        report = drain(
            self.log,
            executor=work,
            drain=name,
            max_phases=before.attempts + 1,
            backoff_base_s=0,
            allow_unknown_price=True,
        )
        now = replay(self.log, "attempts").total.by_drain.get(name, NO_WORK)
        told = {key: getattr(report, key) for key in sums_of(now)}

        assert sums_of(now) == told

    @invariant()
    def all_tell_the_same(self):
        """Replay, status, caps and SQL agree to the last token and pico-dollar."""
        account = replay(self.log, "attempts").total
        use, now = account.all.use, status(self.log)

        assert (use.calls, use.total_tokens, use.cost_usd, use.late_calls) == (
            now.calls, now.total_tokens, now.cost_usd, now.late_calls,
        )  # fmt: skip
        assert use == replay(self.log, "usage").total
        assert len(self.calls) == use.calls
        for run in RUNS:
            work = account.by_run.get(run, NO_WORK)
            told = {one.unit: one.used for one in get_caps(self.log, run)}
            state = handler_of(self.log).cap_state(f"run-{run}")
            in_work = sum(
                (row.charged_tokens for row in replay(self.log, "attempts").rows.values()
                 if row.lease_token in state.held), 0,
            )  # fmt: skip
            assert work.charged_tokens == told["tokens"] + in_work
        with closing(sqlite3.connect(self.path)) as connection:
            ((calls, tokens, pico),) = connection.execute(
                "SELECT count(*), coalesce(sum(known_tokens), 0),"
                " coalesce(sum(cost_pico_usd), 0) FROM v_llm_usage"
            )
        assert (use.calls, use.total_tokens, use.cost_pico_usd) == (calls, tokens, pico)

    def teardown(self):
        self.log.close()
        self.folder.cleanup()


def test_an_attempt_at_a_gate_ends_with_its_answer(any_log):
    """There its outcome stands in the log, and not where it was asked for."""
    create_run(any_log, "r", specs("a"))
    drain(any_log, executor=lambda _p, _a: NeedsPerson("fine?"))
    waiting = replay(any_log, "attempts").rows["r/a#1"]
    decided = decide_gate(any_log, "r/a", decision="approve", why="it is")
    ended = replay(any_log, "attempts").rows["r/a#1"]

    assert (None, None) == (waiting.success, waiting.ended_position)
    assert (True, decided[0].position) == (ended.success, ended.ended_position)


def test_a_drain_is_told_of_its_own_attempts_alone(any_log):
    """What ends in others is no lesson for its breaker; it counts in the sums over all."""
    create_run(any_log, "r", specs("a", "b"))
    told = []
    account = DrainAccount(
        journal_of(any_log), "mine", when_ended=lambda row: told.append(row.phase_id)
    )
    drain(any_log, executor=works, drain="theirs", max_phases=1)
    drain(any_log, executor=works, drain="mine")
    account.hear(list(any_log.read_all()))

    assert ["b"] == told
    assert (1, 2) == (account.work.attempts, account.total.all.attempts)


def test_a_drain_keeps_no_attempt_that_has_ended(any_log):
    """Its account holds sums, and rows only of attempts in work: its memory does not grow."""
    create_run(any_log, "r", specs("a", "b", "c"))
    account = DrainAccount(journal_of(any_log), "mine", when_ended=lambda _row: None)
    drain(any_log, executor=works, drain="mine")
    account.hear(list(any_log.read_all()))
    tables = [table for table in vars(account).values() if isinstance(table, dict)]

    assert 3 == account.work.endings["completed"]
    assert [] == [row for table in tables for row in table.values() if isinstance(row, AttemptRow)]


def test_what_a_failing_drain_gives_back_is_in_the_sums_it_ends_with(any_log):
    """Its last event tells of the attempts that its own end took away."""
    create_run(any_log, "r", specs("a", "b"))

    async def waits(_phase, _attempt):
        await asyncio.Event().wait()

    def fails_at_last(view):
        if view.ready:
            return Choose(view.ready[0].ref, "its turn")
        raise RuntimeError("no more ideas")

    with pytest.raises(PluginError, match="no more ideas"):
        drain(any_log, executor=waits, workers=3, strategy=fails_at_last)
    (stopped,) = found(any_log, "drain.stopped")

    assert ("error", 2, 2) == (
        stopped.reason, stopped.totals["attempts"], stopped.totals["released"],
    )  # fmt: skip


TestAccountOfUse = AccountOfUse.TestCase
TestAccountOfUse.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
