"""The attempts: predictions met by their measured output, and how they ended."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.events import (
    LlmUsageAmended,
    LlmUsageRecorded,
    PhaseChecked,
    PhaseCompleted,
    PhaseEstimated,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseJudged,
    PhaseReclaimed,
    PhaseReleased,
    PhaseTimedOut,
    SampleRecorded,
)
from autopack.events.phase import LEASE_LOST
from autopack.log.views import to_json
from autopack.ports.log import Recorded
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.observations import samples_of
from autopack.projections.sums_by_drain_and_run import Work

WHO = {"run_id": "r", "phase_id": "p", "attempt": 1}
KEY = "r/p#1"


def estimated(tokens=1000, **fields):
    """Return an estimate of the first attempt."""
    defaults = {
        **WHO,
        "estimator": "deliverables",
        "estimator_version": "v1",
        "predicted_output_tokens": tokens,
        "budget_tokens": 2 * tokens,
        "features": {"category": "docs", "complexity": "low", "deliverables": ["a.md", "b.md"]},
    }
    return PhaseEstimated(**(defaults | fields))


def used(call="c1", output=400, **fields):
    """Return a builder call of the first attempt."""
    return LlmUsageRecorded(**({**WHO, "call_id": call, "output_tokens": output} | fields))


def imported(**fields):
    """Return an imported pair."""
    defaults = {
        "run_id": "old",
        "phase_id": "p",
        "category": "docs",
        "complexity": "low",
        "predicted_output_tokens": 500,
        "actual_output_tokens": 300,
        "success": True,
    }
    return SampleRecorded(**(defaults | fields))


def failed():
    """Return the first attempt's failure."""
    return PhaseFailed(**WHO, code="tests_failed", message="two tests fail")


def timed_out():
    """Return that the first attempt ran out of time."""
    return PhaseTimedOut(**WHO, lease_token="t", timeout_s=5, message="no end in 5 s")


def view(*events):
    """Return the rows and the total after *events*, at positions 1, 2, 3, ..."""
    rows, total = {}, ATTEMPTS.initial_total()
    for position, event in enumerate(events, 1):
        row = (position, b"", "s", 1, event.TYPE, 1, 0, 0, "", "", b"")
        recorded = Recorded(row, event)
        key = ATTEMPTS.key(recorded) if isinstance(event, ATTEMPTS.types) else None
        if key is None:
            continue
        before, after = rows.get(key), ATTEMPTS.project(rows.get(key), recorded)
        total = ATTEMPTS.total(total, before, after)
        rows = {name: row for name, row in {**rows, key: after}.items() if row is not None}
    return rows, total


def sums(estimates=0, samples=0, won=0):
    """Return what a total says of predictions."""
    return Work(estimates=estimates, samples=samples, samples_won=won)


def predictions(total):
    """Return of a total only what it says of predictions."""
    return sums(total.all.estimates, total.all.samples, total.all.samples_won)


def only_sample(*events):
    """Return the one sample of the events."""
    (sample,) = samples_of(view(*events)[0].values(), log_id="L")
    return sample


def test_calls_are_summed():
    """A prediction is met by the sum of its attempt's builder calls and by its end."""
    sample = only_sample(
        estimated(), used("a", 400), used("b", 350, request_model="m"), PhaseCompleted(**WHO)
    )

    assert ("L", 1, "r", "p", 1) == (
        sample.log,
        sample.position,
        sample.run_id,
        sample.phase_id,
        sample.attempt,
    )
    assert (1000, 750, 2000) == (
        sample.predicted_output_tokens,
        sample.actual_output_tokens,
        sample.budget_tokens,
    )
    assert ("docs", "low", "deliverables", "v1") == (
        sample.category,
        sample.complexity,
        sample.estimator,
        sample.estimator_version,
    )
    assert (True, False, "measured", "m", 2) == (
        sample.success,
        sample.truncated,
        sample.split,
        sample.model,
        sample.deliverables,
    )


@pytest.mark.parametrize(
    ("end", "success"),
    [
        (PhaseCompleted(**WHO), True),
        (failed(), False),
        (timed_out(), False),
        (PhaseReleased(**WHO, lease_token="t", why="stopped"), None),
        (PhaseReclaimed(**WHO, why="the lease ended"), None),
    ],
)
def test_ends(end, success):
    """An attempt succeeds, fails, or has no outcome because it was given up."""
    assert success is only_sample(estimated(), used(), end).success


@pytest.mark.parametrize(
    ("calls", "split"),
    [
        ([used("a"), used("b", split="inferred")], "inferred"),
        ([used("a", split="total_only", output=None), used("b", split="inferred")], "total_only"),
        ([used("a"), used("b", output=None)], "measured"),
    ],
)
def test_an_unmeasured_call_leaves_no_figure(calls, split):
    """One call that nobody measured takes the figure from the attempt, and weakens its split."""
    sample = only_sample(estimated(), *calls)

    assert (None, split) == (sample.actual_output_tokens, sample.split)


