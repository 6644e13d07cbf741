"""Proposals applied, insisted on, carried to other logs, and rolled back: what estimates follow."""

from datetime import UTC, datetime

import attrs
import pytest

from autopack import (
    PhaseSpec,
    apply,
    backtest,
    calibrate,
    calibration_history,
    estimate,
    evaluate,
    reject,
    replay,
    rollback,
    status,
)
from autopack.api.proposals import propose
from autopack.errors import InvalidInputError
from autopack.events import LlmUsageRecorded, PhaseCompleted, PhaseEstimated, SampleRecorded
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.prediction.calibration.estimator_state import fold_proposals

SPEC = PhaseSpec("p", category="docs", complexity="low", deliverables=["docs/a.md"], model="m")


def record(log, run, sizes, *, version="deliverables-1", predicted=1000):
    """Record attempts that were predicted at one size and turned out at others."""
    for number, size in enumerate(sizes):
        named = {"run_id": run, "phase_id": f"p{number}", "attempt": 1}
        features = {"category": "docs", "complexity": "low", "model": "m", "prompt_tokens": 50}
        log.append(
            f"phase-{run}/p{number}",
            [
                PhaseEstimated(
                    **named,
                    estimator="deliverables",
                    estimator_version=version,
                    predicted_output_tokens=predicted,
                    budget_tokens=4096,
                    features=features,
                ),
                LlmUsageRecorded(**named, call_id=f"{run}-{number}", output_tokens=size),
                PhaseCompleted(**named),
            ],
            expected_version=0,
        )


@pytest.fixture
def log(log):
    """Return a log whose twelve documents took half of what was predicted, over each backend."""
    record(log, "r", [490, 500, 510] * 4)
    return log


@pytest.fixture
def other():
    """Return another, empty log."""
    with Log(MemoryBackend()) as log:
        yield log


def predicted(log, **given):
    """Return what the estimator says of the spec."""
    return estimate(SPEC, log=log, **given).predicted_output_tokens


