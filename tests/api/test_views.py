"""What a log says: replay to any moment, history, differences."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autopack
import autopack as api
from autopack import PhaseRef, PhaseSpec, UnrecognisedEvent, status
from autopack.errors import (
    CodecError,
    InvalidEventError,
    InvalidInputError,
    PhaseMissingError,
    RunMissingError,
    UnknownNameError,
)
from autopack.events import RunCreated, RunFinished, RunPaused
from autopack.log import views
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.log.views.kept_views import CORE_VIEWS
from autopack.plugins.discovery import load_plugins
from autopack.ports.log import ANY, NewEvent
from autopack.testing.facts import append_all, claimed, completed, created, paused, queued, started
from autopack.testing.generators import any_order

REGISTRY = load_plugins()
NAMES = ("phases", "runs", "attempts", "coefficients")
STORY = (created(), queued("a"), queued("b", index=1), claimed(), started(), completed())


@pytest.fixture
def log(log):
    """A log on every backend, with one phase done and one waiting."""
    append_all(log, STORY)
    return log


class TestReplay:
    """Any projection, to any position or moment."""

    @given(events=any_order, data=st.data())
    @pytest.mark.parametrize("name", NAMES)
    def test_a_replay_until_a_position_is_what_that_prefix_says(self, name, events, data):
        """A log of the first events alone would answer the same, and so does a second replay."""
        whole = Log(MemoryBackend(), registry=REGISTRY, clock=lambda: 1000.0)
        prefix = Log(MemoryBackend(), registry=REGISTRY, clock=lambda: 1000.0)
        until = data.draw(st.integers(0, len(events)))
        append_all(whole, events)
        append_all(prefix, events[:until])
        view = autopack.replay(whole, name, until=until)

        assert autopack.replay(prefix, name) == view
        assert autopack.replay(whole, name, until=until) == view

    def test_a_replay_tells_what_stood_then(self, log):
        """The board at a position is the board of that moment."""
        told = [
            autopack.replay(log, "phases", until=n).rows["r1/a"].status
            for n in range(2, len(STORY) + 1)
        ]

        assert ["QUEUED", "QUEUED", "CLAIMED", "RUNNING", "COMPLETE"] == told
        assert {} == autopack.replay(log, "phases", until=0).rows

    def test_a_moment_is_told_by_either_clock(self, backend):
        """What was known by noon, and what had happened by noon, are two questions."""
        hours = iter([10, 11, 13])
        log = Log(backend, clock=lambda: datetime(2026, 1, 1, next(hours), tzinfo=UTC).timestamp())
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        late = NewEvent(event=queued("late"), occurred_at=datetime(2026, 1, 1, 9, tzinfo=UTC))
        early = NewEvent(event=queued("early"), occurred_at=datetime(2026, 1, 1, 14, tzinfo=UTC))
        for new in (created(), early, late):
            log.append("run-r1", [new], expected_version=ANY)
        known = autopack.replay(log, "phases", until=noon)
        true = autopack.replay(log, "phases", until=noon, clock="occurred")

        assert (["r1/early"], 2, False) == (
            list(known.rows),
            known.position,
            known.is_reconstruction,
        )
        assert (["r1/late"], True) == (list(true.rows), true.is_reconstruction)

    def test_an_object_does_as_well_as_a_name(self, log):
        """Wherever a name is accepted, an object is too."""

        @autopack.projection(initial=0)
        def events(n, _recorded):
            return n + 1

        assert len(STORY) == autopack.replay(log, events).value

    def test_an_unknown_name_lists_the_known_ones(self, log):
        """With the one that was probably meant."""
        with pytest.raises(UnknownNameError, match=r"Did you mean 'phases'.*phases, runs"):
            autopack.replay(log, "phasse")

    def test_what_is_no_projection_says_what_it_lacks(self, log):
        """An object that cannot be folded is refused before anything is read."""
        with pytest.raises(InvalidInputError, match="lacks"):
            autopack.replay(log, object())


class TestStreams:
    """One stream's events, all of them or those of some classes."""

    def test_a_streams_events_are_told_by_class(self, log):
        """In order, wherever they stand; what is not asked for is not decoded."""
        stream = "run-r1"
        bad = UnrecognisedEvent("run.resumed", 1, '{"colour":"red"}')
        log.append(stream, [paused(), bad, paused("tea")], expected_version=ANY)

        assert ["lunch", "tea"] == [r.event.why for r in log.read(stream, types=[RunPaused])]
        assert [1] == [r.version for r in log.read(stream, types=[RunCreated, RunFinished])]
        assert [] == list(log.read(stream, types=[]))
        with pytest.raises(CodecError):
            list(log.read(stream))

    def test_only_registered_classes_can_be_asked_for(self, log):
        """What is none is named, with what would make it one."""
        for wanted in (int, "run.created"):
            with pytest.raises(InvalidEventError, match="autopack_register_events"):
                list(log.read("run-r1", types=[wanted]))


