"""An executor that goes on after ``CapReachedError`` is stopped all the same."""

import asyncio
import contextlib
import threading

import pytest

from autopack import Completed, Failed, attempt, create_run, drain, get_caps
from autopack.errors import CapReachedError
from drains import found, specs, states

MANY = 100


def failed(log):
    (event,) = found(log, "phase.failed")
    return event


def test_a_loop_that_swallows_is_ended_at_its_next_call(any_log):
    """Its attempt fails as cap_reached, and says by how much; what it paid is on record."""
    create_run(any_log, "r", specs("a", max_attempts=1), caps={"tokens": 50})
    paid = []

    def swallows(_phase, live):
        for _ in range(MANY):
            paid.append(10)
            with contextlib.suppress(Exception):
                live.record_usage(model="m", total_tokens=10, split="total_only")
        return Completed()

    drain(any_log, executor=swallows)

    assert 7 == len(paid) == len(found(any_log, "llm.usage_recorded"))
    assert "cap_reached" == failed(any_log).code
    assert "70 of 50 tokens are used, 20 above it." in failed(any_log).message
    assert "It made 1 more call after that." in failed(any_log).message


def test_a_coroutine_that_swallows_is_cancelled(any_log):
    """At its next await, whatever it waits for there."""
    create_run(any_log, "r", specs("a", max_attempts=1), caps={"tokens": 50})
    paid = []

    async def swallows(_phase, live):
        for _ in range(MANY):
            paid.append(10)
            with contextlib.suppress(CapReachedError):
                await live.arecord_usage(model="m", total_tokens=10, split="total_only")
            await asyncio.sleep(0.05)

    drain(any_log, executor=swallows)

    assert len(paid) <= 7
    assert "cap_reached" == failed(any_log).code


@pytest.mark.parametrize(
    "said", [Completed({"a.md": "half"}), Failed("mine", "what I make of it"), None]
)
def test_whatever_a_swallower_says_its_attempt_failed_by_the_cap(any_log, said):
    """The phase waits for a higher cap, and its texts are kept with the failure."""
    create_run(any_log, "r", specs("a"), caps={"tokens": 50})

    def swallows(_phase, live):
        with contextlib.suppress(CapReachedError):
            live.record_usage(model="m", total_tokens=60, split="total_only")
        return said

    drain(any_log, executor=swallows)

    assert ("cap_reached", "QUEUED") == (failed(any_log).code, states(any_log)["a"])
    assert isinstance(said, Completed) is ("a.md" in failed(any_log).artifacts)


def test_an_attempt_over_a_cap_is_told_to_stop(any_log):
    """``cancelled`` is true from then on: in a drain, and in a loop of one's own."""
    for run_id in ("r", "own"):
        create_run(any_log, run_id, specs("a", max_attempts=1), caps={"tokens": 50})
    told = []

    def swallows(live):
        told.append(live.cancelled)
        with contextlib.suppress(CapReachedError):
            live.record_usage(model="m", total_tokens=60, split="total_only")
        told.append(live.cancelled)

    drain(any_log, executor=lambda _phase, live: swallows(live), run_id="r")
    with attempt(any_log, "own/a") as live:
        swallows(live)

    assert [False, True, False, True] == told
    assert ["cap_reached"] * 2 == [event.code for event in found(any_log, "phase.failed")]


def test_a_thread_that_makes_no_further_call_is_not_waited_for(any_log, monkeypatch):
    """It is fenced off, and what it gives back later is kept as late."""
    from autopack.draining.attempts import execution

    monkeypatch.setattr(execution, "TO_CLEAN_UP_S", 0.05)
    create_run(any_log, "r", specs("a", max_attempts=1), caps={"tokens": 50})
    go_on = threading.Event()

    def hangs(_phase, live):
        with contextlib.suppress(CapReachedError):
            live.record_usage(model="m", total_tokens=60, split="total_only")
        go_on.wait(60)

    drain(any_log, executor=hangs)
    go_on.set()

    assert "cap_reached" == failed(any_log).code


def test_eight_workers_that_swallow_exceed_a_cap_by_the_calls_in_flight_alone(any_log):
    """What is spent above it is what was on its way when it was reached, and one call more each."""
    workers = 8
    create_run(any_log, "r", specs(*map(str, range(20)), max_attempts=1))
    paid, guard = [], threading.Lock()

    def swallows(_phase, live):
        for _ in range(MANY):
            with guard:
                paid.append(0.05)
            with contextlib.suppress(Exception):
                live.record_usage(model="odd", cost_usd=0.05, total_tokens=1, split="total_only")

    drain(any_log, executor=swallows, workers=workers, max_usd=3, allow_unknown_price=True)

    assert 3 <= sum(paid) <= 3 + 2 * workers * 0.05


def test_a_call_that_fills_a_cap_to_the_last_token_ends_nothing(any_log):
    """The work that made it is complete, and nobody is let in after it."""
    create_run(any_log, "r", specs("a", "b"), caps={"tokens": 50})

    def fills(_phase, live):
        for _ in range(5):
            live.record_usage(model="m", total_tokens=10, split="total_only")

    drain(any_log, executor=fills)
    (tokens,) = [one for one in get_caps(any_log, "r") if one.unit == "tokens"]

    assert {"a": "COMPLETE", "b": "QUEUED"} == states(any_log)
    assert (50, 50) == (tokens.used, tokens.cap)
