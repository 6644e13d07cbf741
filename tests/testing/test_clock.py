"""Time that is moved by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from autopack.backends.memory import MemoryBackend
from autopack.errors import InvalidInputError
from autopack.log import Log
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
