"""The phase board: every phase as it stands, with counts by run and state."""

from collections import Counter
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.aggregates import phase
from autopack.events import (
    PhaseCancelled,
    PhaseEstimated,
    PhaseGated,
    PhaseGateDecided,
    PhaseReclaimed,
    PhaseReleased,
    PhaseRequeued,
    PhaseSkipped,
    PhaseTimedOut,
)
from autopack.events.phase import PhaseEvent
from autopack.log import views
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, journal_of
from autopack.plugins.discovery import load_plugins
from autopack.ports.log import ANY, NewEvent
from autopack.ports.states import LIVE
from autopack.projections.phases import PHASES
from autopack.testing.facts import (
    append_all,
    claimed,
    completed,
    failed,
    queued,
    started,
    stream_of,
    usage,
)
from autopack.testing.generators import any_order, phase_events

REGISTRY = load_plugins()
NAMES = {"run_id": "r1", "phase_id": "a"}
PERSON = {**NAMES, "by": "ann", "why": "because"}


def board(*events):
    """Return the board after events."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    append_all(log, events)
    return views.replay(journal_of(log), PHASES)


def row(*events):
    """Return the phase ``r1/a`` after it was queued and *events* happened."""
    return board(queued(), *events).rows["r1/a"]


@pytest.mark.parametrize(
    "end",
    [
        attrs.evolve(completed(), attempt=2),
        PhaseTimedOut(**NAMES, attempt=2, lease_token="a2", timeout_s=9.0, message="late"),
    ],
)
def test_an_end_that_is_no_failure_has_no_failure_class(end):
    """What an attempt before it failed of is told of it no more."""
    first = [claimed(), failed(failure_class="check_failed", fingerprint="boom|it")]
    before, after = row(*first), row(*first, claimed(attempt=2), end)

    assert ("check_failed", "boom|it") == (before.failure_class, before.fingerprint)
    assert (None, None) == (after.failure_class, after.fingerprint)


def test_a_queued_phase_is_as_it_was_asked_for():
    """Every field of the request that a worker may need is on the row."""
    asked = queued(
        tier="T1", deliverables=("x.py",), goal="g", payload={"n": 1}, inputs={"i": "d"},
        model="m", priority=4, after=("z",), timeout_s=9.0, max_attempts=2, prompt_tokens=70,
        labels={"l": "v"}, index=5,
    )  # fmt: skip
    shown = board(asked).rows["r1/a"]
    hidden = {"source_fields"}
    names = [f.name for f in attrs.fields(type(asked)) if f.name not in hidden]

    assert {n: getattr(asked, n) for n in names} == {n: getattr(shown, n) for n in names}
    assert ("QUEUED", 1, "r1/a") == (shown.status, shown.order, shown.key)


def test_a_phase_that_was_never_queued_is_left_out():
    """Events about nothing make no row."""
    assert {} == board(claimed(), completed()).rows


def test_a_phase_is_queued_once():
    """A second request of that name, from a merged history, changes nothing."""
    assert "tests" == row(queued(category="docs")).category


@pytest.mark.parametrize(
    ("ending", "code", "reason"),
    [
        (failed(code="boom", message="it broke"), "boom", "it broke"),
        (
            PhaseTimedOut(**NAMES, attempt=1, lease_token="a1", timeout_s=9.0, message="late"),
            "timed_out",
            "late",
        ),
        (PhaseGated(**NAMES, question="fine?"), "gated", "fine?"),
        (PhaseReleased(**NAMES, attempt=1, lease_token="a1", why="stop"), "released", "stop"),
        (PhaseReclaimed(**NAMES, why="gone"), "reclaimed", "gone"),
        (PhaseRequeued(**PERSON), "requeued", "because"),
        (PhaseSkipped(**PERSON), None, "because"),
        (PhaseCancelled(**PERSON), None, "because"),
        (completed(), None, None),
    ],
    ids=lambda given: getattr(given, "TYPE", None),
)
def test_every_end_leaves_its_reason(ending, code, reason):
    """Whoever looks at a phase sees why it stands where it stands."""
    shown = row(claimed(), started(), failed(), claimed(attempt=2), ending)

    assert (code, reason) == (shown.reason_code, shown.reason)


def test_the_last_end_leaves_its_texts():
    """What an attempt left is shown until another ends; a decision at its gate changes nothing."""
    asked = PhaseGated(
        **NAMES, question="fine?", outputs={"a.md": "d1"}, artifacts={"log": "d2"}, summary="s"
    )
    approved = row(claimed(), started(), asked, PhaseGateDecided(**PERSON, decision="approve"))
    failing = row(claimed(), started(), asked, claimed(attempt=2), failed(artifacts={"tb": "d3"}))

    assert ({"a.md": "d1"}, {"log": "d2"}, "s") == (
        approved.outputs, approved.artifacts, approved.summary,
    )  # fmt: skip
    assert ({}, {"tb": "d3"}, None) == (failing.outputs, failing.artifacts, failing.summary)


def test_the_next_attempt_is_told_what_was_wrong():
    """By the failure itself, whatever its back-off says, and by people; a good end needs none."""
    again = PhaseRequeued(**NAMES, by="drain", why="attempt 1 of 3 is retried")
    sent_back = PhaseRequeued(**PERSON, attempts_reset=True)
    rejected = PhaseGateDecided(**PERSON, decision="reject")
    late = PhaseTimedOut(
        **NAMES, attempt=1, lease_token="a1", timeout_s=60.0, message="it took too long"
    )

    assert "it broke" == row(claimed(), failed(), again, claimed(attempt=2)).feedback
    assert "it broke\n\nbecause" == row(claimed(), failed(), sent_back).feedback
    assert "it took too long" == row(claimed(), late).feedback
    assert "because" == row(claimed(), PhaseGated(**NAMES, question="fine?"), rejected).feedback
    assert row(claimed(), failed(), again, claimed(attempt=2), completed()).feedback is None


def test_calls_are_counted_for_the_phase_and_for_its_attempt():
    """Late calls and those of an earlier attempt count for the phase alone."""
    shown = row(
        claimed(),
        usage("c1", attempt=1),
        usage("c2", attempt=1),
        failed(),
        claimed(attempt=2),
        usage("c3", attempt=2),
        usage("c4", attempt=1),
        usage("c5", attempt=2, late=True),
    )

    assert (5, 1) == (shown.calls, shown.calls_this_attempt)


def test_the_last_estimate_is_shown():
    """Prediction and budget are those of the attempt in work."""
    estimates = [
        PhaseEstimated(
            **NAMES, attempt=n, estimator="e", estimator_version="1",
            predicted_output_tokens=100 * n, budget_tokens=200 * n,
        )
        for n in (1, 2)
    ]  # fmt: skip
    shown = row(*estimates)

    assert (200, 400) == (shown.predicted_output_tokens, shown.budget_tokens)


def test_since_is_when_the_state_began():
    """What happens within a state does not move it."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    for hour, event in enumerate((queued(), claimed(), usage("c1", attempt=1))):
        new = NewEvent(event=event, occurred_at=datetime(2026, 1, 1, hour, tzinfo=UTC))
        log.append(stream_of(event), [new], expected_version=ANY)

    assert 1 == views.replay(journal_of(log), PHASES).rows["r1/a"].since.hour