@pytest.mark.parametrize(("decision", "success"), [("approve", True), ("reject", False)])
def test_gated_work_has_ended_where_it_was_judged(decision, success):
    """Whoever looks at the log as it was before did not know its outcome."""
    gated = PhaseGated(**WHO, question="fine?")
    decided = PhaseGateDecided(**WHO, by="ann", why="read it", decision=decision)
    before, after = (only_sample(estimated(), used(), gated, *more) for more in ((), (decided,)))

    assert (None, success) == (before.success, after.success)
    assert 4 == after.ended_position


def checked(verdict="passed", **fields):
    """Return what a check says of the first attempt."""
    return PhaseChecked(**{**WHO, "check": "tests", "verdict": verdict, "by": "drain", **fields})


def judged(right):
    """Return what a person says of it."""
    return PhaseJudged(**WHO, right=right, by="ann", why="I ran it")


DONE, UNSURE = PhaseCompleted(**WHO), checked("could_not_run")


@pytest.mark.parametrize(
    ("told", "success", "verdict", "judged_by"),
    [
        ([DONE], True, None, None),
        ([checked(), DONE], True, "right", "check tests"),
        ([checked("failed"), failed()], False, "wrong", "check tests"),
        ([DONE, judged(False)], False, "wrong", "ann"),
        ([checked(), DONE, judged(False)], False, "wrong", "ann"),
        ([checked(), DONE, checked("failed", by="recheck")], False, "wrong", "check tests"),
        ([checked(), DONE, judged(False), checked(by="recheck")], True, "right", "check tests"),
        ([checked("failed"), failed(), judged(True)], True, "right", "ann"),
        ([DONE, judged(False), UNSURE], False, "wrong", "ann"),
        ([UNSURE, PhaseGated(**WHO, question="fine?")], None, None, None),
        ([checked(), PhaseGated(**WHO, question="fine?")], None, "right", "check tests"),
        ([checked(), PhaseReclaimed(**WHO, why="killed")], None, "right", "check tests"),
        ([PhaseReclaimed(**WHO, why="killed"), judged(True)], None, "right", "ann"),
    ],
)
def test_the_last_word_decides_whether_an_attempt_succeeded(told, success, verdict, judged_by):
    """By a check, a recheck or a person; what was given up before its end has no outcome."""
    rows, total = view(estimated(), used(), *told)
    row = rows[KEY]

    assert (success, verdict, judged_by) == (row.success, row.verdict, row.judged_by)
    assert sums(1, 1, int(success is True)) == predictions(total)


def test_an_outcome_is_known_since_it_was_said_first():
    """A verdict that says the same again moves nothing; another one does."""
    same = only_sample(estimated(), used(), DONE, judged(True), checked(by="recheck"))
    other = only_sample(estimated(), used(), DONE, judged(True), judged(False))

    assert (3, 5) == (same.ended_position, other.ended_position)


def test_a_failure_for_a_lost_lease_is_a_phase_taken_back():
    """On its last attempt a phase fails by it; the attempt ended as others whose worker died."""
    lost = PhaseFailed(**WHO, code=LEASE_LOST, message="gone", failure_class="execution")
    (row,), (other,) = (view(estimated(), end)[0].values() for end in (lost, failed()))

    assert ("reclaimed", None, None) == (row.ending, row.alike, row.failure_class)
    assert ("failed", "tests_failed") == (other.ending, other.alike)


def test_an_attempt_that_ran_out_of_time_took_all_of_it():
    """Its end tells the limit, and no duration besides."""
    (row,) = view(estimated(), timed_out())[0].values()

    assert 5 == row.duration_s


def test_what_is_not_counted():
    """Late usage, other roles and calls outside any attempt change no sample."""
    others = [used("b", late=True), used("c", role="doctor"), used("d", attempt=None)]
    sample = only_sample(estimated(), used("a"), *others)

    assert (400, 1) == (sample.actual_output_tokens, sample.late_calls)
    assert [] == samples_of(view(estimated(), *others)[0].values(), log_id="L")


def test_attempts_are_apart():
    """Each attempt has its own estimate and its own calls."""
    rows, _ = view(
        estimated(), used("a"), failed(), estimated(900, attempt=2), used("b", 70, attempt=2)
    )

    assert [(1, 1000, 400), (2, 900, 70)] == [
        (s.attempt, s.predicted_output_tokens, s.actual_output_tokens)
        for s in samples_of(rows.values(), log_id="L")
    ]


def test_an_amendment_replaces_one_call():
    """An amended call counts with its last figure; one without an attempt or output does not."""
    amended = LlmUsageAmended(**WHO, call_id="a", why="final bill", output_tokens=500)
    calls = [used("a", 400), used("b", 100)]

    assert 600 == only_sample(estimated(), *calls, amended).actual_output_tokens
    for without in ({"output_tokens": None}, {"attempt": None}, {"provider": "other"}):
        fields = {**WHO, "call_id": "a", "why": "bill", "output_tokens": 9} | without
        assert (
            500 == only_sample(estimated(), *calls, LlmUsageAmended(**fields)).actual_output_tokens
        )


