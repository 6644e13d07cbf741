"""Gates: a person decides what becomes of a phase."""

import pytest

from autopack import (
    NeedsPerson,
    PhaseRef,
    decide_gate,
    drain,
    get_phase,
    list_samples,
    replay,
    requeue,
)
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


def test_what_was_done_waits_with_the_question(log):
    """Outputs, artifacts and summary are kept at the gate, and are the phase's when approved."""

    def asks(_phase, attempt):
        attempt.attach("transcript", "all of it")
        return NeedsPerson("Merge?", outputs={"a.md": "the text"}, summary="one file")

    drain(log, executor=asks, max_phases=1)
    at_gate = get_phase(log, P1)
    decide_gate(log, P1, decision="approve", why="looks right")
    approved = get_phase(log, P1)

    assert ("GATED", "Merge?", "one file") == (at_gate.status, at_gate.reason, at_gate.summary)
    assert "the text" == log.artifacts.get(at_gate.outputs["a.md"])
    assert "all of it" == log.artifacts.get(at_gate.artifacts["transcript"])
    assert ("COMPLETE", at_gate.outputs, "one file") == (
        approved.status, approved.outputs, approved.summary,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("decision", "success"), [("approve", True), ("reject", False), ("requeue", None)]
)
def test_a_decision_judges_the_sample(log, decision, success):
    """What was approved is evidence like a completed attempt; a rejected one is not."""

    def asks(phase, attempt):
        works(phase, attempt)
        return NeedsPerson("Merge?")

    drain(log, executor=asks, max_phases=1)
    (waiting,) = list_samples(log)
    decide_gate(log, P1, decision=decision, why="looked at it")
    (decided,) = list_samples(log)

    assert (None, success) == (waiting.success, decided.success)
    assert 20 == decided.actual_output_tokens


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
