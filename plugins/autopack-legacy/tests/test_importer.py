"""Rows become the facts that they support, and nothing else."""

import json
from datetime import UTC, datetime

import pytest

from autopack.events import (
    BudgetEscalated,
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseQueued,
    PhaseReclaimed,
    PhaseSkipped,
    RunCreated,
    RunFinished,
    SampleRecorded,
)
from autopack_legacy import LegacyImporter


def imported(database):
    """Return the (stream, event) pairs and the findings of a database."""
    source = LegacyImporter().read(database.path)
    return [(stream, new.event) for stream, new in source.events], source.findings


def only(database, kind):
    """Return the one event of that class."""
    (event,) = [event for _, event in imported(database)[0] if type(event) is kind]
    return event


def with_phase(database, **cells):
    """Return the database with a run, a tier and one phase."""
    database.add("runs")
    database.add("tiers")
    database.add("phases", **cells)
    return database


def test_a_run_keeps_its_caps_and_columns(first):
    """Caps become caps, the goal the goal; columns without a field are kept."""
    first.add("runs", token_cap=500, max_phases=3, max_duration_minutes=60, goal_anchor="Do it")
    events, _ = imported(first)

    created = events[0][1]
    assert [("run-r1", created)] == events
    assert {"tokens": 500.0, "minutes": 60.0} == created.caps
    assert 3 == created.source_fields["max_phases"]
    assert "Do it" == created.goal
    assert "RUN_CREATED" == created.source_fields["state"]


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("DONE_SUCCESS", "succeeded"),
        ("DONE_FAILED_ENVIRONMENT", "failed"),
        ("DONE_SOMEHOW", "unrecorded"),
    ],
)
def test_a_done_run_is_finished(first, state, outcome):
    """Final states end the run, with what they say of its outcome."""
    first.add("runs", state=state, updated_at="2025-12-02T00:00:00")
    finished = only(first, RunFinished)

    assert outcome == finished.outcome
    assert state in finished.why


def test_a_phase_keeps_what_was_asked_for(first):
    """Deliverables come from the scope, words are today's, and the originals are kept."""
    scope = {"paths": ["src/"], "deliverables": {"code": ["a.py", " "], "docs": ["b.md"]}}
    with_phase(
        first,
        scope=json.dumps(json.dumps(scope)),
        task_category="IMPLEMENT_FEATURE",
        complexity="HIGH",
        max_builder_attempts=7,
    )
    events, findings = imported(first)

    (queued,) = [event for _, event in events if isinstance(event, PhaseQueued)]
    assert ("a.py", "b.md") == queued.deliverables
    assert ("T1", 0, 7) == (queued.tier, queued.index, queued.max_attempts)
    assert {"scope": scope} == queued.payload
    assert "high" == queued.complexity
    assert ("IMPLEMENT_FEATURE", "HIGH", "first") == tuple(
        queued.source_fields[name] for name in ("category", "complexity", "name")
    )
    assert {"HIGH": 1} == findings["complexities_normalised"]


def test_order_of_phases(first):
    """Phases go by tier, phase index and row; their index counts without repeats."""
    first.add("runs")
    first.add("tiers", tier_index=1)
    first.add("tiers", tier_index=0, tier_id="T0")
    for name, tier, index in [("d", 1, 1), ("c", 1, 1), ("b", 1, 0), ("a", 2, 9)]:
        first.add("phases", phase_id=name, tier_id=tier, phase_index=index)
    events, _ = imported(first)

    queued = {e.phase_id: e.index for _, e in events if isinstance(e, PhaseQueued)}
    assert {"a": 0, "b": 1, "d": 2, "c": 3} == queued


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("COMPLETE", PhaseCompleted),
        ("FAILED", PhaseFailed),
        ("GATE", PhaseGated),
        ("EXECUTING", PhaseReclaimed),
        ("CI_RUNNING", PhaseReclaimed),
        ("SKIPPED", PhaseSkipped),
    ],
)
def test_one_state_a_phase(first, state, kind):
    """A state is one fact in the phase's own stream; no claim or start is made up."""
    events, _ = imported(with_phase(first, state=state))

    assert [("run-r1", RunCreated), ("run-r1", PhaseQueued), ("phase-r1/p1", kind)] == [
        (stream, type(event)) for stream, event in events
    ]


