"""Accounts in whole drains: what one was refused, all leave alone, here and elsewhere."""

import threading
import time
from datetime import timedelta

import pytest

import autopack
from autopack import Completed, Drain, Failed, attempt, create_run, drain
from autopack.draining.attempts.account_lanes import AccountLanes
from autopack.draining.attempts.claims import Claims
from autopack.errors import LaneRestingError
from autopack.log.log import handler_of
from autopack.ports.log import from_us
from autopack.ports.prediction import Estimate, Features
from autopack.values.ids import PhaseRef
from drains import Clock, Overtaken, found, specs, states

DAY_S = 86_400.0


class Jumping(Clock):
    """A clock that drains which only wait move on."""

    def idle_until(self, moment):
        self.now = max(self.now, moment.timestamp())


@pytest.fixture
def clock():
    """In place of one that stands still."""
    return Jumping()


FACTS = {"http_status": 429, "error": "usage_limit_reached", "window": "five_hour"}


@pytest.fixture
def clocked(another, clock):
    """An empty log by that clock."""
    return another(clock=clock)


def used_up(resets_at, window="five_hour"):
    """What a client tells whose plan's window is used up."""
    facts = {**FACTS, "window": window, "resets_at": int(resets_at)}
    return Failed("session_error", "used up", source_fields=facts)


def ready_in(log, **settings):
    """Return which phases a drain that begins now may take."""
    session = Drain(log, executor=lambda _p, _a: None, **settings)._session
    session.check()
    session.tend([])
    return [phase.phase_id for phase in session.view().ready]


def refuse_one(log, outcome, run_id="s", **settings):
    """Let one attempt be refused."""
    drain(log, executor=lambda _p, _a: outcome, run_id=run_id, max_phases=1, **settings)


def estimate():
    return Estimate(
        estimator="e",
        estimator_version="1",
        predicted_output_tokens=1,
        budget_tokens=10,
        confidence=1.0,
        features=Features(category="docs", complexity="low"),
    )


