"""Strategies are pure functions of what they are shown."""

from datetime import UTC, datetime

from autopack import Choose, DrainView, PhaseRef, PhaseView, Stop, Wait
from autopack.draining.strategies.fifo import fifo
from autopack.draining.strategies.one_phase import One
from autopack.testing.strategies import StrategyContract

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
P1 = PhaseView(run_id="r", phase_id="p1", order=1)
P2 = PhaseView(run_id="r", phase_id="p2", order=2)


class TestFifoContract(StrategyContract):
    """`fifo` keeps the promises of every strategy."""

    def make(self):
        return fifo


class TestOneContract(StrategyContract):
    """`one` keeps the promises of every strategy."""

    def make(self):
        return One(PhaseRef("r1", "a"))


def test_fifo_takes_the_first():
    """The first of the ready phases, with how many there were."""
    assert Choose(P1.ref, "first of 2 ready, by run and index") == fifo(
        DrainView(now=NOON, ready=[P1, P2])
    )


def test_fifo_waits_until_one_is_ready():
    """Without a ready phase it waits until the first becomes so."""
    assert Wait("nothing is ready", until=NOON) == fifo(
        DrainView(now=NOON, ready=[], next_ready_at=NOON)
    )


def test_one_takes_its_phase_only():
    """However many are ready, only the named one is chosen."""
    assert Choose(P2.ref, "the one phase that was asked for") == One(P2.ref)(
        DrainView(now=NOON, ready=[P1, P2])
    )


def test_one_waits_while_its_phase_may_come_back():
    """It waits while something is in work or backs off."""
    one = One(PhaseRef("r", "p3"))

    assert isinstance(one(DrainView(now=NOON, ready=[P1], running=1)), Wait)
    assert isinstance(one(DrainView(now=NOON, ready=[P1], elsewhere=1)), Wait)


def test_one_stops_when_its_phase_is_not_to_be_had():
    """Nothing in work, and the phase is not ready: the drain ends, and says of which phase."""
    assert Stop("phase r/p3 is not ready") == One(PhaseRef("r", "p3"))(
        DrainView(now=NOON, ready=[P1])
    )
