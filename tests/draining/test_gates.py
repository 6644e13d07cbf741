"""Gates: a person decides what becomes of a phase."""

import pytest

from autopack import NeedsPerson, PhaseRef, decide_gate, drain, replay, requeue
from autopack.errors import MoveRefusedError
from drains import found, states, types_of, works

P1 = PhaseRef("r", "p1")


@pytest.fixture
def gated(log):
    """A log whose phase ``p1`` waits at its gate with all but one attempt spent."""
    drain(log, executor=lambda _p, _a: NeedsPerson("Shall this be merged?"), max_phases=1)
    return log


@pytest.mark.parametrize(
    ("decision", "state"), [("approve", "COMPLETE"), ("reject", "FAILED"), ("requeue", "QUEUED")]
)
def test_a_decision_moves_the_phase(gated, decision, state):
    """The reason and who decided are on record."""
    decide_gate(gated, P1, decision=decision, why="looked at it", actor="ann")
    (decided,) = found(gated, "phase.gate_decided")

    assert state == states(gated)["p1"]
    assert (decision, "ann", "looked at it") == (decided.decision, decided.by, decided.why)


def test_requeue_answers_the_gate(gated):
    """Requeueing a phase at its gate is a decision, and gives it all its attempts back."""
    requeue(gated, P1, why="do it again")
    row = replay(gated, "phases").rows["r/p1"]

    assert ["phase.gated", "phase.gate_decided", "phase.requeued"] == (
        types_of(gated, "phase-r/p1")[-3:]
    )
    assert ("QUEUED", 0) == (row.status, row.attempts_spent)
    assert 2 == drain(gated, executor=works).completed


def test_a_gate_is_answered_once(gated):
    """A second answer is refused with the phase's state."""
    decide_gate(gated, P1, decision="approve", why="w")

    with pytest.raises(MoveRefusedError, match="COMPLETE"):
        decide_gate(gated, P1, decision="reject", why="w")