class TestAWindow:
    """A plan's window that is used up."""

    def test_it_is_an_event_that_any_drain_obeys_days_later(self, clocked, clock):
        """The drain that met it is gone; the next one waits, and then sends one phase ahead."""
        create_run(clocked, "s", specs("a", "b", "c", model="m"))
        refuse_one(clocked, used_up(clock.now + 9 * DAY_S, "seven_day"))
        clock.now += 7 * DAY_S
        meanwhile = ready_in(clocked, run_id="s")
        clock.now += 2 * DAY_S + 60
        (rested,) = found(clocked, "lane.rested")
        (limit,) = found(clocked, "limit.reported")

        assert ("usage_limit", "seven_day", None) == (rested.cause, rested.window, rested.model)
        assert (1.0, "refusal") == (limit.utilization, limit.source)
        assert ([], ["a", "b", "c"]) == (meanwhile, ready_in(clocked, run_id="s"))

    def test_it_outlasts_a_look_back_of_any_length(self, clocked, clock):
        """Its stream says how it stands, however many failures came since."""
        create_run(clocked, "s", specs("a"))
        refuse_one(clocked, used_up(clock.now + 31 * DAY_S, "monthly"))
        clock.now += 30.9 * DAY_S

        assert [] == ready_in(clocked, run_id="s")

    def test_it_spends_no_attempt_trips_nothing_and_counts_nowhere(self, clocked, clock):
        """Ten windows in a row are nobody's fault: no breaker, no streak, no sample, no attempt."""
        create_run(clocked, "s", specs("a", max_attempts=1))
        resets = iter([clock.now + n * 1000 for n in range(1, 11)])

        def executor(_phase, live):
            if (reset := next(resets, None)) is not None:
                return used_up(reset)
            live.record_usage(model="m", output_tokens=5)
            return Completed()

        report = drain(
            clocked, executor=executor, max_fingerprint_repeats=2, max_zero_yield=2, account="a"
        )

        assert (1, 0, 1) == (report.completed, report.left_failed, report.samples)
        assert not any(event.attempt_spent for event in found(clocked, "phase.requeued"))
        assert ["a"] == list(autopack.replay(clocked, "accounts").rows)

    @pytest.mark.parametrize(
        ("window", "open_still"),
        [("five_hour", []), ("seven_day_opus", ["b"]), ("primary", []), ("opus-4", ["b"])],
    )
    def test_one_that_names_a_model_is_that_models(self, clocked, clock, window, open_still):
        """Any other is the whole account's."""
        create_run(clocked, "s", [*specs("a", model="claude-opus-4"), *specs("b", model="haiku")])
        refuse_one(clocked, used_up(clock.now + 3600, window))

        assert open_still == ready_in(clocked, run_id="s")

    def test_phases_of_other_accounts_go_on(self, clocked, clock):
        """An account is the label of an executor, or what the drain is told."""
        create_run(clocked, "s", specs("a", "b"))
        refuse_one(clocked, used_up(clock.now + 3600), account="a")

        def executor(_phase, _live):
            return Completed()

        executor.account = "b"
        report = drain(clocked, executor=executor)

        assert ([], 2) == (ready_in(clocked, account="a"), report.completed)
        assert ["a", "b", "b"] == [event.account for event in found(clocked, "phase.claimed")]

    def test_one_that_resets_late_is_asked_seldom(self, clocked, clock):
        """The moment that was told has passed: nobody knows when it opens, and nobody storms."""
        create_run(clocked, "s", specs("a", "b", "c"))
        opens, refused = clock.now + 3600 + 1800, []

        def executor(_phase, live):
            if clock.now < opens:
                refused.append(clock.now)
                return used_up(opens - 1800)
            live.record_usage(model="m", output_tokens=5)
            return Completed()

        report = drain(clocked, executor=executor)

        assert 3 == report.completed
        assert len(refused) <= 15  # half an hour of a back-off that doubles from up to a minute

    @pytest.mark.parametrize(
        ("told", "wait_s"),
        [
            (1_800_003_600, 3600),
            (1_800_003_600_000, 3600),
            (1_800_003_600.5, 3600.5),
            ("2027-01-15T09:00:00Z", 3600),
            ("2027-01-15T10:00:00+01:00", 3600),
            ("2027-01-15 09:00:00", 3600),
            ("tomorrow", None),
            (True, None),
            (-5, None),
            (10**17, None),
        ],
    )
    def test_its_reset_is_read_however_it_is_told(self, clocked, told, wait_s):
        """What is no moment is not known, and the lane is looked at again after a while."""
        create_run(clocked, "s", specs("a"))
        refuse_one(clocked, Failed("x", "x", source_fields={**FACTS, "resets_at": told}))
        (rested,) = found(clocked, "lane.rested")

        assert 0 <= rested.wait_s - (wait_s or 0) <= (60 if wait_s is None else 1)

    def test_a_time_of_day_that_has_just_gone_is_not_tomorrows(self, clocked, clock):
        """A reset that is a little late is asked for again, and not waited for until tomorrow."""
        create_run(clocked, "s", specs("a"))
        said = Failed("session_error", "You've hit your session limit · resets 8:00am (UTC)")
        clock.now = 1_800_000_000.0 + 5  # 2027-01-15 08:00:05 UTC
        refuse_one(clocked, said)
        (rested,) = found(clocked, "lane.rested")

        assert rested.wait_s <= 60