def test_an_estimate_begins_no_state():
    """Nor does whatever else is told of a phase that stays where it is."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    estimate = PhaseEstimated(
        **NAMES, attempt=1, estimator="e", estimator_version="1",
        predicted_output_tokens=200, budget_tokens=400,
    )  # fmt: skip
    for hour, event in enumerate((queued(), claimed(), estimate)):
        new = NewEvent(event=event, occurred_at=datetime(2026, 1, 1, hour, tzinfo=UTC))
        log.append(stream_of(event), [new], expected_version=ANY)

    assert 1 == views.replay(journal_of(log), PHASES).rows["r1/a"].since.hour


@given(events=st.lists(phase_events, max_size=15))
def test_the_board_stands_where_the_phase_itself_does(events):
    """A row folds its phase's moves exactly as the aggregate does."""
    shown = board(queued("a", "r1"), *events).rows["r1/a"]
    own = [e for e in events if (e.run_id, e.phase_id) == ("r1", "a") and isinstance(e, PhaseEvent)]
    state = phase.fold(own)

    assert (state.status, state.attempts, state.spent, state.lease_token, state.worker) == (
        shown.status,
        shown.attempts,
        shown.attempts_spent,
        shown.lease_token,
        shown.worker,
    )
    assert state.not_before == shown.not_before


@given(events=any_order)
def test_the_counts_are_those_of_the_rows(events):
    """What the total says without rows is what counting rows says."""
    view = board(*events)
    counted = Counter((row.run_id, str(row.status)) for row in view.rows.values())
    told = {
        (run, str(state)): n
        for run, states in view.total.by_run.items()
        for state, n in states.items()
    }

    assert dict(counted) == told
    assert sum(counted.values()) == sum(view.total.by_state().values())
    assert {key for key, row in view.rows.items() if row.status in LIVE} == set(view.total.live)
    assert len(set(view.total.live)) == len(view.total.live)
    waiting = [row for row in view.rows.values() if row.status == "QUEUED" and row.after]
    assert Counter(row.run_id for row in waiting) == dict(view.total.ordered)


@pytest.mark.parametrize(
    ("events", "ordered"),
    [
        ([], {"r1": 1}),
        ([claimed(), started()], {}),
        ([claimed(), started(), completed()], {}),
        ([claimed(), PhaseReleased(**NAMES, attempt=1, lease_token="a1", why="w")], {"r1": 1}),
        ([PhaseSkipped(**PERSON)], {}),
    ],
)
def test_what_waits_after_others_is_counted_while_it_is_queued(events, ordered):
    """One that is in work, or ended, waits for nobody."""
    assert ordered == dict(board(queued(after=("b",)), *events).total.ordered)
