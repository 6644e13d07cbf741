"""Caps kept as conflicts: across claims, calls, workers, drains and processes."""

import asyncio
import contextlib
import sqlite3
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from autopack import (
    ANY,
    Failed,
    PhaseRef,
    amend_usage,
    attempt,
    create_run,
    drain,
    get_caps,
    hookimpl,
    load_plugins,
    open_log,
    replay,
    set_caps,
)
from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claims
from autopack.draining.caps.enforcement import Caps
from autopack.errors import (
    CapFullError,
    CapReachedError,
    InvalidInputError,
    LeaseLostError,
    PriceUnknownError,
    RunMissingError,
)
from autopack.events import PhaseClaimed, PhaseSkipped
from autopack.log.command_handler import Handler
from autopack.log.log import journal_of, registry_of
from autopack.prediction.calibrated_estimates import estimated
from autopack.projections.phases import standing
from drains import found, specs, states, types_of, works


class Prices:
    """A price table: a dollar for a thousand tokens of model ``m``."""

    @hookimpl
    def autopack_price_usage(self, usage):
        return (usage.total_tokens or 0) / 1000 if usage.request_model == "m" else None


@pytest.fixture
def priced(another):
    """A log whose plugins know the price of model ``m``."""
    return another(registry=load_plugins(extra=[Prices()]))


def uses(tokens, **figures):
    """An executor whose phases use so many tokens."""

    def execute(_phase, attempt):
        attempt.record_usage(model="m", total_tokens=tokens, split="total_only", **figures)

    return execute


def test_a_claim_and_its_reservation_are_one_batch(any_log):
    """The cap's stream: set once, set aside with the claim, settled with the end."""
    create_run(any_log, "r", specs("p1", "p2"), caps={"tokens": 20_000})
    drain(any_log, executor=uses(1000))
    events = [recorded.event for recorded in any_log.read("cap-run-r")]

    assert [
        "cap.set", "cap.reserved", "cap.settled", "cap.reserved", "cap.settled",
    ] == types_of(any_log, "cap-run-r")  # fmt: skip
    assert (20_000, 1000) == (events[0].max_tokens, events[2].tokens)
    assert events[1].tokens == found(any_log, "phase.claimed")[0].reserved_tokens
    assert 2000 == Handler(journal_of(any_log)).cap_state("run-r").spent.tokens


def test_a_run_without_a_cap_has_no_such_stream(log):
    """Nothing is set aside where there is no cap."""
    drain(log, executor=works)

    assert [] == found(log, "cap.reserved")


def test_a_run_at_its_cap_is_held_and_others_go_on(any_log):
    """The phases that do not fit wait with that reason; the other run is drained."""
    create_run(any_log, "capped", specs("a", "b", "c"), caps={"tokens": 8000})
    create_run(any_log, "free", specs("x", "y"))
    report = drain(any_log, executor=uses(5000))

    assert {"a": "COMPLETE", "b": "QUEUED", "c": "QUEUED", "x": "COMPLETE", "y": "COMPLETE"} == (
        states(any_log)
    )
    assert "blocked" == report.reason
    assert any("The cap of run-capped is 8000 tokens" in why for why in report.passed_over)


def test_a_cap_that_has_room_again_does_not_free_a_hopeless_run(any_log):
    """A run that the breaker holds stays held when its cap's stream changes."""
    create_run(any_log, "r", specs(*"abcdef"), caps={"tokens": 7000})

    def fails(_phase, attempt):
        attempt.record_usage(model="m", total_tokens=100, split="total_only")
        return Failed("x", "always the same")

    report = drain(any_log, executor=fails, workers=3, max_fingerprint_repeats=2)

    assert "breaker" == report.reason
    assert report.failed <= 4


def test_settled_work_makes_room(any_log):
    """Attempts that used less than they set aside let the next ones in."""
    create_run(any_log, "r", specs(*"abcdef"), caps={"tokens": 7000})
    report = drain(any_log, executor=uses(100), workers=3)

    assert 6 == report.completed