class TestProbes:
    """Who goes ahead once a rest is over."""

    def test_of_two_who_want_to_only_one_does(self, clocked, clock):
        """The version of the account's stream decides between two drains at the same moment."""
        create_run(clocked, "s", specs("a", "b", "c"))
        refuse_one(clocked, used_up(clock.now + 60))
        clock.now += 120
        board = autopack.replay(clocked, "phases").rows
        there = handler_of(clocked)

        def claim(handler, name):
            lanes = AccountLanes(handler, "default")
            claims = Claims(handler, worker=name, lanes=lanes)
            phase = board[f"s/{name}"]
            return claims.take(phase, estimate(), timeout_s=None, reason=None, has_waited=True)

        with pytest.raises(LaneRestingError):
            claim(Overtaken(clocked, lambda: claim(there, "b")), "c")
        (probed,) = found(clocked, "lane.probed")

        assert "b" == probed.phase_id

    def test_a_rest_that_began_after_the_decision_refuses_the_claim(self, clocked, clock):
        """A claim asserts that its account stands as it was known."""
        create_run(clocked, "s", specs("a", "b"))
        phase = autopack.replay(clocked, "phases").rows["s/b"]
        refusal = used_up(clock.now + 3600)
        handler = Overtaken(clocked, lambda: refuse_one(clocked, refusal))
        claims = Claims(handler, worker="w", lanes=AccountLanes(handler, "default"))
        with pytest.raises(LaneRestingError):
            claims.take(phase, estimate(), timeout_s=None, reason=None)

        assert "s/b" not in {f"s/{event.phase_id}" for event in found(clocked, "phase.claimed")}

    def test_one_that_was_killed_leaves_its_place(self, clocked, clock):
        """Its lease ends, and the next drain sends another phase."""
        create_run(clocked, "s", specs("a", "b"))
        refuse_one(clocked, used_up(clock.now + 60))
        clock.now += 120

        def dies(_phase, _live):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            drain(clocked, executor=dies)
        report = drain(clocked, executor=lambda _p, _a: Completed())

        assert 2 == report.completed
        assert 2 == len(found(clocked, "lane.probed"))

    def test_its_first_call_opens_the_lane(self, clocked, clock):
        """Nobody waits for the end of a phase that was let in."""
        create_run(clocked, "s", specs("a", "b"))
        refuse_one(clocked, used_up(clock.now + 60))
        clock.now += 120
        seen = []

        def executor(_phase, live):
            seen.append(len(found(clocked, "lane.opened")))
            live.record_usage(model="m", output_tokens=5)
            seen.append(len(found(clocked, "lane.opened")))
            return Completed()

        drain(clocked, executor=executor)

        assert [0, 1, 1, 1] == seen

    def test_a_failure_of_its_own_opens_nothing(self, clocked, clock):
        """A phase that breaks before its first call says nothing of its provider."""
        create_run(clocked, "s", specs("a", "b", max_attempts=1))
        refuse_one(clocked, used_up(clock.now + 60))
        clock.now += 120
        outcomes = iter([Failed("KeyError", "'x'"), Completed()])
        drain(clocked, executor=lambda _p, _a: next(outcomes))

        assert {"a": "FAILED", "b": "COMPLETE"} == states(clocked)
        assert (2, 1) == (len(found(clocked, "lane.probed")), len(found(clocked, "lane.opened")))

    def test_an_attempt_of_an_own_loop_obeys_nobodys_lanes(self, clocked, clock):
        """Who owns the loop decides when to ask; what it meets with closes nothing."""
        create_run(clocked, "s", specs("a", "b"))
        refuse_one(clocked, used_up(clock.now + 3600))
        with attempt(clocked, "s/b") as live:
            live.report_limit("five_hour", utilization=0.5)
            live.record_usage(model="m", output_tokens=5)

        assert "COMPLETE" == states(clocked)["b"]
        assert 1 == len(found(clocked, "limit.reported"))


class TestClocks:
    """Clocks that are set, ahead or behind."""

    def test_a_clock_that_was_ahead_closes_no_lane_for_longer(self, clocked, clock):
        """What it recorded counts from when it is seen."""
        create_run(clocked, "s", specs("a", "b"))
        clock.now += DAY_S
        refuse_one(clocked, Failed("http_429", "slow", retry_after_s=30.0))
        clock.now -= DAY_S
        session = Drain(clocked, executor=lambda _p, _a: None, run_id="s")._session
        session.check()
        ready = []
        for _ in range(3):
            session.tend([])
            ready.append(len(session.view().ready))
            clock.now += 40

        assert [0, 2, 2] == ready
        assert session.take(autopack.Choose(PhaseRef("s", "b"), "now")).probes_since


