"""A run's decisions, and what a fold makes of its events."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.aggregates.requests import PhasesRequest
from autopack.aggregates.run import RunState, check_claimable, decide, evolve, fold, outcome_of
from autopack.errors import (
    InvalidInputError,
    InvalidNameError,
    PhaseExistsError,
    RunExistsError,
    RunMissingError,
    RunPausedError,
)
from autopack.events import (
    PhaseQueued,
    RunCreated,
    RunFinished,
    RunPaused,
    RunPrepared,
    RunPrepareFailed,
    RunReopened,
    RunResumed,
)
from autopack.ports.check_specs import checks_of
from autopack.ports.prediction import PhaseSpec
from autopack.testing.generators import run_events


def spec(name="a", **fields):
    return PhaseSpec(name, **{"category": "tests", "complexity": "low", **fields})


CREATED = RunCreated(run_id="r1", goal="tidy", caps={"tokens": 9})
CREATE = PhasesRequest(run_id="r1", phases=(spec("a"), spec("b")), created=CREATED)
PAUSE = RunPaused(run_id="r1", why="lunch", actor="ann")
RESUME = RunResumed(run_id="r1", why="back", actor="ann")
FINISH = RunFinished(run_id="r1", outcome="succeeded", phases_by_state={"COMPLETE": 2})
REOPEN = RunReopened(run_id="r1", why="more to do")
PREPARE = RunPrepared(run_id="r1", commit="abc", duration_s=2.0)


def after(*requests, state=None):
    """Return the state to which requests lead."""
    state = state or RunState()
    for request in requests:
        state = fold(decide(request, state), state)
    return state


class TestCreate:
    """A run is created once, with its phases in order."""

    def test_a_run_is_created_with_its_phases_in_order(self):
        """The phases are indexed from 0, after the run."""
        created, *phases = decide(CREATE, RunState())

        assert CREATED == created
        assert [("a", 0), ("b", 1)] == [(p.phase_id, p.index) for p in phases]

    @pytest.mark.parametrize("state", [after(CREATE), RunState(phases=after(CREATE).phases)])
    def test_a_run_that_exists_is_left_as_it_is(self, state):
        """Creating it again is refused, also when only its phases are known."""
        with pytest.raises(RunExistsError, match="r1"):
            decide(CREATE, state)

    def test_a_run_id_has_no_slash(self):
        """Phase streams are split at the slash."""
        with pytest.raises(InvalidNameError, match="'/'"):
            decide(PhasesRequest(run_id="r/1", created=RunCreated(run_id="r/1")), RunState())

    def test_a_phase_twice_refuses_the_run(self):
        """Phase ids are unique within the run."""
        with pytest.raises(PhaseExistsError, match="r1/a"):
            decide(attrs.evolve(CREATE, phases=(spec(), spec())), RunState())

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("max_attempts", 0), ("max_attempts", 1.5), ("max_attempts", True),
            ("timeout_s", 0), ("timeout_s", -3.0), ("timeout_s", float("nan")), ("timeout_s", "9"),
            ("prompt_tokens", -1), ("prompt_tokens", 2**60),
            ("priority", 2**64), ("priority", None),
        ],
    )  # fmt: skip
    def test_a_figure_that_no_phase_can_have_does_not_construct(self, field, wrong):
        """The error names phase, field and value."""
        with pytest.raises(InvalidInputError, match=f"Phase 'a': {field} is .*; it must be"):
            spec("a", **{field: wrong})

    def test_what_was_asked_of_a_phase_is_in_its_event(self):
        """No field of the request is lost."""
        asked = spec(
            "a", deliverables=("x.py",), goal="g", payload={"n": 1}, inputs={"i": "d"},
            model="m", labels={"l": "v"}, tier="T1", priority=4, after=("z",), timeout_s=9.0,
            max_attempts=2, prompt_tokens=70, check=[["pytest", "-q"], "deliverables"],
        )  # fmt: skip
        (_created, _z, queued) = decide(attrs.evolve(CREATE, phases=(spec("z"), asked)), RunState())
        names = {field.name for field in attrs.fields(PhaseSpec)} - {"id", "check"}

        assert "a" == queued.phase_id
        assert asked.check == checks_of(list(queued.checks))
        assert {n: getattr(asked, n) for n in names} == {n: getattr(queued, n) for n in names}


class TestPhases:
    """Phases are added to a run that exists."""

    def test_added_phases_are_indexed_after_those_there(self):
        """The order of a run goes on."""
        (queued,) = decide(PhasesRequest(run_id="r1", phases=(spec("c"),)), after(CREATE))

        assert ("c", 2) == (queued.phase_id, queued.index)

    def test_a_phase_that_exists_refuses_all_of_them(self):
        """Nothing is added beside a phase that is there."""
        with pytest.raises(PhaseExistsError, match="r1/b"):
            decide(PhasesRequest(run_id="r1", phases=(spec("c"), spec("b"))), after(CREATE))

    def test_phases_reopen_a_finished_run(self):
        """A finished run with work ahead is open again; without phases it stays finished."""
        finished = after(CREATE, FINISH)
        reopened, queued = decide(PhasesRequest(run_id="r1", phases=(spec("c"),)), finished)

        assert [RunReopened, PhaseQueued] == [type(reopened), type(queued)]
        assert not after(
            PhasesRequest(run_id="r1", phases=(spec("c"),)), state=finished
        ).is_finished
        assert [] == decide(PhasesRequest(run_id="r1", phases=()), finished)

    def test_a_run_that_only_its_phases_tell_of_can_be_added_to(self):
        """An imported run may lack its own creation."""
        implied = RunState(run_id="r1", phases=after(CREATE).phases, next_index=2)

        assert 1 == len(decide(PhasesRequest(run_id="r1", phases=(spec("c"),)), implied))


def test_new_phases_come_after_all_that_are_there():
    """Whatever order theirs were recorded in, as an import may have it."""
    first, second = decide(CREATE, RunState())[1:]
    there = fold([attrs.evolve(second, index=7), attrs.evolve(first, index=2)], after())
    (queued,) = decide(PhasesRequest(run_id="r1", phases=(spec("c"),)), there)

    assert 8 == queued.index


class TestStanding:
    """Paused, prepared, finished, reopened."""

    @pytest.mark.parametrize("asked", [PAUSE, RESUME, FINISH, REOPEN, PREPARE])
    def test_a_run_that_is_not_there_is_named(self, asked):
        """No request but its creation is about a run that nobody made."""
        with pytest.raises(RunMissingError, match="r1"):
            decide(asked, RunState())

    @pytest.mark.parametrize(
        ("way", "asked"),
        [
            ((CREATE,), PAUSE),
            ((CREATE, PAUSE), RESUME),
            ((CREATE,), FINISH),
            ((CREATE, FINISH), REOPEN),
            ((CREATE,), PREPARE),
        ],
    )
    def test_a_repeated_request_decides_nothing(self, way, asked):
        """The first decides one event, the second none."""
        before = after(*way)

        assert 1 == len(decide(asked, before))
        assert [] == decide(asked, after(asked, state=before))

    @pytest.mark.parametrize(("way", "asked"), [((CREATE,), RESUME), ((CREATE,), REOPEN)])
    def test_what_is_so_already_decides_nothing(self, way, asked):
        """A run that goes on cannot be resumed, nor an open one reopened."""
        assert [] == decide(asked, after(*way))

    def test_a_paused_run_is_not_claimed_from(self):
        """The refusal says how to go on."""
        check_claimable(after(CREATE, PAUSE, RESUME))

        with pytest.raises(RunPausedError, match=r"resume_run\(log, 'r1', why=\.\.\.\)"):
            check_claimable(after(CREATE, PAUSE))

    def test_a_preparation_that_failed_besides_leaves_a_run_prepared(self):
        """Whoever came second did it for nothing."""
        failed = RunPrepareFailed(run_id="r1", code="prepare_failed", message="no git")

        assert evolve(after(CREATE, PREPARE), failed).is_prepared

    def test_a_failed_preparation_is_told_apart_and_may_be_tried_again(self):
        """Why it failed is kept; the run is not prepared."""
        failure = RunPrepareFailed(run_id="r1", code="prepare_failed", message="no git")
        state = after(failure, state=after(CREATE))

        assert [failure] == decide(failure, after(CREATE))
        assert not state.is_prepared
        assert [RunPrepared] == [type(event) for event in decide(PREPARE, state)]

    @pytest.mark.parametrize(
        ("counts", "outcome"),
        [
            ({"COMPLETE": 2}, "succeeded"),
            ({"COMPLETE": 1, "SKIPPED": 1}, "succeeded"),
            ({"COMPLETE": 1, "CANCELLED": 1}, "cancelled"),
            ({"CANCELLED": 1, "FAILED": 1}, "failed"),
            ({"COMPLETE": 1, "TIMED_OUT": 1}, "failed"),
        ],
    )
    def test_a_run_ends_as_its_phases_did(self, counts, outcome):
        """The outcome follows from the states of all phases."""
        finished = RunFinished(run_id="r1", outcome=outcome, phases_by_state=counts)

        assert outcome == outcome_of(counts)
        assert [finished] == decide(finished, after(CREATE))

    @pytest.mark.parametrize(
        "counts",
        [
            {"COMPLETE": 1, "QUEUED": 1},
            {"COMPLETE": 1, "RUNNING": 1},
            {"COMPLETE": 1, "CLAIMED": 1},
            {"COMPLETE": 1, "GATED": 1},
            {"COMPLETE": 1},
            {"COMPLETE": 3},
            {},
        ],
    )
    def test_a_run_with_work_ahead_is_not_finished(self, counts):
        """An open phase, or counts of another moment, decide nothing."""
        assert [] == decide(attrs.evolve(FINISH, phases_by_state=counts), after(CREATE))


class TestFold:
    """What happened is folded in any order and in any steps."""

    @given(events=st.lists(run_events, max_size=12), data=st.data())
    def test_two_steps_give_what_one_gives(self, events, data):
        """Folding on from a state equals folding from the start."""
        cut = data.draw(st.integers(0, len(events)))

        assert fold(events) == fold(events[cut:], fold(events[:cut]))

    @given(events=st.lists(run_events, max_size=12))
    def test_a_state_that_was_handed_out_stays_as_it_is(self, events):
        """Evolving gives a new state; phases share their parts, not their changes."""
        states, phases = [RunState()], [{}]
        for event in events:
            states.append(evolve(states[-1], event))
            phases.append(dict(states[-1].phases))

        assert phases == [dict(state.phases) for state in states]
        assert all(state.next_index > p.index for state in states for p in state.phases.values())