def test_what_the_run_used_before_its_cap_counts(any_log):
    """Usage that no reservation stands for is settled when the cap's stream is opened."""
    from autopack.events import LlmUsageRecorded
    from autopack.ports.log import ANY

    create_run(any_log, "r", specs("a"), caps={"tokens": 5000})
    used = LlmUsageRecorded(run_id="r", phase_id="a", call_id="c", total_tokens=4900)
    any_log.append("phase-r/a", [used], expected_version=ANY)
    report = drain(any_log, executor=uses(10))

    assert (0, "blocked") == (report.attempts, report.reason)


def test_a_drains_cap_ends_it(any_log):
    """max_tokens: what does not fit is not claimed, and the reason has the figures."""
    create_run(any_log, "r", specs(*"abcdef"))
    report = drain(any_log, executor=uses(3000), max_tokens=10_000)

    assert (3, "limit") == (report.completed, report.reason)
    assert "10000 tokens: 9000 are used" in report.detail


def test_a_capped_drain_ends_once_nothing_is_in_work(any_log):
    """With three workers no more is claimed than fits, and all of it is settled."""
    create_run(any_log, "r", specs(*"abcdefghij"))
    report = drain(any_log, executor=uses(3000), max_tokens=10_000, workers=3)
    state = Handler(journal_of(any_log)).cap_state(f"drain-{report.drain_id}")

    assert 9000 == state.spent.tokens
    assert not state.held