@pytest.mark.parametrize(
    ("state", "unknown"), [("QUEUED", {}), ("SLEEPING", {"SLEEPING": 1}), (None, {"": 1})]
)
def test_states_that_add_nothing(first, state, unknown):
    """A queued phase stays queued; so does one in a state that nobody knows, which is said."""
    events, findings = imported(with_phase(first, state=state))

    assert 2 == len(events)
    assert unknown == findings["unknown_phase_states"]


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (None, "unrecorded"),
        ("  ", "unrecorded"),
        ("PATCH_FAILED", "patch_failed"),
        ("DOCTOR_SKIP: no use", "doctor_skip"),
        ("FAILED", "recorded"),
        ("it broke", "recorded"),
    ],
)
def test_reasons_of_failures(first, reason, code):
    """A reason's status word is the code; without one the message says so."""
    failed = only(with_phase(first, state="FAILED", last_failure_reason=reason), PhaseFailed)

    assert code == failed.code
    assert ("gives no reason" in failed.message) is (code == "unrecorded")
    assert not failed.retryable


def test_rows_without_a_run_have_their_own_stream(later):
    """Samples and usage of no run go to the import's stream; implied runs are only named."""
    later.add("llm_usage_events", run_id=None, total_tokens=5)
    later.add("llm_usage_events", run_id="ghost", phase_id=None, total_tokens=5)
    later.add("token_estimation_v2_events", run_id="unknown")
    events, findings = imported(later)

    assert ["import-autopack-legacy", "run-ghost", "import-autopack-legacy"] == [
        stream for stream, _ in events
    ]
    assert ["ghost"] == findings["implied_runs"]
    assert {"llm_usage_events": 1, "token_estimation_v2_events": 1} == (
        findings["rows_without_a_known_run"]
    )


def test_samples(later):
    """A sample keeps both figures and the source's words, and claims no estimator version."""
    later.add("token_estimation_v2_events", category="IMPLEMENT_FEATURE", actual_max_tokens=16384)
    sample = only(later, SampleRecorded)

    assert (2600, 1300, 4096, 16384) == (
        sample.predicted_output_tokens,
        sample.actual_output_tokens,
        sample.budget_tokens,
        sample.ceiling_tokens,
    )
    assert (None, None, False) == (sample.estimator, sample.estimator_version, sample.is_test)
    assert "IMPLEMENT_FEATURE" == sample.source_fields["category"]
    assert ("docs/a.md",) == sample.deliverables


@pytest.mark.parametrize(
    "cells",
    [
        {"deliverables_json": '["src/x.py"]', "model": "claude"},
        {"phase_id": "telemetry-test-3"},
        {"phase_id": "test-token-telemetry"},
    ],
)
def test_rows_of_the_source_tests_are_marked(first, cells):
    """Rows that the old system's own tests wrote are test samples."""
    first.add("token_estimation_v2_events", **cells)

    assert only(first, SampleRecorded).is_test


def test_escalations(later):
    """A raised budget says from where to where, and why."""
    later.add("token_budget_escalation_events", escalation_factor=1.25)
    escalated = only(later, BudgetEscalated)

    assert (8192, 10240, 1) == (escalated.from_tokens, escalated.to_tokens, escalated.attempt)
    assert "truncation (escalation_factor 1.25)" == escalated.why


def test_times(first):
    """Times come with T, a space or an offset; a naive one is UTC."""
    for name, text in [("a", "2025-12-01T10:00:00"), ("b", "2025-12-01 12:00:00+01:00")]:
        first.add("runs", id=name, created_at=text)
    source = LegacyImporter().read(first.path)

    assert [
        datetime(2025, 12, 1, 10, tzinfo=UTC),
        datetime(2025, 12, 1, 11, tzinfo=UTC),
    ] == [new.occurred_at for _, new in source.events]


