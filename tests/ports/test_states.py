"""The states of a phase and the moves between them, as they are promised."""

import pytest

from autopack.ports.states import FINAL, LIVE, MOVES, OPEN, PhaseStatus

PROMISED = {
    "QUEUED": {"CLAIMED", "SKIPPED", "CANCELLED"},
    "CLAIMED": {"RUNNING", "QUEUED", "FAILED", "CANCELLED"},
    "RUNNING": {"COMPLETE", "FAILED", "TIMED_OUT", "GATED", "QUEUED", "CANCELLED", "SUBMITTED"},
    "SUBMITTED": {"SUBMITTED", "COMPLETE", "FAILED", "GATED", "QUEUED", "CANCELLED"},
    "GATED": {"COMPLETE", "FAILED", "QUEUED", "CANCELLED"},
    "FAILED": {"QUEUED", "GATED", "SKIPPED", "CANCELLED"},
    "TIMED_OUT": {"QUEUED", "GATED", "SKIPPED", "CANCELLED"},
    "SKIPPED": {"QUEUED"},
    "CANCELLED": {"QUEUED"},
    "COMPLETE": {"QUEUED"},
}


def test_the_moves_are_those_of_the_table():
    """Every state has its row, and no row has a move more or less."""
    assert PROMISED == {str(state): set(map(str, to)) for state, to in MOVES.items()}


def test_every_state_is_open_or_final():
    """A phase with work ahead is open, one that a worker holds is open too."""
    assert set(PhaseStatus) == OPEN | FINAL
    assert set() == OPEN & FINAL
    assert LIVE < OPEN


@pytest.mark.parametrize("state", sorted(set(PhaseStatus) - {PhaseStatus.SUBMITTED}))
def test_no_state_moves_to_itself(state):
    """A move changes the state, but where a provider gave what it works on another handle."""
    assert state not in MOVES[state]


def test_the_table_cannot_be_changed():
    """The moves are the same for everybody."""
    with pytest.raises(TypeError):
        MOVES[PhaseStatus.COMPLETE] = frozenset(PhaseStatus)