def test_what_does_not_fit_waits_for_what_is_in_work(any_log):
    """What that set aside and does not use is given back, and then there is room."""

    async def uses_little(_phase, live):
        await asyncio.sleep(0.1)
        live.record_usage(model="m", total_tokens=10, split="total_only")

    create_run(any_log, "first", specs("a"))
    drain(any_log, executor=works, max_tokens=10**6)
    wanted = found(any_log, "phase.claimed")[0].reserved_tokens
    create_run(any_log, "r", specs("a", "b", "c"))
    report = drain(any_log, executor=uses_little, workers=2, max_tokens=wanted * 3 // 2)

    assert (3, 30) == (report.completed, report.total_tokens)


def test_a_drain_in_usd_needs_prices(any_log):
    """Without a price nothing is claimed, unless that is allowed; then reported costs count."""
    create_run(any_log, "r", specs("a", "b", "c"))
    refused = drain(any_log, executor=works, max_usd=1.0)
    costs = uses(10, cost_usd=0.6, cost_source="reported")
    allowed = drain(any_log, executor=costs, max_usd=1.0, allow_unknown_price=True)

    assert (0, "price_unknown", False) == (refused.attempts, refused.reason, refused.is_clean)
    assert (1, Decimal("0.6"), "limit") == (allowed.completed, allowed.cost_usd, allowed.reason)


def test_a_plugins_prices_keep_a_cap_in_usd(priced):
    """What the hook says is set aside by its price, and settled by it."""
    create_run(priced, "r", specs("a", "b", "c", model="m"))
    report = drain(priced, executor=uses(3000), max_usd=7.0)

    assert (2, 6.0, 0) == (report.completed, report.cost_usd, report.unpriced_calls)
    assert "are used, so that a claim" in report.detail


def test_two_drains_under_one_name_share_a_cap(any_log, another):
    """--drain: the second goes on under what the first has left, and reports what both did."""
    create_run(any_log, "r", specs(*"abcdefgh"))
    first = drain(any_log, executor=uses(3000), drain="nightly", max_tokens=10_000, max_phases=2)
    second = drain(another(), executor=uses(3000), drain="nightly")

    assert ("nightly", "nightly", 2, 3) == (
        first.drain_id, second.drain_id, first.completed, second.completed,
    )  # fmt: skip
    assert "limit" == second.reason


def test_a_joined_drain_has_one_cap(any_log):
    """Another cap under the same name is refused, and nothing is written."""
    create_run(any_log, "r", specs("a", "b"))
    drain(any_log, executor=works, drain="nightly", max_tokens=10_000, max_phases=1)
    before = any_log.head()
    with pytest.raises(InvalidInputError, match="drain-nightly is set to 10000 tokens"):
        drain(any_log, executor=works, drain="nightly", max_tokens=20_000)

    assert before == any_log.head()


def test_an_agent_phase_cannot_overrun_by_much(any_log):
    """Fifty calls of a phase: the one that crosses the cap is the last."""
    create_run(any_log, "r", specs("a"), caps={"tokens": 10_000})

    def many(_phase, attempt):
        for _ in range(50):
            attempt.record_usage(model="m", total_tokens=1500, split="total_only")

    drain(any_log, executor=many)
    (failed,) = found(any_log, "phase.failed")

    assert 7 == len(found(any_log, "llm.usage_recorded"))
    assert ("cap_reached", "QUEUED") == (failed.code, states(any_log)["a"])


def test_an_attempt_that_outgrows_its_reservation_leaves_less_for_others(any_log):
    """What it uses beyond is set aside as it is used, while it is still in work."""
    create_run(any_log, "r", specs("a", "b"), caps={"tokens": 10_000})
    with attempt(any_log, "r/a") as live:
        live.record_usage(model="m", total_tokens=8000, split="total_only")
        with pytest.raises(CapFullError, match="8000 set aside"), attempt(any_log, "r/b"):
            pytest.fail("the block must not run")


def test_a_late_call_counts_under_the_cap(clocked, clock):
    """After the reclaim has settled the attempt, its late call is added."""
    from autopack import cancel
    from autopack.errors import LeaseLostError

    create_run(clocked, "capped", specs("a", "b"), caps={"tokens": 20_000})
    with pytest.raises(LeaseLostError), attempt(clocked, "capped/a") as live:
        live.record_usage(model="m", total_tokens=1000, split="total_only")
        cancel(clocked, live.ref, why="w")
        live.record_usage(model="m", total_tokens=500, split="total_only")
    state = Handler(journal_of(clocked)).cap_state("run-capped")

    assert 1500 == state.spent.tokens + state.reserved.tokens


def test_a_call_counts_under_its_attempts_drain_whoever_records_it(any_log):
    """What another drain tells of an attempt is used of the cap of the one that began it."""
    create_run(any_log, "first", specs("a"))
    drain(any_log, executor=works, drain="d", max_tokens=50_000)
    create_run(any_log, "r", specs("p"))
    handler, ref = Handler(journal_of(any_log)), PhaseRef("r", "p")
    by_drain = {
        name: Claims(handler, worker=name, drain=name, caps=Caps(handler, drain=name))
        for name in ("d", "other")
    }
    view = standing(handler.queued(ref), handler.phase_state(ref))
    estimator = registry_of(any_log).resolve("estimator", "deliverables")
    found = estimated(journal_of(any_log), estimator, view, registry=registry_of(any_log))
    claim = by_drain["d"].take(view, found, timeout_s=None, reason=None)
    told = LiveAttempt(handler, by_drain["other"], claim)
    with pytest.raises(CapReachedError):
        told.record_usage(model="m", total_tokens=60_000, split="total_only")

    assert 60_000 == handler.cap_state("drain-d").held[claim.token].tokens


def test_own_loops_may_be_held_to_a_price(log, any_log):
    """allow_unknown_price=False refuses the claim."""
    create_run(any_log, "usd", specs("a"), caps={"usd": 1.0})

    with (
        pytest.raises(PriceUnknownError),
        attempt(any_log, "usd/a", allow_unknown_price=False),
    ):
        pytest.fail("the block must not run")


def test_missing_usage_under_a_cap_is_counted(any_log):
    """A phase that tells nobody what it used is loud: in the totals and on the log stream."""
    create_run(any_log, "r", specs("a", "b"), caps={"tokens": 50_000})
    report = drain(any_log, executor=lambda _phase, _attempt: None)

    assert 2 == report.unmetered


def test_a_failed_attempt_settles_too(any_log):
    """Failures, time-outs and releases put what they used in place of what they set aside."""
    create_run(any_log, "r", specs("a"), caps={"tokens": 50_000})

    def fails(_phase, attempt):
        attempt.record_usage(model="m", total_tokens=70, split="total_only")
        return Failed("x", "y")

    drain(any_log, executor=fails)
    state = Handler(journal_of(any_log)).cap_state("run-r")

    assert (70, 0) == (state.spent.tokens, state.reserved.tokens)


def test_evidence_replaces_the_estimate(any_log):
    """After nine attempts of a group the reservation is a quantile of what such ones used."""
    create_run(any_log, "r", specs(*"abcdefghijkl"), caps={"tokens": 100_000})
    drain(any_log, executor=uses(700))
    claims = found(any_log, "phase.claimed")

    assert (700, "mixture at 0.9, from 10 attempts at docs/low and others") == (
        claims[10].reserved_tokens, claims[10].basis,
    )  # fmt: skip
    assert claims[0].basis.startswith("deliverables ")


def test_a_cap_that_was_reached_in_an_own_loop(any_log):
    """CapReachedError says scope, unit and figures."""
    create_run(any_log, "r", specs("a"), caps={"tokens": 100})
    with (
        pytest.raises(CapReachedError, match="run r is reached: 110 of 100 tokens"),
        attempt(any_log, "r/a") as live,
    ):
        live.record_usage(model="m", total_tokens=110, split="total_only")

    assert 110 == replay(any_log, "attempts").total.all.use.total_tokens


def test_a_run_capped_in_attempts(any_log):
    """No more attempts begin in it than that, retries included, whoever makes them."""
    create_run(any_log, "r", specs(*"abcd"), caps={"attempts": 3})
    with pytest.raises(ValueError, match="a bad start"), attempt(any_log, "r/a"):
        raise ValueError("a bad start")
    report = drain(any_log, executor=works)

    assert (2, "blocked") == (report.attempts, report.reason)
    assert any("The cap of run-r is 3 attempts: 3 are used" in why for why in report.passed_over)
    assert "QUEUED" == states(any_log)["d"]


def test_a_run_capped_in_minutes(clocked, clock):
    """What its attempts took is added up; once that is reached nothing more is claimed."""
    create_run(clocked, "slow", specs(*"abc"), caps={"minutes": 15.0})

    def slow(_phase, _attempt):
        clock.now += 10 * 60

    report = drain(clocked, executor=slow, run_id="slow", lease_s=3600)
    (used,) = [one for one in get_caps(clocked, "slow") if one.unit == "minutes"]

    assert 2 == report.attempts
    assert (15.0, 20.0) == (used.cap, used.used)


def test_a_cap_can_be_raised_while_a_drain_waits(any_log):
    """set_caps is an event with its reason, keeps the other caps, and lets the run go on."""
    create_run(any_log, "r", specs(*"abc"), caps={"attempts": 1, "tokens": 10**6})
    drain(any_log, executor=works)
    raised = set_caps(any_log, "r", {"attempts": None}, why="all of it")
    report = drain(any_log, executor=works)
    events = found(any_log, "cap.set")

    assert [("tokens", 10**6), ("attempts", None)] == [
        (one.unit, one.cap) for one in raised if one.unit in ("tokens", "attempts")
    ]
    assert ("all of it", "user", None) == (events[1].why, events[1].by, events[1].max_attempts)
    assert 2 == report.completed


def test_a_cap_set_later_counts_what_was_done(any_log):
    """A run that had no cap begins with what it used before."""
    create_run(any_log, "r", specs(*"abc"))
    drain(any_log, executor=uses(700), max_phases=2)
    set_caps(any_log, "r", {"tokens": 5000, "attempts": 2}, why="enough")
    report = drain(any_log, executor=works)
    used = {one.unit: one.used for one in get_caps(any_log, "r")}

    assert (0, "blocked") == (report.attempts, report.reason)
    assert (1400, 2) == (used["tokens"], used["attempts"])


def used_in(log, run_id="r"):
    return {one.unit: (one.used, one.reserved) for one in get_caps(log, run_id)}


def test_what_is_used_while_a_cap_is_lifted_counts_under_the_next(any_log):
    """A run that ever had caps is counted on, so that one set again knows of everything."""
    create_run(any_log, "r", specs(*"abcd"), caps={"tokens": 50_000})
    drain(any_log, executor=uses(1000), max_phases=1)
    set_caps(any_log, "r", {"tokens": None}, why="a free night")
    drain(any_log, executor=uses(1000), max_phases=2)
    set_caps(any_log, "r", {"tokens": 3000}, why="enough")
    report = drain(any_log, executor=uses(1000))

    assert (0, (3000, 0), (3, 0)) == (
        report.attempts, used_in(any_log)["tokens"], used_in(any_log)["attempts"],
    )  # fmt: skip


def test_a_cap_that_is_lifted_is_none_any_more(any_log):
    """Also the one that the run was created with, which its first event still tells of."""
    create_run(any_log, "r", specs("a"), caps={"tokens": 50_000})
    told = set_caps(any_log, "r", {"tokens": None}, why="a free night")

    assert [None] * 4 == [one.cap for one in told]


def test_a_cap_set_while_an_attempt_is_in_work_counts_it_once(any_log):
    """Its calls before and after, itself, and its minutes: by its end all of it is settled."""
    create_run(any_log, "r", specs("a", "b"))
    with attempt(any_log, "r/a") as live:
        live.record_usage(model="m", total_tokens=1000, split="total_only")
        set_caps(any_log, "r", {"tokens": 50_000}, why="w")
        meanwhile = used_in(any_log)
        live.record_usage(model="m", total_tokens=500, split="total_only")
    ended = used_in(any_log)

    assert (0, 1) == meanwhile["attempts"]
    assert 1000 <= meanwhile["tokens"][1]
    assert ((1500, 0), (1, 0)) == (ended["tokens"], ended["attempts"])
    assert ended["minutes"][0] > 0


def test_an_attempt_that_was_never_ended_holds_nothing_once_its_phase_has(any_log):
    """A history of others may lack an attempt's end; a cap set later waits for none."""
    create_run(any_log, "r", specs("a", "b"))
    claim = PhaseClaimed(
        run_id="r", phase_id="a", attempt=1, worker="w", lease_token="t", reserved_tokens=5000
    )
    skip = PhaseSkipped(run_id="r", phase_id="a", by="ann", why="done elsewhere")
    any_log.append("phase-r/a", [claim, skip], expected_version=ANY)
    set_caps(any_log, "r", {"tokens": 6000}, why="w")

    assert (0, 0) == next(
        (one.used, one.reserved) for one in get_caps(any_log, "r") if one.unit == "tokens"
    )


def test_a_late_call_of_an_attempt_before_the_cap_counts_by_itself(any_log):
    """The attempt and its calls before are in what the run had used; only this one is added."""
    create_run(any_log, "r", specs("a", "b"))
    with attempt(any_log, "r/a") as live:
        live.record_usage(model="m", total_tokens=1000, split="total_only")
    set_caps(any_log, "r", {"tokens": 50_000}, why="w")
    with pytest.raises(LeaseLostError):
        live.record_usage(model="m", total_tokens=500, split="total_only")
    used = used_in(any_log)

    assert ((1500, 0), (1, 0)) == (used["tokens"], used["attempts"])


@pytest.mark.parametrize("is_capped_first", [True, False])
def test_an_amended_call_counts_by_its_last_figures(any_log, is_capped_first):
    """Under a cap that was there, and under one that is set later."""
    caps = {"tokens": 50_000, "usd": 5.0}
    create_run(any_log, "r", specs("a", "b"), caps=caps if is_capped_first else None)
    with attempt(any_log, "r/a") as live:
        live.record_usage(
            call_id="c", model="m", total_tokens=1000, split="total_only", cost_usd=0.5
        )
        amend_usage(any_log, call_id="c", why="a first look", total_tokens=2000)
    amend_usage(any_log, call_id="c", why="the bill", total_tokens=9000, cost_usd=2.0)
    if not is_capped_first:
        set_caps(any_log, "r", caps, why="w")
    used = used_in(any_log)

    assert ((9000, 0), (2.0, 0), (1, 0)) == (used["tokens"], used["usd"], used["attempts"])


def test_what_plugins_price_counts_under_a_later_cap(priced):
    """USD that no provider reported, of before the cap, by the price table."""
    create_run(priced, "r", specs(*"abc"))
    drain(priced, executor=uses(2000), max_phases=2)
    shown = used_in(priced)["usd"]
    set_caps(priced, "r", {"usd": 5.0}, why="w")

    assert ((4.0, 0), (4.0, 0)) == (shown, used_in(priced)["usd"])


def test_a_resumed_drain_counts_under_its_first_cap_what_it_used_before(any_log):
    """The cap that it is given when it goes on binds all of it, at each call too."""
    create_run(any_log, "r", specs(*"abc"))
    first = drain(any_log, executor=uses(900), max_phases=1)
    again = drain(
        any_log, executor=uses(5000), resumes=first.drain_id, max_tokens=9000, max_phases=9
    )
    state = Handler(journal_of(any_log)).cap_state(f"drain-{first.drain_id}")

    assert ("limit", 1) == (again.reason, again.completed - first.completed)
    assert 5900 == state.spent.tokens


def test_a_resumed_drain_counts_once_under_a_cap_that_is_changed(any_log):
    """What it used before it had a cap, and under the one before, is there already."""
    create_run(any_log, "r", specs(*"abc"))
    first = drain(any_log, executor=uses(900), max_phases=1)
    for most in (10_000, 20_000):
        drain(any_log, executor=uses(900), resumes=first.drain_id, max_tokens=most, max_phases=2)
    spent = Handler(journal_of(any_log)).cap_state(f"drain-{first.drain_id}").spent

    assert (1800, 2) == (spent.tokens, spent.attempts)


def test_a_claim_tells_the_units_of_all_caps_over_it(priced):
    """Of its run's and of its drain's: what an attempt does not tell under them is told of."""
    create_run(priced, "r", specs("a", model="m"), caps={"tokens": 20_000})
    drain(priced, executor=uses(1000), max_usd=100)

    assert ("tokens", "usd") == found(priced, "phase.claimed")[0].capped


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -1.0, "much", object()])
def test_a_price_that_is_none_is_an_unknown_price(another, price):
    """A plugin's NaN under a cap in USD would lift it; it is told, and nobody is charged."""

    class Odd:
        @hookimpl
        def autopack_price_usage(self, usage):
            return price

    log = another(registry=load_plugins(extra=[Odd()]))
    create_run(log, "r", specs("a", model="m"))
    refused = drain(log, executor=works, max_usd=1.0)
    with capture_logs() as logged:
        allowed = drain(log, executor=works, max_usd=1.0, allow_unknown_price=True)

    assert ("price_unknown", 1, 1) == (refused.reason, allowed.completed, allowed.unpriced_calls)
    told = "hook failed" if type(price) is object else "a plugin's price is none"
    assert told in {entry["event"] for entry in logged}


