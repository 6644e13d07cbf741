"""What calibrators are shown: one observation a phase, in the order of the log."""

from autopack.projections.attempt_row import AttemptRow
from autopack.projections.call_use import Use
from autopack.projections.observations import samples_of


def row(position, attempt=1, *, phase="p", truncated=False, success=True, actual=100):
    """Return an attempt's row."""
    return AttemptRow(
        position=position,
        run_id="r",
        phase_id=phase,
        attempt=attempt,
        estimates=1,
        predicted_output_tokens=500,
        success=success,
        built=Use(
            calls=1,
            cut_calls=int(truncated),
            measured_calls=int(actual is not None),
            measured_output_tokens=actual or 0,
        ),
        ended_position=position + 2,
    )


def superseded(*rows):
    """Return the positions of the rows that another stands for."""
    return [s.position for s in samples_of(rows, log_id="l") if s.is_superseded]


def test_order_and_ends():
    """They come in the order of their predictions, and say where their attempts ended."""
    found = samples_of([row(7, phase="q"), row(1)], log_id="l")

    assert [(1, 3), (7, 9)] == [(one.position, one.ended_position) for one in found]


def test_a_cut_attempt_and_one_that_went_through():
    """The later one stands for the phase."""
    assert [1] == superseded(row(1, truncated=True, success=False), row(5, attempt=2))


def test_two_cut_attempts():
    """The last one says most."""
    cut = [row(1, truncated=True, success=False), row(5, attempt=2, truncated=True, success=False)]

    assert [1] == superseded(*cut)


def test_a_later_failure_says_nothing_of_the_size():
    """The attempt that was cut off stands for the phase then."""
    assert [] == superseded(row(1, truncated=True, success=False), row(5, 2, success=False))


def test_a_failure_is_not_superseded():
    """It is of another stratum than the success after it."""
    assert [] == superseded(row(1, success=False), row(5, attempt=2))


def test_other_phases_are_others():
    """A success of another phase stands for that phase only."""
    assert [] == superseded(row(1, truncated=True, success=False), row(5, phase="q"))


def test_an_unmeasured_success_supersedes_nothing():
    """What nobody measured cannot stand for a phase."""
    assert [] == superseded(row(1, truncated=True, success=False), row(5, 2, actual=None))
