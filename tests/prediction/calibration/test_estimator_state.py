"""What an estimator has been taught, folded from its stream."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from autopack.events import CalibrationApplied, CalibrationProposed, CalibrationRejected
from autopack.ports.log import Recorded
from autopack.ports.prediction import Coefficients
from autopack.prediction.calibration.estimator_state import fold_coefficients, fold_proposals

E = "deliverables"


def proposed(name, **new):
    """Return a proposal's event."""
    return CalibrationProposed(
        estimator=E,
        proposal_id=name,
        calibrator="median-ratio",
        estimator_version="v1",
        settings={"min_samples": 5},
        new=new,
    )


def applied(name, estimator=E, **new):
    """Return that a proposal was applied."""
    return CalibrationApplied(
        estimator=estimator, proposal_id=name, estimator_version=f"v1+{name}", new=new, by="ann"
    )


def rejected(name):
    """Return that a proposal was turned down."""
    return CalibrationRejected(estimator=E, proposal_id=name, by="bob", why="too few runs")


def records(*events):
    """Return the proposals after *events*, one a second from 1970 on."""
    return fold_proposals(
        Recorded((i, b"", "s", i, event.TYPE, 1, i * 10**6, 0, "", "", b""), event)
        for i, event in enumerate(events, 1)
    )


def test_nothing_applied():
    """Before anything is applied, an estimator has its base version and no multipliers."""
    assert Coefficients(estimator=E, version="v1") == fold_coefficients(E, "v1", [])


def test_the_last_applied_wins():
    """Multipliers are replaced as a whole; proposals, rejections and others change nothing."""
    events = [
        applied("a", **{"docs/low": 2.0, "tests/low": 3.0}),
        applied("b", **{"docs/low": 1.5}),
        proposed("c", **{"docs/low": 9.0}),
        rejected("c"),
        applied("d", estimator="other", **{"docs/low": 7.0}),
    ]

    assert Coefficients(
        estimator=E, version="v1+b", multipliers={"docs/low": 1.5}
    ) == fold_coefficients(E, "v1", events)


@given(st.lists(st.dictionaries(st.sampled_from(["docs/low", "tests/low"]), st.floats(0.1, 9))))
def test_only_the_last_counts(given_multipliers):
    """However much was applied before, the coefficients are those of the last alone."""
    events = [applied(str(i), **new) for i, new in enumerate(given_multipliers)]

    assert fold_coefficients(E, "v1", events[-1:]) == fold_coefficients(E, "v1", events)


def test_what_became_of_proposals():
    """Each proposal has its latest status, who decided and when; one of them is in use."""
    first, second, third = records(
        proposed("a", **{"docs/low": 2.0}),
        applied("a", **{"docs/low": 2.0}),
        proposed("b"),
        rejected("b"),
        proposed("c"),
    )

    assert ("applied", "v1+a", "ann", True) == (
        first.status,
        first.estimator_version,
        first.by,
        first.is_current,
    )
    assert (
        datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC),
    ) == (
        first.proposed_at,
        first.decided_at,
    )
    assert ("rejected", "too few runs") == (second.status, second.why)
    assert ("proposed", None, False) == (third.status, third.decided_at, third.is_current)


def test_one_that_was_applied_stays_applied():
    """A later rejection takes nothing back; another application ends its use."""
    first, second = records(proposed("a"), applied("a"), rejected("a"), applied("b"))

    assert ("applied", False) == (first.status, first.is_current)
    assert ("applied", True, None) == (second.status, second.is_current, second.proposed_at)