@pytest.mark.parametrize(
    ("run_id", "caps", "why", "said"),
    [
        ("nobody", {"tokens": 5}, "w", "nobody"),
        ("r", {"tokens": -5}, "w", "tokens is -5"),
        ("r", {"attempts": 0.5}, "w", "attempts is 0.5; it must be a whole number"),
        ("r", {"tokens": 10**30}, "w", "must be a whole number"),
        ("r", {"hours": 5}, "w", "no cap is called .hours"),
        ("r", {"tokens": 5}, " ", "say why"),
    ],
)
def test_caps_that_are_refused(any_log, run_id, caps, why, said):
    """Nothing is written."""
    create_run(any_log, "r", specs("a"))
    head = any_log.head()
    with pytest.raises((InvalidInputError, RunMissingError), match=said):
        set_caps(any_log, run_id, caps, why=why)

    assert head == any_log.head()


def test_a_price_plugin_is_asked_without_the_write_lock(log_path):
    """Another connection can write meanwhile, whether the attempt is a drain's or one's own."""
    free = []

    class Prices:
        @hookimpl
        def autopack_price_usage(self, usage):
            with contextlib.closing(sqlite3.connect(log_path, timeout=0)) as other:
                try:
                    other.execute("BEGIN IMMEDIATE")
                    other.execute("ROLLBACK")
                except sqlite3.OperationalError:
                    free.append(False)
                else:
                    free.append(True)
            return 0.01

    with open_log(log_path, plugins=load_plugins(extra=[Prices()])) as log:
        create_run(log, "r", specs("a", "b", model="m"), caps={"usd": 1000.0})
        with attempt(log, "r/a") as live:
            for n in range(5):
                live.record_usage(call_id=f"own {n}", model="m", output_tokens=5)
        drain(log, executor=uses(1000))

    assert len(free) >= 6
    assert all(free)