class TestReports:
    """What is told of windows before they are used up."""

    def test_only_what_is_new_is_recorded(self, clocked):
        """A hundred calls within a percent are one event."""
        create_run(clocked, "s", specs("a"))

        def executor(_phase, live):
            for n in range(100):
                live.report_limit("five_hour", utilization=0.4 + n / 10_000)
            return Completed()

        drain(clocked, executor=executor)

        assert [0.4] == [event.utilization for event in found(clocked, "limit.reported")]

    def test_what_is_left_to_others_is_left_until_the_reset(self, clocked, clock):
        """A drain that leaves a tenth stops there, by itself, and goes on when the window does."""
        create_run(clocked, "s", specs(*"abcdefgh"))
        used, began = [0.7], clock.now

        def executor(_phase, live):
            if clock.now >= began + 3600:
                used[0] = 0.0
            used[0] += 0.06
            resets = from_us(int(began + (7200 if clock.now >= began + 3600 else 3600)) * 10**6)
            live.report_limit("five_hour", utilization=used[0], resets_at=resets)
            live.record_usage(model="m", output_tokens=5)
            return Completed()

        report = drain(clocked, executor=executor, leave=0.1)
        (rested,) = found(clocked, "lane.rested")

        assert (8, "leave") == (report.completed, rested.cause)
        assert clock.now >= began + 3600

    @pytest.mark.parametrize("leave", [0, 1, 10, -0.1, "10%"])
    def test_a_share_that_is_none_is_refused(self, any_log, leave):
        """Nothing was written."""
        with pytest.raises(autopack.errors.InvalidInputError, match="leave"):
            Drain(any_log, executor=lambda _p, _a: None, leave=leave)

    def test_status_says_what_is_waited_for(self, clocked, clock):
        """With until when, why, and how many phases; and how much of each window is used."""
        from autopack.report.status import status_text

        create_run(clocked, "s", specs("a", "b", "c"))
        refuse_one(clocked, used_up(clock.now + 3 * 3600 + 12 * 60), account="a")
        text = status_text(autopack.status(clocked))

        assert "waiting for account a until " in text
        assert "(in 3 h 12 min): five-hour window used up; 3 phases wait" in text
        assert "a: five-hour window 100 % used, resets " in text


@pytest.mark.parametrize(
    "refusal",
    [Failed("http_429", "slow"), Failed("overloaded", "busy"), ConnectionResetError(104, "reset")],
    ids=["rate", "overload", "network"],
)
def test_an_outage_is_no_storm_and_ends_nobodys_night(sqlite_log, refusal):
    """Each worker is refused once and then one probe at a time; all are done, no attempt spent."""
    create_run(sqlite_log, "r", specs(*(f"p{n}" for n in range(12))))
    lock, until, refusals = threading.Lock(), time.monotonic() + 3.0, []

    def executor(_phase, live):
        with lock:
            is_out = time.monotonic() < until
            refusals.append(1) if is_out else None
        if is_out and isinstance(refusal, Exception):
            raise refusal
        if is_out:
            return refusal
        live.record_usage(model="m", output_tokens=5)
        return Completed()

    report = drain(sqlite_log, executor=executor, workers=4, max_fingerprint_repeats=3)

    assert (12, 0) == (report.completed, report.zero_yield.get("execution_error", 0))
    assert {"COMPLETE"} == set(states(sqlite_log).values())
    assert len(refusals) <= 4 + 12  # three seconds of doubling from one: some probes, no storm
    assert not any(event.attempt_spent for event in found(sqlite_log, "phase.requeued"))


def test_free_attempts_have_an_end(clocked):
    """What waits for ever without being spent would be tried for ever: fifty times is enough."""
    create_run(clocked, "s", specs("a", max_attempts=2))
    slow = Failed("http_429", "slow")
    drain(clocked, executor=lambda _p, _a: slow, backoff_base_s=0.0, backoff_cap_s=0.0)
    failed = found(clocked, "phase.failed")

    assert {"a": "FAILED"} == states(clocked)
    assert 52 == len(failed)
    assert [None] * 50 == [event.given_up for event in failed[:50]]
    assert 'autopack phase requeue s/a --why "..."' in failed[-1].given_up


def test_probes_of_a_long_outage_are_free(clocked, clock):
    """The phase that happens to be first in the queue is not to blame for a night."""
    create_run(clocked, "s", specs("a", max_attempts=1))
    back, asked = clock.now + 12 * 3600, []

    def executor(_phase, live):
        asked.append(1)
        if clock.now < back:
            raise ConnectionResetError(104, "reset")
        live.record_usage(model="m", output_tokens=5)

    report = drain(clocked, executor=executor)

    assert 1 == report.completed
    assert len(asked) > 52


def test_a_lane_that_refuses_for_a_month_is_given_up(clocked, clock):
    """A provider that is gone for good holds a phase no longer."""
    create_run(clocked, "s", specs("a", max_attempts=1))
    resets = Failed("http_529", "busy", retry_after_s=20 * DAY_S)
    drain(clocked, executor=lambda _p, _a: resets)

    assert {"a": "FAILED"} == states(clocked)
    assert "days (overloaded)" in found(clocked, "phase.failed")[-1].given_up


