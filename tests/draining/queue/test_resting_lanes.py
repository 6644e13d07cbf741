"""Lanes that rest as one after a refusal, are probed by one phase, and open when it is answered."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import Completed, Drain, Failed, attempt, create_run, drain
from autopack.draining.attempts.backoff import Backoff
from autopack.draining.queue.resting_lanes import RestingLanes
from drains import found, specs, states

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def lanes_of(base_s=1.0, cap_s=60.0):
    """Return lanes whose waits are always the longest."""
    return RestingLanes(Backoff(base_s=base_s, cap_s=cap_s), draw=lambda: 1.0)


def refused(lanes, token, begun, ended, **told):
    """Let an attempt at ``m`` begin and be refused."""
    lanes.begun(token, "m", at(begun))
    lanes.refused(token, "m", at(ended), wait_s=told.pop("wait_s", None), **told)


def test_it_rests_until_the_moment_that_was_named():
    """The longest pause that was asked for holds, and a little more, so that not all come back."""
    lanes = lanes_of()
    refused(lanes, "a", 0, 0, wait_s=30.0)
    refused(lanes, "b", 0, 5, wait_s=15.0)

    assert {"m": at(31)} == lanes.closed(at(29))
    assert {} == lanes.closed(at(31))


def test_attempts_that_had_begun_before_make_it_no_longer():
    """Ten workers that are refused at once are one refusal."""
    lanes = lanes_of()
    for number in range(10):
        refused(lanes, str(number), 0, 1)

    assert {"m": at(2)} == lanes.closed(at(1))


def test_each_refused_probe_makes_the_rest_longer():
    """Twice as long each time, up to the cap."""
    lanes, now, rests = lanes_of(cap_s=8.0), 0.0, []
    for number in range(6):
        refused(lanes, str(number), now, now)
        (until,) = lanes.closed(at(now)).values()
        rests.append((until - at(now)).total_seconds())
        now = (until - NOW).total_seconds()

    assert [1, 2, 4, 8, 8, 8] == rests


def test_one_phase_goes_ahead():
    """While the probe is in work nobody else is let in, until it was answered."""
    lanes = lanes_of()
    refused(lanes, "a", 0, 0)
    before = lanes.closed(at(1))
    lanes.begun("probe", "m", at(1))
    meanwhile = lanes.closed(at(2))
    lanes.answered("probe", "m")

    assert ({}, {"m": at(3)}) == (before, meanwhile)
    assert {} == lanes.closed(at(2))


def test_who_had_begun_before_opens_no_lane():
    """A window that is used up stays so, though a call from before it is answered yet."""
    lanes = lanes_of()
    lanes.begun("long", "m", at(0))
    refused(lanes, "a", 1, 1, wait_s=3600.0)
    lanes.answered("long", "m")
    lanes.answered("somebody", "m")

    assert ["m"] == list(lanes.closed(at(2)))


@pytest.mark.parametrize("ends", [True, False])
def test_a_probe_that_tells_nothing(ends):
    """One that was given back leaves the place free; one that works on for long was let in."""
    lanes = lanes_of()
    refused(lanes, "a", 0, 0)
    lanes.begun("probe", "m", at(1))
    if ends:
        lanes.ended("probe")

    assert (not ends) == bool(lanes.closed(at(3)))
    assert {} == lanes.closed(at(400))


def test_other_lanes_go_on():
    """A model that refuses says nothing of another."""
    lanes = lanes_of()
    lanes.refused("a", "m", at(0), wait_s=60.0)
    lanes.begun("b", "n", at(1))

    assert ["m"] == list(lanes.closed(at(2)))


def test_a_window_without_an_end_is_looked_at_again_after_a_while():
    """Nobody knows when a plan goes on; once in some minutes is no storm."""
    lanes = lanes_of()
    refused(lanes, "a", 0, 0, is_window=True)

    assert {"m": at(60)} == lanes.closed(at(1))


def test_a_lane_opens_whatever_the_clocks_do():
    """What a clock an hour ahead recorded counts from when we look."""
    lanes = lanes_of()
    lanes.refused("a", "m", at(3600), wait_s=30.0)

    assert {"m": at(31)} == lanes.closed(at(0))
    assert {} == lanes.closed(at(31))


@given(
    st.lists(
        st.tuples(st.sampled_from(["begin", "refuse", "answer", "end"]), st.floats(0, 100)),
        max_size=60,
    )
)
def test_a_lane_is_never_closed_for_good(steps):
    """However claims, refusals and ends come, there is a moment at which somebody is let in."""
    lanes, now, flying = lanes_of(), 0.0, []
    for n, (step, wait_s) in enumerate(steps):
        now += wait_s
        if step == "begin" and not lanes.closed(at(now)):
            flying.append(str(n))
            lanes.begun(str(n), "m", at(now))
        elif step == "refuse" and flying:
            lanes.refused(flying.pop(0), "m", at(now), wait_s=None)
        elif step == "answer":
            lanes.answered(flying[0] if flying else "?", "m")
        elif step == "end" and flying:
            lanes.ended(flying.pop())

    assert {} == lanes.closed(at(now + 3600))


# Whole drains: the lane is the log's, for all who work on it.


def ready_in(log, **settings):
    """Return which phases a drain that begins now may take."""
    session = Drain(log, executor=lambda _p, _a: None, **settings)._session
    session.check()
    session.tend([])
    return [phase.phase_id for phase in session.view(running=0, reserved_tokens=0).ready]


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


def test_a_window_outlasts_the_process_that_met_it(clocked, clock):
    """A week later, in another drain, the model is still left alone, and then tried again."""
    create_run(clocked, "s", specs("a", "b", model="m"))
    facts = {"http_status": 429, "error": "usage_limit_reached"}
    used_up = Failed("session_error", "used up", retry_after_s=9 * 86_400.0, source_fields=facts)
    drain(clocked, executor=lambda _p, _a: used_up, run_id="s", max_phases=1)
    clock.now += 7 * 86_400
    meanwhile = ready_in(clocked, run_id="s")
    clock.now += 2 * 86_400 + 60
    (failed,) = found(clocked, "phase.failed")

    assert ("usage_limit", []) == (failed.failure_class, meanwhile)
    assert ["a", "b"] == ready_in(clocked, run_id="s")


def test_an_own_loop_opens_a_lane_for_everybody(clocked, clock):
    """What somebody else was answered is known by the log."""
    create_run(clocked, "s", specs("a", "b", "c", model="m"))
    drain(clocked, executor=lambda _p, _a: Failed("http_529", "busy"), run_id="s", max_phases=1)
    session = Drain(clocked, executor=lambda _p, _a: None, run_id="s")._session
    session.check()
    closed = [p.phase_id for p in session.view(running=0, reserved_tokens=0).ready]
    clock.now += 10
    with attempt(clocked, "s/b") as live:
        live.record_usage(model="m", output_tokens=5)
    session.tend([])
    session.admission.catch_up(session.now())

    assert [] == closed
    assert "c" in [p.phase_id for p in session.view(running=0, reserved_tokens=0).ready]


def test_free_attempts_have_an_end(any_log):
    """What waits for ever without being spent would be tried for ever: fifty times is enough."""
    create_run(any_log, "s", specs("a", max_attempts=2))
    slow = Failed("http_429", "slow")
    drain(any_log, executor=lambda _p, _a: slow, backoff_base_s=0.0, backoff_cap_s=0.0)

    assert {"a": "FAILED"} == states(any_log)
    assert 52 == len(found(any_log, "phase.failed"))
