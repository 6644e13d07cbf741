"""A log as of an earlier moment: all that reads it answers as it would have then."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autopack
from autopack import PhaseSpec
from autopack.errors import InvalidInputError, RunMissingError
from autopack.log import views
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, journal_of
from autopack.plugins.discovery import load_plugins
from autopack.ports.log import ANY
from autopack.testing.clock import VirtualClock
from autopack.testing.facts import append_all, created, queued, usage
from autopack.testing.generators import any_order

REGISTRY = load_plugins()
VIEWS = ("phases", "runs", "attempts", "usage", "accounts", "coefficients")
START = datetime(2026, 3, 3, 9, tzinfo=UTC)


def in_memory():
    return Log(MemoryBackend(), registry=REGISTRY, clock=lambda: 1000.0)


def read(log):
    """Return what several readers say of a log."""
    found = [autopack.view(log, name) for name in VIEWS]
    rows = [{key: views.to_json(row) for key, row in sorted(v.rows.items())} for v in found]
    streams = sorted({one.stream for one in log.read_all()})
    return (
        rows,
        [views.to_json(v.total) for v in found],
        {**log.info(), "log_id": None, "created_at": None, "target": None, "head_hash": None},
        streams,
        [[one.version for one in log.read(stream)] for stream in streams],
    )


class TestEvents:
    """What came later is not there."""

    @given(events=any_order, data=st.data(), is_refreshed=st.booleans())
    def test_it_is_the_log_of_the_events_until_then(self, events, data, is_refreshed):
        """Every view, every count and every stream is that of a log of these alone."""
        until = data.draw(st.integers(0, len(events)))
        whole, prefix = in_memory(), in_memory()
        append_all(whole, events[:until])
        if is_refreshed:
            whole.refresh_views()
        append_all(whole, events[until:])
        if data.draw(st.booleans()):
            whole.refresh_views()
        append_all(prefix, events[:until])
        past = whole.as_of(until)

        assert read(prefix) == read(past) == read(past)

    @given(events=any_order, data=st.data())
    def test_streams_have_the_versions_that_they_had(self, events, data):
        """Asked of the storage, as a writer asks before it appends."""
        until = data.draw(st.integers(0, len(events)))
        whole, prefix = in_memory(), in_memory()
        append_all(whole, events)
        append_all(prefix, events[:until])
        streams = sorted({one.stream for one in whole.read_all()})
        versions = journal_of(prefix).backend.stream_versions(streams)

        assert versions == journal_of(whole.as_of(until)).backend.stream_versions(streams)

    def test_ids_that_came_later_are_not_found(self, any_log):
        """An event is looked up among those that were there."""
        one, two = append_all(any_log, [created(), queued()])
        backend = journal_of(any_log.as_of(1)).backend

        assert [one.event_id] == list(backend.find([one.event_id, two.event_id]))

    def test_it_is_verified_as_far_as_it_goes(self, any_log):
        """Its head is an anchor for the log that went on."""
        append_all(any_log, [created(), queued("a"), queued("b")])
        past = any_log.as_of(2)
        found = past.verify()

        assert (True, 2) == (found.is_clean, found.head)
        assert any_log.verify((found.head, found.head_hash)).is_clean


class TestMoments:
    """Its clock stands still at the moment that was asked for."""

    @pytest.fixture
    def log(self):
        clock = VirtualClock(START)
        with autopack.create_log("memory:", clock=clock) as log:
            autopack.create_run(log, "r", [PhaseSpec("a")])
            clock.now = START + timedelta(days=2)
            autopack.drain(log, executor=lambda phase, attempt: None)
            clock.now = START + timedelta(days=4)
            yield log

    def test_a_moment_is_what_was_known_by_then(self, log):
        """Status says that moment, not now."""
        then = START + timedelta(days=1)
        found = autopack.status(log.as_of(then))

        assert (then, {"QUEUED": 1}, True) == (found.at, found.phases_by_state, found.is_past)
        assert {"COMPLETE": 1} == autopack.status(log).phases_by_state

    def test_a_position_is_the_moment_of_its_event(self, log):
        """Whatever the time is now."""
        at = autopack.status(log.as_of(1)).at

        assert START == at

    def test_a_moment_that_has_not_come_is_now(self, log):
        """Nothing is told of the future."""
        found = autopack.status(log.as_of(START + timedelta(days=9)))

        assert (START + timedelta(days=4), {"COMPLETE": 1}) == (found.at, found.phases_by_state)

    def test_nobody_is_called_dead(self, log):
        """Who was at work then is not kept, so no lease is said to have ended."""
        [at] = [r.position for r in log.read_all() if r.type == "phase.started"]
        found = autopack.status(log.as_of(at))

        assert [("r/a", False)] == [(one.phase, one.is_expired) for one in found.live]

    def test_before_the_first_event_there_is_nothing(self, log):
        """Position 0 is the empty log; no run is there to be shown."""
        past = log.as_of(0)

        assert (0, {}) == (past.head().position, autopack.status(past).phases_by_state)
        with pytest.raises(RunMissingError):
            autopack.list_phases(past, "r")


class TestRefusals:
    """What cannot be as of then is refused by name."""

    @pytest.mark.parametrize("until", [-1, 3, datetime(2026, 1, 1), "yesterday"])
    def test_a_place_that_is_none_is_refused(self, any_log, until):
        """Past the head, below 0, without a zone, no place at all."""
        append_all(any_log, [created(), queued()])

        with pytest.raises(InvalidInputError):
            any_log.as_of(until)

    @pytest.mark.parametrize(
        "write",
        [
            lambda log: log.append("run-r1", [queued("b")], expected_version=ANY),
            lambda log: autopack.skip(log, "r1/a", why="no"),
            lambda log: log.artifacts.put("a text"),
            lambda log: log.refresh_views(),
            lambda log: log.backup("copy.db"),
        ],
    )
    def test_nothing_is_added_to_the_past(self, any_log, write):
        """It says which position it is, and to use the log itself."""
        append_all(any_log, [created(), queued(), usage("c1")])

        with pytest.raises(InvalidInputError, match=r"as of position 2, .* use the log itself"):
            write(any_log.as_of(2))
        assert 3 == any_log.head().position

    def test_closing_it_leaves_the_log_open(self, any_log):
        """It belongs to the log that it is the past of."""
        append_all(any_log, [created()])
        with any_log.as_of(1):
            pass
        append_all(any_log, [queued()])

        assert 2 == any_log.head().position


def test_texts_are_read_as_ever(any_log):
    """They never change."""
    digest = any_log.artifacts.put("a text")
    append_all(any_log, [created()])

    assert "a text" == any_log.as_of(1).artifacts.get(digest)
