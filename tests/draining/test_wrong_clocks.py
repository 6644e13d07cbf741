"""A clock that is set back, or was ahead: work is recorded, and waits are no longer than meant."""

import time

import pytest

from autopack import Completed, Failed, NeedsPerson, attempt, cancel, create_run, drain, requeue
from autopack.draining.attempts.steady_clock import Machine
from autopack.errors import LeaseLostError, MoveRefusedError
from autopack.ports.backend import Lease
from autopack.ports.log import from_us
from drains import found, specs, states

HOURS_S = 3 * 3600.0


class Shifted:
    """The machine's clock, and how far it is off."""

    def __init__(self, by_s=0.0):
        self.by_s = by_s

    def __call__(self):
        return time.time() + self.by_s


def overloaded(_phase, _attempt):
    return Failed("overloaded", "529")


def raises(_phase, _attempt):
    raise ValueError("it broke")


ENDS = {
    "completed": lambda _phase, _attempt: Completed({"docs/a.md": "done"}),
    "failed": lambda _phase, _attempt: Failed("tests_failed", "two of nine"),
    "gated": lambda _phase, _attempt: NeedsPerson("is it right?"),
    "failed by what it raised": raises,
}


@pytest.mark.parametrize("end", ENDS)
def test_an_end_is_recorded_though_the_clock_was_set_back(another, end):
    """An attempt takes no negative time: its end is what it was, and the drain goes on."""
    clock = Shifted(HOURS_S)
    log = another(clock=clock)
    create_run(log, "r", specs("p1", max_attempts=1))

    def work(phase, live):
        clock.by_s = 0.0
        return ENDS[end](phase, live)

    report = drain(log, executor=work)
    ended = found(log, f"phase.{end.split()[0]}")

    assert 1 == len(ended)
    assert ended[0].duration_s >= 0
    assert (0, "empty") == (report.lost, report.reason)


def test_a_phase_is_called_off_though_the_clock_was_set_back(another):
    """Nor does an attempt that somebody else ends take negative time."""
    clock = Shifted(HOURS_S)
    log = another(clock=clock)
    create_run(log, "r", specs("p1"))
    with pytest.raises(LeaseLostError), attempt(log, "r/p1"):
        clock.by_s = 0.0
        cancel(log, "r/p1", why="enough")

    assert {"p1": "CANCELLED"} == states(log)
    assert [True] == [one.duration_s >= 0 for one in found(log, "phase.cancelled")]


@pytest.mark.parametrize("ahead_s", [30.0, HOURS_S])
def test_a_back_off_is_no_longer_than_it_was_meant(another, ahead_s):
    """A clock that was ahead as it was recorded holds the phase up for its wait, not for hours."""
    clock = Shifted(ahead_s)
    log = another(clock=clock)
    create_run(log, "r", specs("p1"))
    drain(log, executor=overloaded, max_phases=1, backoff_base_s=0.2)
    clock.by_s = 0.0
    (requeued,) = found(log, "phase.requeued")

    report = drain(log, executor=lambda _phase, _attempt: None, max_minutes=0.25)

    assert 0 <= requeued.wait_s <= 0.2
    assert ("empty", {"p1": "COMPLETE"}) == (report.reason, states(log))


def test_a_clock_that_is_set_back_while_a_drain_waits_holds_nothing_up(another):
    """What waits is looked at again, and waits as long as was meant at most."""
    clock = Shifted(HOURS_S)
    log = another(clock=clock)
    create_run(log, "r", specs("p1"))

    def set_back(recorded):
        if recorded.type == "phase.requeued":
            clock.by_s = 0.0

    def once(_phase, live):
        return overloaded(_phase, live) if live.number == 1 else None

    report = drain(log, executor=once, on_event=set_back, backoff_base_s=0.2, max_minutes=0.25)

    assert ("empty", 2) == (report.reason, report.attempts)


def test_an_own_loop_keeps_a_wait_that_can_be(another):
    """A wait is kept by ``attempt`` too, but for one that no back-off can have meant."""
    clock = Shifted(HOURS_S)
    log = another(clock=clock)
    create_run(log, "r", specs("p1"))
    drain(
        log, executor=lambda _phase, _attempt: Failed("overloaded", "529", retry_after_s=600.0),
        max_phases=1,
    )  # fmt: skip
    with pytest.raises(MoveRefusedError, match="it waits until"), attempt(log, "r/p1"):
        pass
    clock.by_s = 0.0
    with attempt(log, "r/p1"):
        pass

    assert {"p1": "COMPLETE"} == states(log)


def test_what_a_person_put_off_waits_until_then(another):
    """A moment that somebody named is a moment, whatever a clock said as it was recorded."""
    clock = Shifted()
    log = another(clock=clock)
    create_run(log, "r", specs("p1", max_attempts=1))
    drain(log, executor=raises)
    until = from_us(int((clock() + HOURS_S) * 1e6))
    requeue(log, "r/p1", why="tomorrow", not_before=until)
    with pytest.raises(MoveRefusedError, match="it waits until"), attempt(log, "r/p1"):
        pass
    clock.by_s = HOURS_S + 1
    with attempt(log, "r/p1"):
        pass

    assert {"p1": "COMPLETE"} == states(log)


@pytest.mark.parametrize("by_s", [-HOURS_S, HOURS_S])
def test_a_clock_that_jumps_ends_no_attempt_and_lengthens_none(another, by_s):
    """A deadline and a duration are of the machine's steady clock, whatever the log's one says."""
    clock, found_late = Shifted(), []
    log = another(clock=clock)
    create_run(log, "r", specs("p1", timeout_s=60.0))

    def work(_phase, live):
        clock.by_s = by_s
        found_late.append((live.cancelled, 0 < live.left_s <= 60))

    drain(log, executor=work)
    (completed,) = found(log, "phase.completed")

    assert [(False, True)] == found_late
    assert 0 <= completed.duration_s < HOURS_S


def test_a_claim_after_a_jump_holds_no_longer_than_its_lease():
    """Its worker's row is of before the jump; by the steady clock the claim is as long as any."""
    steady = [1000.0]
    machine = Machine("boot", lambda: steady[0])
    alive = machine.lease_of("w", expires_at=30_000_000, lease_s=30.0)
    lease = Lease(key="k", token="t", worker="w", expires_at=30_000_000 + 5 * 3600 * 10**6)
    steady[0] += 61.0

    assert pytest.approx(1.0) == machine.over_s(lease, alive)
