"""Lanes: how fast a model may be asked, by all who work on a log."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import Drain, Failed, attempt, create_run, drain
from autopack.draining.queue.rate_limits import Lanes, Rates
from autopack.errors import InvalidInputError
from drains import found, specs, states

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def test_a_lane_closes_at_its_requests_a_minute():
    """It opens again when the first of them is a minute old."""
    lanes = Lanes(Rates(requests_per_minute=2))
    lanes.begin("a", "m", 10, at(0))
    one = lanes.closed(at(0))
    lanes.begin("b", "m", 10, at(20))

    assert ({}, {"m": at(60)}) == (one, lanes.closed(at(30)))
    assert {} == lanes.closed(at(60))


def test_each_further_call_is_a_request():
    """The first call is the one that the attempt began with."""
    lanes = Lanes(Rates(requests_per_minute=3))
    lanes.begin("a", "m", 10, at(0))
    for second in (5, 10):
        lanes.call("a", "m", 1, at(second))
    before = lanes.closed(at(11))
    lanes.call("a", "m", 1, at(12))

    assert ({}, {"m": at(60)}) == (before, lanes.closed(at(13)))


def test_a_lane_closes_at_its_tokens_a_minute():
    """What an attempt may use counts until it ends; then what its calls used."""
    lanes = Lanes(Rates(tokens_per_minute=100))
    lanes.begin("a", "m", 120, at(0))
    expected = lanes.closed(at(1))
    lanes.call("a", "m", 30, at(2))
    lanes.end("a")
    ended = lanes.closed(at(3))
    lanes.begin("b", "m", 70, at(4))

    assert ({"m": at(60)}, {}) == (expected, ended)
    assert {"m": at(60)} == lanes.closed(at(5))


def test_models_have_lanes_of_their_own():
    """A rate by model, one for all others, and phases without a model share a lane."""
    lanes = Lanes(Rates(requests_per_minute={"m": 1, "*": 2}))
    for model in ("m", "n", None):
        lanes.begin(str(model), model, 0, at(0))

    assert {"m": at(60)} == lanes.closed(at(1))


def test_a_lane_opens_again_whatever_the_clocks_do():
    """What a clock an hour ahead recorded, or ours before it was set back, counts from now."""
    lanes = Lanes(Rates(requests_per_minute=2))
    for number in range(2):
        lanes.begin(str(number), "m", 0, at(3600))

    assert {"m": at(61)} == lanes.closed(at(1))
    assert {} == lanes.closed(at(61))


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 3)), max_size=40), st.integers(1, 6))
def test_no_minute_has_more_begun_than_the_rate(steps, rate):
    """However attempts and calls come, one that begins only while its lane is open keeps to it."""
    lanes, now, begun = Lanes(Rates(requests_per_minute=rate)), 0.0, []
    for number, (wait_s, calls) in enumerate(steps):
        now += wait_s
        if lanes.closed(at(now)):
            continue
        lanes.begin(str(number), "m", 0, at(now))
        begun.append(now)
        for _ in range(calls):
            lanes.call(str(number), "m", 5, at(now))

    assert all(sum(start - 60 < one <= start for one in begun) <= rate for start in begun)


@pytest.mark.parametrize("rate", [0, -1, {"m": 0}, 1.5])
def test_a_rate_is_one_or_more(rate):
    """A rate at which nothing would ever be asked is refused by name."""
    with pytest.raises(InvalidInputError, match="requests_per_minute"):
        Rates(requests_per_minute=rate)


def ready_in(log, **settings):
    """Return which phases a drain that begins now may take, and when it looks again."""
    session = Drain(log, executor=lambda _p, _a: None, **settings)._session
    session.check()
    session.tend([])
    view = session.view()
    return [phase.phase_id for phase in view.ready], view.next_ready_at


def test_a_rate_counts_what_others_do(clocked, clock):
    """What another worker began and called in the last minute leaves that much less."""
    create_run(clocked, "s", specs("a", "b", model="m"))
    with attempt(clocked, "s/a") as live:
        live.record_usage(model="m", output_tokens=10)
        live.record_usage(model="m", output_tokens=10)
        within = ready_in(clocked, run_id="s", requests_per_minute=2)
        others = ready_in(clocked, requests_per_minute={"m": 2, "*": 9})
    clock.now += 61
    later = ready_in(clocked, run_id="s", requests_per_minute=2)

    assert ([], ["p1", "p2"]) == (within[0], others[0])
    assert within[1] is not None
    assert ["b"] == later[0]


def test_a_pause_that_a_provider_asked_for_is_in_the_log(clocked, clock):
    """Another drain leaves the model alone as long; other models go on."""
    create_run(clocked, "s", specs("a", "b", model="m"))
    busy = Failed("429", "rate limit exceeded", retry_after_s=90.0)
    drain(clocked, executor=lambda _p, _a: busy, run_id="s", max_phases=1)
    paused = ready_in(clocked)
    clock.now += 92
    later = ready_in(clocked)
    (failed,) = found(clocked, "phase.failed")

    assert 90.0 == failed.retry_after_s
    assert (["p1", "p2"], ["p1", "p2", "a", "b"]) == (paused[0], later[0])
    assert {"QUEUED"} == set(states(clocked).values())


def test_a_long_pause_is_seen_by_a_drain_that_begins_late(clocked, clock):
    """A provider that asked for hours is left alone by whoever begins meanwhile."""
    create_run(clocked, "s", specs("a", "b", model="m"))
    busy = Failed("429", "rate limit exceeded", retry_after_s=5 * 3600.0)
    drain(clocked, executor=lambda _p, _a: busy, run_id="s", max_phases=1)
    clock.now += 4 * 3600

    assert ["p1", "p2"] == ready_in(clocked)[0]