class TestPlans:
    """What a dry run says of an account that rests."""

    def test_it_shows_what_would_be_taken_and_what_is_waited_for(self, clocked, clock):
        """A rest is no reason to take nothing."""
        create_run(clocked, "s", specs("a", "b", "c"))
        refuse_one(clocked, used_up(clock.now + 3600))
        plan = Drain(clocked, executor=lambda _p, _a: None).plan()

        assert ["b", "c"] == [one.ref.phase_id for one in plan]
        assert any("five-hour window used up; 3 phases wait" in note for note in plan.notes)

    def test_a_probe_does_not_wait_for_hours(self, clocked, clock):
        """It says until when, and writes nothing."""
        create_run(clocked, "s", specs("a"))
        refuse_one(clocked, used_up(clock.now + 3600))
        head = clocked.info()["head"]
        with pytest.raises(autopack.errors.NothingReadyError, match="five-hour window used up"):
            autopack.probe(clocked, executor=lambda _p, _a: Completed())

        assert head == clocked.info()["head"]


class TestSettings:
    """Whose account it is."""

    def test_what_was_said_holds_for_who_goes_on(self, clocked):
        """And what an executor says of itself is asked of the one that is given then."""
        create_run(clocked, "s", specs("a", "b", "c"))

        def of(account):
            def executor(_phase, _live):
                return Completed()

            executor.account = account
            return executor

        said = drain(clocked, executor=of("x"), account="mine", max_phases=1).drain_id
        drain(clocked, executor=of("y"), resumes=said, max_phases=2)
        own = drain(clocked, executor=of("x"), max_phases=1, drain="own").drain_id
        claimed = [event.account for event in found(clocked, "phase.claimed")]

        assert ["mine", "mine", "x"] == claimed
        assert own == "own"

    @pytest.mark.parametrize("name", ["", " a", "a\n", 7])
    def test_a_name_that_is_none_is_refused(self, any_log, name):
        """Nothing was written."""
        with pytest.raises(autopack.errors.InvalidNameError, match="account"):
            Drain(any_log, executor=lambda _p, _a: None, account=name)


class TestGivingUp:
    """An outage ends a drain only where its owner says so."""

    def test_it_waits_for_ever_unless_it_is_told(self, clocked, clock):
        """Half a day without a network, and then all is done."""
        create_run(clocked, "s", specs("a", "b"))
        back = clock.now + DAY_S / 2

        def executor(_phase, live):
            if clock.now < back:
                raise ConnectionResetError(104, "reset")
            live.record_usage(model="m", output_tokens=5)

        report = drain(clocked, executor=executor)

        assert ("empty", 2) == (report.reason, report.completed)

    @pytest.mark.parametrize("window", [True, False])
    def test_it_ends_after_so_long(self, clocked, clock, window):
        """With everything as it was, and a reason that says how long nobody was let in."""
        create_run(clocked, "s", specs("a", "b"))
        began = clock.now
        closed = used_up(began + 40 * 3600) if window else Failed("http_529", "busy")
        report = drain(clocked, executor=lambda _p, _a: closed, give_up_after_s=7200.0)

        assert ("limit", 0, 0) == (report.reason, report.completed, report.left_failed)
        assert report.detail.startswith("give_up_after_s: ")
        assert {"a": "QUEUED", "b": "QUEUED"} == states(clocked)
        assert clock.now - began >= 7200

    def test_what_others_waited_before_is_not_its_own_wait(self, clocked, clock):
        """A drain that begins in the middle of a rest waits as long as it was told."""
        create_run(clocked, "s", specs("a"))
        refuse_one(clocked, used_up(clock.now + 10 * 3600))
        clock.now += 9 * 3600
        report = drain(clocked, executor=lambda _p, _a: Completed(), give_up_after_s=7200.0)

        assert ("empty", 1) == (report.reason, report.completed)


def test_moments_are_told_with_their_dates():
    """As much of a date as a reader needs, and spans in two units."""
    from autopack.report.account_text import span, window_words

    assert ["3 h 12 min", "2 d 1 h", "45 s", "0 s"] == [
        span(timedelta(seconds=seconds)) for seconds in (11_520, 176_400, 45, 0)
    ]
    assert ["five-hour window", "weekly window of opus", "primary window"] == [
        window_words(name) for name in ("five_hour", "seven_day_opus", "primary")
    ]