class TestHistory:
    """A run's events in order, or one phase's."""

    def test_a_runs_history_has_its_phases_events(self, log):
        """All of the run's, none of another's, in order."""
        append_all(log, [created("r2"), paused(run_id="r1"), queued("a", "r2")])

        assert [1, 2, 3, 4, 5, 6, 8] == [r.position for r in autopack.history(log, "r1")]

    def test_a_phases_history_begins_with_its_request(self, log):
        """What was asked for, then what happened."""
        told = autopack.history(log, "r1", "a")

        assert ["phase.queued", "phase.claimed", "phase.started", "phase.completed"] == [
            r.type for r in told
        ]
        assert ["phase.queued"] == [r.type for r in autopack.history(log, "r1", "b")]

    def test_a_bad_event_of_another_run_does_not_stop_it(self, log):
        """Only the events of the run that is asked for are decoded."""
        log.append("run-r2", [created("r2")], expected_version=0)
        bad = UnrecognisedEvent("run.paused", 1, '{"colour":"red"}')
        log.append("run-r2", [bad], expected_version=1)

        assert [1, 2, 3, 4, 5, 6] == [r.position for r in autopack.history(log, "r1")]

    def test_a_run_that_is_not_there_has_no_drains_either(self, log):
        """What a drain says of itself belongs to no run."""
        autopack.drain(log, executor=lambda phase, attempt: None, run_id="r1")

        with pytest.raises(RunMissingError, match=r"r9.*Runs here: r1"):
            autopack.history(log, "r9")

    def test_what_is_not_there_is_named(self, log):
        """Runs and phases that are there are listed."""
        with pytest.raises(RunMissingError, match=r"r9.*r1"):
            autopack.history(log, "r9")
        with pytest.raises(PhaseMissingError, match=r"r1/z.*a, b"):
            autopack.history(log, "r1", "z")


class TestDiff:
    """What changed between two moments, by key."""

    def test_a_diff_names_what_changed(self, log):
        """Each changed row, as it was and as it is; rows that stayed are left out."""
        (change,) = autopack.diff(log, "phases", at=3, to=6)

        assert ("r1/a", "QUEUED", "COMPLETE") == (
            change.key,
            change.before.status,
            change.after.status,
        )

    def test_what_came_has_no_before_and_what_went_no_after(self, log):
        """A diff can be asked for in both directions."""
        come = {c.key: c.before for c in autopack.diff(log, "phases", at=0)}
        gone = {c.key: c.after for c in autopack.diff(log, "phases", at=6, to=0)}

        assert {"r1/a": None, "r1/b": None} == come == gone

    @pytest.mark.parametrize("given", [{"at": 99}, {"at": 1, "to": 99}])
    def test_a_diff_past_the_head_is_refused(self, log, given):
        """What the log does not have is not answered as if it were its end."""
        head = log.head().position
        with pytest.raises(InvalidInputError, match=f"99 is past the log's head, {head}"):
            autopack.diff(log, "phases", **given)

    def test_nothing_changed_is_an_empty_diff(self, log):
        """The same moment twice differs in nothing."""
        assert [] == autopack.diff(log, "phases", at=4, to=4)
        assert [] == autopack.diff(log, "phases", at=0, to=0)

    def test_a_whole_view_differs_as_a_whole(self, log):
        """A view without keys is one change, or none."""

        @autopack.projection(initial=0)
        def events(n, _recorded):
            return n + 1

        (change,) = autopack.diff(log, events, at=1, to=3)

        assert ("", 1, 3) == (change.key, change.before, change.after)

    @given(events=any_order, data=st.data())
    def test_a_diff_leads_from_one_view_to_the_other(self, events, data):
        """The rows at one moment with the changes applied are those of the other."""
        log = Log(MemoryBackend(), registry=REGISTRY)
        append_all(log, events)
        at, to = (data.draw(st.integers(0, len(events))) for _ in "ab")
        rows = dict(autopack.replay(log, "runs", until=at).rows)
        for change in autopack.diff(log, "runs", at=at, to=to):
            assert rows.get(change.key) == change.before
            rows[change.key] = change.after

        assert autopack.replay(log, "runs", until=to).rows == {
            key: row for key, row in rows.items() if row is not None
        }


class TestBoards:
    """Runs and phases as they stand."""

    def test_a_runs_phases_come_in_their_order(self, log):
        """By index, whatever was queued when."""
        autopack.queue_phases(log, "r1", [PhaseSpec("0", category="docs", complexity="low")])

        assert ["a", "b", "0"] == [row.phase_id for row in api.list_phases(log, "r1")]
        assert "COMPLETE" == api.get_phase(log, PhaseRef("r1", "a")).status

    def test_boards_count_what_stands(self, log):
        """Counts by run and state, without loading a row."""
        by_run = api.view(log, "phases", with_rows=False).total.by_run
        counts = {run: dict(states) for run, states in by_run.items()}

        assert {"r1": {"COMPLETE": 1, "QUEUED": 1}} == counts
        assert ["r1"] == list(api.view(log, "runs").rows)
        assert {"r1/a", "r1/b"} == set(api.view(log, "phases").rows)

    def test_any_projection_can_be_viewed_as_it_stands(self, log):
        """By name or as an object, of the library or one's own, saved or not."""

        @autopack.projection(initial=0)
        def events(count, recorded):
            return count + 1

        before = (api.view(log, events).value, api.view(log, "phases"))
        log.refresh_views()
        append_all(log, [paused()])

        assert (6, 7) == (before[0], api.view(log, events).value)
        assert before[1].rows == api.view(log, "phases").rows
        assert api.replay(log, "runs").rows == api.view(log, "runs").rows
        with pytest.raises(UnknownNameError, match="phases"):
            api.view(log, "phase")

    def test_what_is_not_there_is_named(self, log):
        """A missing run or phase is an error, not an empty answer."""
        with pytest.raises(RunMissingError, match="r9"):
            api.list_phases(log, "r9")
        with pytest.raises(PhaseMissingError, match="r1/z"):
            api.get_phase(log, PhaseRef("r1", "z"))


def test_status_asks_only_for_views_that_are_kept(log, monkeypatch):
    """A view that nobody persists would be folded from the first event whenever it is asked for."""
    asked, current = [], views.current

    def noted(journal, projection, **how):
        asked.append(projection.name)
        return current(journal, projection, **how)

    monkeypatch.setattr(views, "current", noted)
    status(log)

    assert asked
    assert set(asked) <= {view.name for view in CORE_VIEWS}
