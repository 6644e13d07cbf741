"""Caps of each phase, and of each day by a zone's midnight."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from autopack import PhaseSpec, attempt, create_run, drain, list_caps, parse_run
from autopack.draining.caps.standing_caps import StandingCaps
from autopack.errors import CapReachedError, InvalidInputError
from drains import found, specs, states

OSLO = ZoneInfo("Europe/Oslo")
NOON = datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp()


def uses(tokens, calls=1, **figures):
    """An executor whose phases make calls of so many tokens."""

    def execute(_phase, attempt):
        for _ in range(calls):
            attempt.record_usage(model="m", total_tokens=tokens, split="total_only", **figures)

    return execute


def used(log):
    """What is used of each cap, by scope and unit."""
    return {(one.scope, use.unit): use.used for one in list_caps(log) for use in one.caps}


def test_a_phase_has_a_cap_of_its_own(any_log):
    """Its attempts together use no more; the other phases go on."""
    create_run(any_log, "r", [*specs("a", max_tokens=100, max_attempts=5), *specs("b")])
    report = drain(any_log, executor=uses(70, calls=2))

    assert {"a": "QUEUED", "b": "COMPLETE"} == states(any_log)
    assert ["cap_reached"] == [event.code for event in found(any_log, "phase.failed")]
    assert "blocked" == report.reason
    assert {("phase-r/a", "tokens"): 140} == used(any_log)
    assert any("The cap of phase-r/a is 100 tokens" in why for why in report.passed_over)


def test_a_drain_may_cap_each_phase(any_log):
    """A phase's own cap goes before that of all, unit by unit."""
    create_run(any_log, "r", [*specs("a", max_tokens=1000, max_attempts=1), *specs("b", "c")])
    drain(any_log, executor=uses(80, calls=2, cost_usd=1), max_tokens_per_phase=100,
          max_usd_per_phase=5, allow_unknown_price=True)  # fmt: skip

    assert {"a": "COMPLETE", "b": "QUEUED", "c": "QUEUED"} == states(any_log)
    assert {"phase-r/a": 1000, "phase-r/b": 100, "phase-r/c": 100} == {
        one.scope: cap.cap for one in list_caps(any_log) for cap in one.caps if cap.unit == "tokens"
    }


def test_what_a_phase_used_before_its_cap_counts(any_log):
    """A later drain with a cap knows of the attempts before it; a higher one makes room."""
    create_run(any_log, "r", specs("a", max_attempts=9))

    def fails(_phase, attempt):
        attempt.record_usage(model="m", total_tokens=60, split="total_only")
        raise ValueError("no")

    drain(any_log, executor=fails)
    from autopack import requeue

    requeue(any_log, "r/a", why="again")
    full = drain(any_log, executor=uses(10), max_tokens_per_phase=60)
    raised = drain(any_log, executor=uses(10), max_tokens_per_phase=10_000)

    assert (0, 1) == (full.attempts, raised.completed)
    assert {("phase-r/a", "tokens"): 70} == used(any_log)


def test_a_phases_cap_binds_an_own_loop(any_log):
    """Whoever works on it."""
    create_run(any_log, "r", specs("a", max_usd="0.5"))
    with pytest.raises(CapReachedError, match="phase r/a"), attempt(any_log, "r/a") as live:
        live.record_usage(model="m", cost_usd=0.6)

    assert {("phase-r/a", "usd"): Decimal("0.6")} == used(any_log)


def test_whoever_ends_an_attempt_settles_the_caps_of_its_phase_and_day(clocked, clock):
    """Also one that was not told of them, on the day after."""
    from autopack import Drain, cancel
    from autopack.errors import LeaseLostError

    clock.now = NOON
    create_run(clocked, "day", specs("a", max_tokens=9000))

    def work(_phase, live):
        live.record_usage(model="m", total_tokens=10, split="total_only")
        clock.now += 86_400
        cancel(clocked, "day/a", why="w")
        with pytest.raises(LeaseLostError):
            live.record_usage(model="m", total_tokens=5, split="total_only")

    Drain(clocked, executor=work, run_id="day", max_tokens_per_day=9000, lease_s=86_400).run()

    assert {("phase-day/a", "tokens"): 15, ("day-2026-03-28@UTC", "tokens"): 15} == used(clocked)


