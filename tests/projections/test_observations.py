"""What calibrators are shown: one observation a phase, in the order of the log; its totals."""

import attrs
import pytest

from autopack.projections.attempt_row import AttemptRow
from autopack.projections.call_use import Use
from autopack.projections.observations import attempt_total, phase_totals, samples_of


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


def used(position, attempt=1, **figures):
    """Return an attempt's row that used so much in two calls."""
    told = {"calls": 2, "total_tokens": 1000, "cost_pico_usd": 5 * 10**9, **figures}
    ends = {name: told.pop(name) for name in ("success", "ending", "is_misread") if name in told}
    row_so_far = row(position, attempt, success=ends.pop("success", True))
    return attrs.evolve(row_so_far, **{"ending": "completed", **ends}, use=Use(**told))


def totals(by, *rows):
    """Return what phases took, as sizes in a measure."""
    return [one.actual_output_tokens for one in phase_totals(rows, log_id="l", by=by)]


@pytest.mark.parametrize(
    ("by", "size"), [("total_tokens", 3000), ("cost_usd", 15_000), ("calls", 6)]
)
def test_a_phase_is_all_its_attempts(by, size):
    """What failed before it went well was paid for too; it is asked for where it began."""
    failed = [used(n, n, success=False, ending="failed") for n in (1, 2)]
    (one,) = phase_totals([used(9, 3), *failed], log_id="l", by=by)

    assert (1, 11, True) == (one.position, one.ended_position, one.success)
    assert (size, size) == (
        one.actual_output_tokens,
        getattr(one, by) * (10**6 if by == "cost_usd" else 1),
    )


@pytest.mark.parametrize(
    "untold",
    [{"calls_without_cost": 1}, {"is_misread": True}, {"calls": 0}],
    ids=["no price", "unreadable", "silent"],
)
def test_one_attempt_that_did_not_tell(untold):
    """Then the phase's cost is unknown, whatever the other told: it is not nothing."""
    assert [None] == totals(
        "cost_usd", used(1, success=False, ending="failed", **untold), used(5, 2)
    )


def test_totals_without_a_price():
    """What is known is known: tokens and calls need no price."""
    rows = used(1, calls_without_cost=1), used(5, 2)

    assert ([2000], [4]) == (totals("total_tokens", *rows), totals("calls", *rows))


def test_a_phase_in_work_has_no_outcome():
    """Until its attempt ends, what it took is not all."""
    rows = [used(1, success=False, ending="failed"), used(5, 2, success=None, ending=None)]
    (one,) = phase_totals(rows, log_id="l", by="calls")

    assert one.success is None


def test_a_cut_output_is_paid_for_as_it_is():
    """What an attempt used is known whole, though its output was cut off."""
    (one,) = phase_totals([row(1, truncated=True, success=False)], log_id="l", by="calls")

    assert not one.truncated


def test_attempts_alone():
    """Each that ended by itself counts, also where it failed; one that is given up does not."""
    rows = [
        used(1, success=False, ending="failed"),
        used(5, 2),
        used(9, 3, success=None, ending="released"),
    ]
    found = [attempt_total(one, log_id="l", by="total_tokens") for one in rows]

    assert [(1000, True), (1000, True), None] == [
        one and (one.actual_output_tokens, one.success) for one in found
    ]
