"""The coefficients of any day: what each estimator was taught, as a projection."""

from autopack.events import CalibrationApplied, PhaseEstimated
from autopack.ports.log import Recorded
from autopack.projections.coefficients import COEFFICIENTS


def estimated(version="v1"):
    """Return a prediction's event."""
    return PhaseEstimated(
        run_id="r",
        phase_id="p",
        attempt=1,
        estimator="e",
        estimator_version=version,
        predicted_output_tokens=1,
        budget_tokens=1,
    )


def applied(version, **fields):
    """Return that a proposal was applied."""
    return CalibrationApplied(
        estimator="e", proposal_id="a", estimator_version=version, by="ann", **fields
    )


def after(*events):
    """Return the row after *events*."""
    row = None
    for position, event in enumerate(events, 1):
        recorded = Recorded((position, b"", "s", 1, event.TYPE, 1, 0, 0, "", "", b""), event)
        assert "e" == COEFFICIENTS.key(recorded)
        row = COEFFICIENTS.project(row, recorded)
    return row


def test_the_estimators_own_figures():
    """A prediction shows which version is in use; later ones change nothing."""
    row = after(estimated(), estimated("v9"))

    assert ("v1", {}, 1, None) == (row.version, row.multipliers, row.since, row.proposal_id)


def test_applied_and_rolled_back():
    """What was applied last is in use, and who did it is known."""
    row = after(estimated(), applied("v2", new={"docs/low": 2.0}))
    back = after(applied("v2", new={"docs/low": 2.0}), applied("v1", is_rollback=True))

    assert ("v2", {"docs/low": 2.0}, 2, "ann") == (row.version, row.multipliers, row.since, row.by)
    assert ("v1", {}, True) == (back.version, back.multipliers, back.is_rollback)
