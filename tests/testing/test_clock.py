"""Time that is moved by hand, and by a drain that would wait."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from autopack import Choose, Completed, Failed, PhaseSpec, Wait, create_run, drain
from autopack.errors import InvalidInputError
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.ports.log import ANY
from autopack.testing import VirtualClock
from autopack.testing.facts import paused


def test_time_passes_when_it_is_told_to():
    """In seconds, or as a step; it says what time it is then."""
    clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
    first = clock.advance(90)
    second = clock.advance(timedelta(hours=1))

    assert datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC) == first
    assert datetime(2026, 1, 1, 1, 1, 30, tzinfo=UTC) == second == clock.now
    assert second.timestamp() == clock()


def test_a_log_reads_it():
    """Events are recorded at its moment."""
    clock = VirtualClock()
    log = Log(MemoryBackend(), clock=clock)
    for _ in range(3):
        log.append("s", [paused()], expected_version=ANY)
        clock.advance(60)
    moments = [recorded.recorded_at for recorded in log.read_all()]

    assert [timedelta(minutes=n) for n in range(3)] == [m - moments[0] for m in moments]
    assert VirtualClock().now == moments[0]


@pytest.mark.parametrize("step", [-1, timedelta(days=-1)])
def test_time_does_not_go_back_by_a_step(step):
    """Whoever wants that says at which moment."""
    clock = VirtualClock()

    with pytest.raises(InvalidInputError, match="does not go back"):
        clock.advance(step)


class TestDrains:
    """A drain that has nothing in work, and waits for a moment."""

    @pytest.fixture
    def clock(self):
        return VirtualClock()

    @pytest.fixture
    def log(self, clock):
        with Log(MemoryBackend(), clock=clock) as log:
            phases = [PhaseSpec(name, category="docs", complexity="low") for name in "ab"]
            create_run(log, "r", phases)
            yield log

    def test_a_back_off_takes_no_time(self, log, clock):
        """It is moved to when each phase may be tried again, and the log tells the four hours."""
        began, started = clock.now, time.monotonic()

        def execute(phase, attempt):
            if attempt.number < 3:
                return Failed("overloaded", "529", retry_after_s=3600.0)
            return Completed()

        report = drain(log, executor=execute)
        last = [recorded for recorded in log.read_all() if recorded.type == "phase.completed"][-1]

        assert (2, 0) == (report.completed, report.left_failed)
        assert timedelta(hours=4) <= last.recorded_at - began <= timedelta(hours=4, minutes=1)
        assert time.monotonic() - started < 60

    def test_what_a_strategy_waits_for_comes_at_once(self, log, clock):
        """It is asked again at the moment that it named."""
        morning = clock.now + timedelta(hours=18)

        def by_day(view):
            if view.now < morning:
                return Wait("it is night", until=morning)
            return Choose(view.ready[0].ref, "it is day") if view.ready else Wait("none")

        report = drain(log, executor=lambda phase, attempt: Completed(), strategy=by_day)

        assert (2, morning) == (report.completed, clock.now)

    def test_time_stands_while_a_phase_is_in_work(self, log, clock):
        """Nobody's phase is aged by another one's back-off."""
        moments = []

        def execute(phase, attempt):
            if phase.phase_id == "a" and attempt.number == 1:
                return Failed("overloaded", "529", retry_after_s=3600.0)
            if phase.phase_id == "b":
                moments.append(clock.now)
                time.sleep(0.5)
                moments.append(clock.now)
            return Completed()

        report = drain(log, executor=execute, workers=2)

        assert 2 == report.completed
        assert moments[0] == moments[1]

    def test_a_clock_may_be_left_to_the_test(self, log, clock):
        """Then a drain waits until somebody moves it."""
        clock.jumps = False
        failed = threading.Event()

        def execute(phase, attempt):
            if attempt.number == 1:
                failed.set()
                return Failed("overloaded", "529", retry_after_s=60.0)
            return Completed()

        drained = threading.Thread(target=lambda: drain(log, executor=execute))
        drained.start()
        failed.wait(20)
        drained.join(0.5)
        stood = drained.is_alive()
        deadline = time.monotonic() + 20
        while drained.is_alive() and time.monotonic() < deadline:
            clock.advance(61)
            drained.join(0.05)

        assert stood
        assert not drained.is_alive()