@pytest.mark.parametrize("given", [{"max_tokens": 0}, {"max_usd": 0}, {"max_usd": "much"}])
def test_a_cap_of_a_phase_that_is_none_is_refused(given):
    """By its name, in Python and in a run file."""
    (name,) = given
    with pytest.raises(InvalidInputError, match=name):
        PhaseSpec("a", category="docs", complexity="low", **given)


def test_a_run_file_may_cap_a_phase():
    """With exact amounts."""
    phase = {"id": "a", "category": "docs", "complexity": "low", "max_usd": 0.1, "max_tokens": 9}
    (spec,) = parse_run({"phases": [phase]}, source="here").phases

    assert (9, Decimal("0.1")) == (spec.max_tokens, spec.max_usd)


def test_a_day_has_a_cap_for_all_drains_of_it(clocked, clock):
    """The second drain of the day finds what the first has left, and the next day begins anew."""
    clock.now = NOON
    create_run(clocked, "day", specs(*"abcdefgh"))
    one = drain(clocked, executor=uses(3000), run_id="day", max_tokens_per_day=10_000)
    two = drain(clocked, executor=uses(3000), run_id="day", max_tokens_per_day=10_000)
    clock.now += 86_400
    three = drain(clocked, executor=uses(3000), run_id="day", max_tokens_per_day=10_000)

    assert [(3, "limit"), (0, "limit"), (3, "limit")] == [
        (report.completed, report.reason) for report in (one, two, three)
    ]
    assert two.detail.startswith(
        "max_tokens_per_day: The cap of day-2026-03-28@UTC is 10000 tokens"
    )


def test_what_was_used_today_before_the_cap_counts(clocked, clock):
    """By whichever drain or loop, and no more than today."""
    clock.now = NOON - 86_400
    create_run(clocked, "day", specs(*"abcd"))
    drain(clocked, executor=uses(500), run_id="day", max_phases=1)
    clock.now = NOON
    drain(clocked, executor=uses(700), run_id="day", max_phases=1)
    drain(clocked, executor=uses(10), run_id="day", max_phases=1, max_tokens_per_day=50_000)

    assert {("day-2026-03-28@UTC", "tokens"): 710} == used(clocked)


def test_a_drain_that_waits_for_work_waits_for_the_next_day(clocked, clock):
    """With ``when_empty="wait"`` a day's cap is a pause until midnight."""
    clock.now = NOON
    create_run(clocked, "day", specs(*"abcd"))
    days = []

    def works(_phase, attempt):
        days.append(int((clock.now - NOON) // 43_200))
        attempt.record_usage(model="m", total_tokens=4000, split="total_only")

    from autopack import Drain

    engine = None

    def heard(recorded):
        if recorded.type == "phase.completed" and len(days) == 4:
            engine.stop(0)

    def wakes(phase, attempt):
        works(phase, attempt)
        if len(days) == 2:
            import threading

            threading.Timer(0.7, lambda: setattr(clock, "now", NOON + 43_200)).start()

    engine = Drain(
        clocked, executor=wakes, run_id="day", max_tokens_per_day=10_000, when_empty="wait",
        on_event=heard, lease_s=86_400,
    )  # fmt: skip
    engine.run()

    assert [0, 0, 1, 1] == days


def test_a_day_begins_at_its_zones_midnight():
    """Also where that day has 23 hours."""
    caps = StandingCaps(per_day={"usd": 1}, zone=OSLO)
    late = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)

    assert "day-2026-03-29@Europe/Oslo" == caps.day(late)
    assert datetime(2026, 3, 29, 22, tzinfo=UTC) == caps.ends(late)


def test_a_zone_that_is_none_is_refused(any_log):
    """By name."""
    with pytest.raises(InvalidInputError, match="day_zone is 'Mars'"):
        drain(any_log, executor=uses(1), day_zone="Mars")