def test_rows_younger_than_what_they_tell(first):
    """A phase that ended before its row was made, and its run, are dated by its beginning."""
    first.add("runs", created_at="2025-12-05")
    first.add("tiers")
    first.add(
        "phases",
        state="COMPLETE",
        created_at="2025-12-05",
        started_at="2025-12-01",
        completed_at="2025-12-02",
    )
    source = LegacyImporter().read(first.path)

    assert [("run.created", 1), ("phase.queued", 1), ("phase.completed", 2)] == [
        (new.event.TYPE, new.occurred_at.day) for _, new in source.events
    ]
    assert ["r1"] == source.findings["runs_dated_before_their_row"]
    assert ["r1/p1"] == source.findings["phases_dated_before_their_row"]


def test_unreadable_times_fall_back(first):
    """Without a readable time a row takes its run's, else 1970; both are counted."""
    first.add("runs")
    first.add("llm_usage_events", created_at="yesterday", prompt_tokens=4, completion_tokens=6)
    first.add("llm_usage_events", created_at=None, run_id=None)
    source = LegacyImporter().read(first.path)

    assert [1970, 2025, 2025] == [new.occurred_at.year for _, new in source.events]
    assert {"llm_usage_events.created_at": 2} == source.findings["times_taken_from_elsewhere"]
    assert {"llm_usage_events.created_at": 1} == source.findings["unparsable_values"]


def test_rows_that_cannot_be_used_are_counted(first):
    """Repeated phases, unusable ids and samples without a prediction are left out by name."""
    with_phase(first)
    first.add("phases")
    first.add("phases", run_id="a/b")
    first.add("runs", id="a/b")
    first.add("token_estimation_v2_events", predicted_output_tokens="many")
    events, findings = imported(first)

    assert 2 == len(events)
    assert {"phases": 2, "runs": 1, "token_estimation_v2_events": 1} == findings["rows_left_out"]


def test_a_scope_that_is_text_is_the_goal(first):
    """A scope that holds a sentence in place of a mapping says what to do."""
    queued = only(with_phase(first, scope='"Build it.\\nThen test it."'), PhaseQueued)

    assert "Build it.\nThen test it." == queued.goal
    assert () == queued.deliverables


def test_ids_follow_from_content_not_from_place(make_database):
    """Equal rows have equal ids in any file; rows that differ have different ones."""
    left, right = make_database("left.db"), make_database("right.db")
    for database in (left, right):
        database.add("llm_usage_events", id=5, prompt_tokens=4, completion_tokens=6)
    right.add("llm_usage_events", id=6, prompt_tokens=4, completion_tokens=6)
    other = make_database("other.db")
    other.add("llm_usage_events", id=5, prompt_tokens=40, completion_tokens=60)
    ids, calls = zip(
        *(
            (
                [new.event_id for _, new in source.events],
                [new.event.call_id for _, new in source.events],
            )
            for source in (LegacyImporter().read(db.path) for db in (left, right, other))
        ),
        strict=True,
    )

    assert ids[0][0] == ids[1][0]
    assert 3 == len({*ids[0], *ids[1], *ids[2]})
    assert 3 == len({*calls[0], *calls[1], *calls[2]})


def test_a_phase_that_moved_on_is_not_queued_twice(first):
    """After a phase has ended, a second import adds its end and nothing else."""
    with_phase(first)
    before = {new.event_id for _, new in LegacyImporter().read(first.path).events}
    first.execute("UPDATE phases SET state='COMPLETE', updated_at='2025-12-03 00:00:00'")
    after = LegacyImporter().read(first.path).events

    assert ["phase.completed"] == [new.event.TYPE for _, new in after if new.event_id not in before]