def test_a_truncated_call_marks_the_attempt():
    """One call that hit its limit is enough."""
    assert only_sample(estimated(), used("a", truncated=True), used("b")).truncated


@pytest.mark.parametrize(
    ("said", "stop_reason", "truncated"),
    [
        (None, "max_tokens", True),
        (None, "LENGTH", True),
        (None, "end_turn", False),
        (None, None, False),
        (False, "max_tokens", False),
    ],
)
def test_the_stop_reason_tells_where_nobody_said(said, stop_reason, truncated):
    """A stop at the limit marks the attempt, unless the call says that it was not cut off."""
    call = used("a", truncated=said, stop_reason=stop_reason)

    assert truncated == only_sample(estimated(), call).truncated


def test_an_imported_figure_that_nobody_measured():
    """An inferred figure of an import is not passed on, so no calibrator can take it."""
    rows, total = view(imported(split="inferred"))
    (sample,) = samples_of(rows.values(), log_id="L")

    assert ("inferred", None) == (sample.split, sample.actual_output_tokens)
    assert sums(estimates=1, samples=0) == predictions(total)


def test_no_prediction_after_the_fact():
    """The last estimate before the first call counts; a later one is only counted as one."""
    rows, total = view(estimated(100), estimated(200), used(), estimated(400))

    assert (200, 2) == (rows[KEY].predicted_output_tokens, rows[KEY].position)
    assert sums(estimates=3, samples=1) == predictions(total)


def test_usage_without_an_estimate():
    """Calls of an attempt that nobody estimated make a row, but no sample."""
    rows, total = view(used(), PhaseCompleted(**WHO))

    assert (400, True) == (rows[KEY].actual_output_tokens, rows[KEY].success)
    assert ([], sums()) == (samples_of(rows.values(), log_id="L"), predictions(total))


def test_imported_pairs():
    """An imported pair is a sample by itself, in the source's words beside the standard ones."""
    fields = {"category": "documentation", "complexity": "simple"}
    event = imported(deliverable_count=3, is_test=True, source_fields=fields)
    sample = only_sample(event)

    assert (500, 300, 3) == (
        sample.predicted_output_tokens,
        sample.actual_output_tokens,
        sample.deliverables,
    )
    assert (True, True, None) == (sample.is_imported, sample.is_test, sample.attempt)
    assert ("documentation", "simple") == (
        sample.source_category,
        sample.features["source_complexity"],
    )


def test_totals():
    """Estimates are counted as they come, samples once they are met, and are won by success."""
    _, total = view(
        imported(),
        imported(actual_output_tokens=None),
        estimated(),
        used("a", truncated=True),
        failed(),
        estimated(attempt=2),
        used("b", attempt=2, split="inferred"),
        estimated(attempt=3),
        used("c", attempt=3),
        PhaseCompleted(**{**WHO, "attempt": 3}),
    )

    assert sums(estimates=5, samples=3, won=2) == predictions(total)


EVENTS = st.lists(
    st.one_of(
        st.builds(estimated, st.integers(0, 9), attempt=st.integers(1, 2)),
        st.builds(
            used,
            st.sampled_from("abc"),
            st.none() | st.integers(0, 9),
            attempt=st.integers(1, 2),
            split=st.sampled_from(["measured", "inferred", "total_only"]),
            late=st.booleans(),
        ),
        st.builds(
            LlmUsageAmended,
            run_id=st.just("r"),
            phase_id=st.just("p"),
            attempt=st.integers(1, 2),
            call_id=st.sampled_from("abc"),
            why=st.just("w"),
            output_tokens=st.integers(0, 9),
        ),
        st.just(failed()),
        st.just(imported()),
    ),
    max_size=12,
)


@given(EVENTS)
def test_rows_round_trip(events):
    """Every row comes back from JSON as it went."""
    rows, _ = view(*events)
    decoder = msgspec.json.Decoder(AttemptRow)

    assert {key: to_json(row) for key, row in rows.items()} == {
        key: to_json(decoder.decode(to_json(row))) for key, row in rows.items()
    }


@given(EVENTS)
def test_the_total_is_that_of_the_rows(events):
    """Counting row by row, as they change, gives what counting at the end would."""
    rows, total = view(*events)

    assert sums(
        estimates=sum(isinstance(event, PhaseEstimated | SampleRecorded) for event in events),
        samples=sum(row.is_met for row in rows.values()),
        won=sum(row.is_met and row.success is True for row in rows.values()),
    ) == predictions(total)


@pytest.mark.parametrize(
    ("name", "said"), [("usage-problems", "is_misread"), ("denied-uses", "is_denied")]
)
def test_what_an_attempt_was_found_to_lack_stays_with_it(name, said):
    """An end that comes after another and tells nothing of it takes nothing back."""
    gated = PhaseGated(**WHO, question="fine?", artifacts={name: "0" * 64})
    rows, total = view(used(), gated, PhaseReclaimed(**WHO, why="gone"))
    before, _total = view(used(), gated)

    assert (True, True) == (getattr(before[KEY], said), getattr(rows[KEY], said))
    assert 1 == total.all.unreadable + total.all.denied