def test_before_and_after(log):
    """Replay gives both sets of coefficients, and the estimate follows them."""
    before, position = predicted(log), log.head().position
    taught = apply(log, calibrate(log))
    then, now = (
        replay(log, "coefficients", until=until).rows["deliverables"] for until in (position, None)
    )

    assert ("deliverables-1", {}) == (then.version, then.multipliers)
    assert (taught.version, {"docs/low": 0.5}) == (now.version, now.multipliers)
    assert (before // 2, before) == (predicted(log), predicted(log, until=position))


def test_a_moment(log):
    """A moment asks for what was known by then, as a position does."""
    apply(log, calibrate(log))
    later = datetime(2999, 1, 1, tzinfo=UTC)

    assert predicted(log) == predicted(log, until=later)
    assert 2 * predicted(log) == predicted(log, until=datetime(2000, 1, 1, tzinfo=UTC))
    for until, said in ((10**9, "past the log's head"), (datetime(2000, 1, 1), "no time zone")):
        with pytest.raises(InvalidInputError, match=said):
            predicted(log, until=until)


def test_what_the_event_names(log):
    """It holds the proposal, what was read, the old and new multipliers, and what to expect."""
    proposal = calibrate(log)
    apply(log, proposal, actor="ann")
    event = calibration_history(log)[-1].event

    assert ("ann", "median-ratio", "deliverables-1") == (
        event.by,
        event.calibrator,
        event.base_version,
    )
    assert ({}, {"docs/low": 0.5}) == (event.old, event.new)
    assert [{"log_id": log.head().log_id, "position": 36}] == [dict(one) for one in event.logs]
    assert 12 == event.expected["samples"]
    assert event.expected["after"]["mae"] < event.expected["before"]["mae"]


def test_the_same_error_is_not_corrected_twice(log):
    """A proposal is for the version that its evidence was predicted by."""
    proposal = calibrate(log)
    apply(log, proposal)

    with pytest.raises(InvalidInputError, match="the same error twice"):
        apply(log, proposal)
    assert 0 == calibrate(log).samples_used


def test_below_the_gates(other):
    """It is refused, unless somebody insists with a reason, which is kept."""
    record(other, "r", [500, 510])
    proposal, events = calibrate(other), other.head().position

    with pytest.raises(InvalidInputError, match="no group that passed both gates"):
        apply(other, proposal)
    assert events == other.head().position
    assert {"docs/low": 0.505} == apply(other, proposal, force_why="a trial").multipliers
    assert "a trial" == calibration_history(other)[-1].event.forced_why


def test_nothing_to_insist_on(other):
    """Without any sample not even a reason helps."""
    with pytest.raises(InvalidInputError, match="Even with a reason"):
        apply(other, calibrate(other), force_why="because")


def test_a_calibrator_that_teaches_nothing(log):
    """Its groups name the multipliers in use, so there is nothing to insist on."""
    proposal = calibrate(log, calibrator="shrinkage-quantile")

    with pytest.raises(InvalidInputError, match="Even with a reason"):
        apply(log, proposal, force_why="because")


def test_from_several_logs_to_another(log, other):
    """Evidence of two logs is one proposal, and a third log can use it."""
    record(other, "q", [700, 710, 720] * 4)
    with Log(MemoryBackend()) as third:
        proposal = calibrate([log, other])
        apply(third, proposal)
        event = calibration_history(third)[-1].event

        assert {"docs/low": 0.605} == event.new
        assert [log.head().log_id, other.head().log_id] == [one["log_id"] for one in event.logs]


def test_roll_back(log):
    """It is a new event with a reason: first to the coefficients before, then to the base."""
    whole = predicted(log)
    first = apply(log, calibrate(log))
    record(log, "s", [2000] * 8, version=first.version)
    apply(log, calibrate(log))
    once = rollback(log, why="wasteful", actor="ann")
    at_once = predicted(log)
    twice = rollback(log, why="all of it")

    assert (first.version, first.multipliers) == (once.version, once.multipliers)
    assert ("deliverables-1", {}) == (twice.version, twice.multipliers)
    assert (whole // 2, whole) == (at_once, predicted(log))
    with pytest.raises(InvalidInputError, match="nothing to roll back"):
        rollback(log, why="more")


def test_what_became_of_proposals(log):
    """A proposal that is rolled back says so, and the one before it is current again."""
    first = apply(log, calibrate(log))
    record(log, "s", [2000] * 8, version=first.version)
    apply(log, calibrate(log))
    rollback(log, why="wasteful", actor="ann")
    one, two = fold_proposals(calibration_history(log))

    assert ("applied", True) == (one.status, one.is_current)
    assert ("rolled back", False, "ann", "wasteful") == (
        two.status,
        two.is_current,
        two.by,
        two.why,
    )


def test_status_says_whether_a_calibration_counts(log):
    """Before one is applied, after it, and once it is taken back."""
    before = status(log).is_calibrated
    apply(log, calibrate(log))
    taught = status(log).is_calibrated
    rollback(log, why="worse")

    assert (False, True, False) == (before, taught, status(log).is_calibrated)


def test_a_rollback_needs_a_reason(log):
    """An empty one is refused, and nothing changes."""
    apply(log, calibrate(log))
    events = log.head().position

    with pytest.raises(InvalidInputError, match="say why"):
        rollback(log, why=" ")
    assert events == log.head().position


def test_rolled_back_evidence_counts_again(log):
    """Samples of the version that is in use again can be calibrated anew."""
    apply(log, calibrate(log))
    rollback(log, why="too early")

    assert 12 == calibrate(log).samples_used


def test_rejected(log):
    """A proposal that is turned down changes no coefficient."""
    proposal = calibrate(log)
    reject(log, proposal, why="odd", actor="bob")
    (record_,) = fold_proposals(calibration_history(log))

    assert ("rejected", "bob", "odd") == (record_.status, record_.by, record_.why)


def test_recording_a_proposal_twice_adds_nothing(log):
    """The same proposal has the same id."""
    proposal = calibrate(log)

    assert propose(log, proposal) == propose(log, attrs.evolve(proposal))
    assert 1 == len(calibration_history(log))


ABSURD = [0, -1.0, 1e-5, 1000.5, 1e300, float("inf"), float("nan"), True]


@pytest.mark.parametrize("multiplier", ABSURD)
@pytest.mark.parametrize("act", [apply, propose])
def test_an_absurd_multiplier_is_refused(log, act, multiplier):
    """The message names the group, the figure and the bounds; nothing is recorded."""
    proposal = attrs.evolve(calibrate(log), new={"docs/low": 0.5, "tests/high": multiplier})
    before = log.head().position

    with pytest.raises(
        InvalidInputError, match=r"multiplier of tests/high is .*0\.0001 to 1,000"
    ) as refused:
        act(log, proposal)
    assert ("proposal.new.tests/high", before) == (refused.value.name, log.head().position)


def test_absurd_ratios_are_not_proposed_and_cannot_be_insisted_on(log):
    """Outputs of ten million tokens where 1000 were predicted say that something is mixed up."""
    record(log, "s", [10_000_000] * 40)
    proposal = calibrate(log)

    assert ({}, False) == (dict(proposal.new), proposal.is_change)
    assert "must be 0.0001 to 1,000" in proposal.groups[0].note
    with pytest.raises(InvalidInputError, match=r"give 0\.0001 to 1,000"):
        apply(log, proposal, force_why="I know better")


@pytest.mark.parametrize("multiplier", [1e-4, 1000])
def test_multipliers_at_the_bounds_are_taken(log, multiplier):
    """Both ends are allowed."""
    proposal = attrs.evolve(calibrate(log), new={"docs/low": multiplier})

    assert multiplier == apply(log, proposal).multipliers["docs/low"]


def test_a_quantile_as_budget(log):
    """The budget is the calibrator's quantile, and says so; the prediction is the estimator's."""
    plain = estimate(SPEC, log=log)
    found = estimate(SPEC, log=log, calibrator="shrinkage-quantile", tau=0.9)

    assert plain.predicted_output_tokens == found.predicted_output_tokens
    assert (0.9, None) == (found.tau, plain.tau)
    assert found.budget_tokens < 1000 < plain.budget_tokens
    assert found.budget_basis.startswith("shrinkage-quantile at 0.9: 12 samples of")


def test_a_quantile_of_few_samples(log):
    """Where too few samples say how large the share is, the estimator's larger budget stands."""
    plain = estimate(SPEC, log=log)
    found = estimate(SPEC, log=log, calibrator="shrinkage-quantile", tau=0.95)

    assert (plain.budget_tokens, None) == (found.budget_tokens, found.tau)
    assert found.budget_basis.endswith("the group has 12 of the 19 samples that a budget at 0.95 "
                                       "rests on")  # fmt: skip


@pytest.mark.parametrize(("given", "message"), [({"tau": 0}, "tau is 0"), ({"log": None}, "a log")])
def test_a_quantile_of_nothing(log, given, message):
    """It needs a share and a log."""
    with pytest.raises(InvalidInputError, match=message):
        estimate(SPEC, **{"log": log, "calibrator": "mixture", **given})


@pytest.mark.parametrize(
    ("sizes", "used", "aside"),
    [
        ((100, 900), 1, {"superseded": 1}),
        ((100, 100), 1, {"superseded": 1}),
        ((100, 40), 2, {}),
        ((100, 200, 150), 2, {"superseded": 1}),
    ],
)
def test_a_phase_is_one_observation_as_far_as_it_goes(other, sizes, used, aside):
    """Of attempts that were cut off those count that no later one went as far as."""
    named = {"run_id": "r", "phase_id": "p"}
    for attempt, size in enumerate(sizes, start=1):
        stop = "end_turn" if attempt == len(sizes) else "max_tokens"
        other.append(
            "phase-r/p",
            [
                PhaseEstimated(
                    **named,
                    attempt=attempt,
                    estimator="deliverables",
                    estimator_version="deliverables-1",
                    predicted_output_tokens=500,
                    budget_tokens=100,
                    features={"category": "docs", "complexity": "low"},
                ),
                LlmUsageRecorded(
                    **named, attempt=attempt, call_id=f"c{attempt}", output_tokens=size,
                    stop_reason=stop,
                ),
                PhaseCompleted(**named, attempt=attempt),
            ],
            expected_version=3 * (attempt - 1),
        )  # fmt: skip
    found = calibrate(other, calibrator="shrinkage-quantile")
    judged = backtest(other, calibrators=["shrinkage-quantile"])

    assert (used, aside) == (found.samples_used, found.samples_set_aside)
    assert (used, aside) == (judged.rows, judged.set_aside)


def test_a_report_of_imports_alone(other):
    """What imported samples say is shown, though no multiplier is drawn from them."""
    for number in range(6):
        other.append(
            "import-x",
            [
                SampleRecorded(
                    category="docs",
                    complexity="low",
                    predicted_output_tokens=1000,
                    actual_output_tokens=500 + number,
                    success=True,
                )
            ],
            expected_version=number,
        )
    (group,) = evaluate(other)["groups"]

    assert (6, False) == (group["n"], group["is_high_confidence"])
    assert "for information only" in group["advice"]


def test_a_log_teaches_once(log):
    """Given twice its evidence would be shown twice; which log it was is said."""
    with pytest.raises(InvalidInputError, match="is given twice"):
        calibrate([log, log])


def test_a_truth_is_no_position(log):
    """`until=True` would be read as the first event."""
    with pytest.raises(InvalidInputError, match="True is no place in a log"):
        replay(log, "phases", until=True)
