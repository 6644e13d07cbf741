"""Whole histories: any that the library could have written, and no other."""

import pytest
from hypothesis import Phase, find, given, settings

from autopack.aggregates import phase
from autopack.events import (
    LlmUsageRecorded,
    PhaseClaimed,
    PhaseQueued,
    RunCreated,
    RunFinished,
)
from autopack.format.codec import Codec
from autopack.log import views
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, journal_of
from autopack.plugins.discovery import load_plugins
from autopack.ports.states import BEGUN, MOVES, OPEN, PhaseStatus
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS
from autopack.testing.facts import append_all
from autopack.testing.generators import any_order, core_events, drain_views, runs, samples
from autopack.testing.histories import histories

REGISTRY = load_plugins()


@given(events=histories())
def test_every_move_is_one_of_the_table(events):
    """No phase of a history ever moves where decide would not let it."""
    states = {}
    for event in events:
        if isinstance(event, phase.PhaseStreamEvent) and event.phase_id:
            key = (event.run_id, event.phase_id)
            before = states.get(key, phase.PhaseState())
            states[key] = phase.evolve(before, event)
            moved = states[key].status
            assert moved is before.status or moved in MOVES[before.status]


@given(events=histories())
def test_facts_come_after_what_they_are_about(events):
    """A run is created before it is queued to, a phase queued before it is claimed."""
    runs_seen, phases_seen = set(), set()
    for event in events:
        if isinstance(event, RunCreated):
            runs_seen.add(event.run_id)
        elif isinstance(event, PhaseQueued):
            phases_seen.add((event.run_id, event.phase_id))
        elif getattr(event, "phase_id", None):
            assert (event.run_id, event.phase_id) in phases_seen
        assert event.run_id in runs_seen


@given(events=histories())
def test_a_finished_run_has_no_work_ahead(events):
    """When a run is finished, none of its phases is open."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    recorded = append_all(log, events)
    finished = [r for r in recorded if isinstance(r.event, RunFinished)]
    for one in finished[-2:]:
        board = views.replay(journal_of(log), PHASES, until=one.position).rows.values()
        assert not [p for p in board if p.run_id == one.event.run_id and p.status in OPEN]


@given(events=histories())
def test_calls_are_of_an_attempt_in_work(events):
    """Each call names the lease in force, and no two share an id."""
    states, calls = {}, []
    for event in events:
        key = (event.run_id, getattr(event, "phase_id", None))
        if isinstance(event, LlmUsageRecorded):
            state = states[key]
            calls.append(event.call_id)
            assert state.status in BEGUN
            assert (state.lease_token, state.attempts) == (event.lease_token, event.attempt)
        if isinstance(event, phase.PhaseStreamEvent):
            states[key] = phase.evolve(states.get(key, phase.PhaseState()), event)

    assert len(set(calls)) == len(calls)


@given(events=histories())
def test_no_phase_is_claimed_from_a_paused_run(events):
    """A pause is asked about before each claim."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    for recorded in append_all(log, events):
        if isinstance(recorded.event, PhaseClaimed):
            board = views.replay(journal_of(log), RUNS, until=recorded.position).rows
            assert not board[recorded.event.run_id].is_paused


@pytest.mark.slow
@pytest.mark.parametrize("status", sorted(set(PhaseStatus) - {PhaseStatus.CLAIMED}))
def test_histories_reach_every_state(status):
    """There is a history that leaves a phase in it; a claim of ours is begun in its own batch."""

    def reaches(events):
        own = [e for e in events if isinstance(e, phase.PhaseStreamEvent) and e.phase_id]
        keys = {(e.run_id, e.phase_id) for e in own}
        folds = (phase.fold(e for e in own if (e.run_id, e.phase_id) == key) for key in keys)
        queued = any(isinstance(event, PhaseQueued) for event in events)
        return any(state.status is status for state in folds) or (
            status is PhaseStatus.QUEUED and queued
        )

    enough = settings(max_examples=3000, phases=[Phase.generate], derandomize=True)

    assert find(histories(), reaches, settings=enough)


@given(event=core_events, events=any_order)
def test_every_event_can_be_stored(event, events):
    """What is generated constructs and comes back from the codec as it was."""
    codec = Codec()
    for one in (event, *events):
        name, schema, text = codec.encode(one)
        assert one == codec.decode(name, schema, text, 1)


@given(view=drain_views(), phases=runs, sample=samples)
def test_views_runs_and_samples_are_sensible(view, phases, sample):
    """Ready phases are distinct and queued, a run's phases too; figures are positive."""
    keys = [row.key for row in view.ready]

    assert len(set(keys)) == len(keys)
    assert {"QUEUED"} >= {str(row.status) for row in view.ready}
    assert len({spec.id for spec in phases}) == len(phases)
    assert sample.predicted_output_tokens > 0
