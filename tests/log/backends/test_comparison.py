"""A log, reopened, copied and refreshed in any order, holds what a plain list would."""

from collections import Counter
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from autopack import create_log, open_log, restore_log
from autopack.errors import EventIdConflictError, VersionConflictError
from autopack.events import PhaseQueued, RunPaused
from autopack.format.codec import plain
from autopack.log import views
from autopack.log.log import journal_of
from autopack.ports.log import ANY, NewEvent
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS
from autopack.testing.facts import paused, queued
from autopack.values.ids import derived_id

STREAMS = st.sampled_from(["run-a", "run-b", "else"])
SMALL = st.integers(0, 4)


class LogComparison(RuleBasedStateMachine):
    """The model is a list of (stream, version, event id or None, event) in order of position."""

    target = "sqlite"

    def __init__(self):
        super().__init__()
        self.folder = TemporaryDirectory()
        self.numbers = count()
        self.model = []
        self.handed_out = {}
        self.log = None

    @initialize()
    def make(self):
        self.log = create_log(self._path() if self.target == "sqlite" else "memory:")
        self.path = self.log.target

    def _path(self):
        return Path(self.folder.name, f"log-{next(self.numbers)}.db")

    def _events(self, n):
        return [
            paused(str(next(self.numbers))) if n % 2 else queued(f"p{next(self.numbers)}")
            for _ in range(n)
        ]

    def _version(self, stream):
        return sum(1 for one in self.model if one[0] == stream)

    def _store(self, stream, events, ids=None):
        for place, event in enumerate(events):
            version = self._version(stream) + 1
            self.model.append((stream, version, ids[place] if ids else None, event))

    @rule(stream=STREAMS, n=SMALL, off_by=st.sampled_from([None, 0, 0, -1, 1]))
    def append(self, stream, n, off_by):
        """A right or unchecked version appends; a wrong one appends nothing."""
        events = self._events(n)
        expected = ANY if off_by is None else self._version(stream) + off_by
        if off_by:
            with pytest.raises(VersionConflictError):
                self.log.append(stream, events, expected_version=expected)
        else:
            self.log.append(stream, events, expected_version=expected)
            self._store(stream, events)

    @rule(n=SMALL, holds=st.booleans())
    def append_batch(self, n, holds):
        """A batch over two streams is all or nothing, and so is what it only asserts."""
        first, second = self._events(n), self._events(n + 1)
        entries = [
            ("run-a", first, self._version("run-a")),
            ("run-b", second, ANY),
            ("else", [], self._version("else") + (not holds)),
        ]
        if holds:
            self.log.append_batch(entries)
            self._store("run-a", first)
            self._store("run-b", second)
        else:
            with pytest.raises(VersionConflictError):
                self.log.append_batch(entries)

    @rule(key=SMALL, text=st.sampled_from(["one", "other"]), stream=STREAMS)
    def append_with_an_id(self, key, text, stream):
        """A known id with equal content changes nothing; with other content it is refused."""
        event_id, event = derived_id("test", str(key), "fact"), paused(text)
        known = [(s, e) for s, _version, i, e in self.model if i == event_id]
        new = NewEvent(event=event, event_id=event_id)
        if known and known != [(stream, event)]:
            with pytest.raises(EventIdConflictError):
                self.log.append(stream, [new], expected_version=ANY)
            return
        (recorded,) = self.log.append(stream, [new], expected_version=ANY)
        if not known:
            self._store(stream, [event], [event_id])
        place = [i for _s, _v, i, _e in self.model].index(event_id)
        assert place + 1 == recorded.position

    @rule(after=SMALL, more=SMALL, limit=st.none() | SMALL, kind=st.sampled_from([None, 0, 1]))
    def read_a_range(self, after, more, limit, kind):
        """Ranges, limits and types choose what they say."""
        types = None if kind is None else [(RunPaused, PhaseQueued)[kind]]
        until = after + more
        wanted = [
            (position, event)
            for position, (_s, _v, _i, event) in enumerate(self.model, 1)
            if after < position <= until and (types is None or isinstance(event, types[0]))
        ][:limit]
        found = self.log.read_all(after=after, until=until, limit=limit, types=types)
        assert wanted == [(recorded.position, recorded.event) for recorded in found]

    @rule(after=SMALL)
    def follow(self, after):
        """Following from a place gives the rest."""
        found = [recorded.event for recorded in self.log.follow(after=after, until=lambda: True)]
        assert [one[3] for one in self.model[after:]] == found

    @rule(name=st.sampled_from(["x", "y"]), batch=st.integers(1, 3), stumbles=st.booleans())
    def subscribe(self, name, batch, stumbles):
        """A subscription gets what came since, and after a stumble goes on where it was."""
        start = self.handed_out.get(name, 0)
        left = self.model[start:]
        seen = []

        def handle(recorded):
            if stumbles and len(seen) == 1:
                raise KeyError("stumble")
            seen.append(recorded.event)

        if stumbles and len(left) > 1:
            with pytest.raises(KeyError):
                self.log.subscribe(name, handle, batch=batch)
            left = left[:1]
        else:
            self.log.subscribe(name, handle, batch=batch)
        assert [one[3] for one in left] == seen
        self.handed_out[name] = start + len(seen)

    @rule(rebuild=st.booleans())
    def refresh_views(self, rebuild):
        """Persisted views are what a rebuild gives."""
        self.log.refresh_views(rebuild=rebuild)
        assert self.log.verify(views=True).is_clean

    @precondition(lambda self: self.target == "sqlite")
    @rule()
    def reopen(self):
        """A log that is closed and opened is the same."""
        self.log.close()
        self.log = open_log(self.path)

    @precondition(lambda self: self.target == "sqlite")
    @rule(way=st.sampled_from(["backup", "restore"]))
    def go_on_with_a_copy(self, way):
        """A copy holds all of it, and the comparison goes on with the copy."""
        path, log_id = self._path(), self.log.head().log_id
        if way == "backup":
            self.log.backup(str(path))
            copy = open_log(path)
        else:
            copy = restore_log(self.path, path)
        assert (way == "backup") == (log_id == copy.head().log_id)
        self.log.close()
        self.log, self.path = copy, str(path)

    @invariant()
    def log_agrees(self):
        """Positions, versions, events and ids are those of the model, and the chain is clean."""
        if self.log is None:
            return
        found = list(self.log.read_all())
        assert list(range(1, len(self.model) + 1)) == [one.position for one in found]
        assert [(s, v, e) for s, v, _i, e in self.model] == [
            (one.stream, one.version, one.event) for one in found
        ]
        assert self.log.verify().is_clean
        for stream, n in Counter(one[0] for one in self.model).items():
            assert list(range(1, n + 1)) == [one.version for one in self.log.read(stream)]

    @invariant()
    def views_agree(self):
        """A view of the checkpoint and the tail is a replay from the first event."""
        if self.log is None:
            return
        for projection in (PHASES, RUNS):
            current, replayed = (
                view(journal_of(self.log), projection) for view in (views.current, views.replay)
            )
            assert replayed.rows == current.rows
            assert plain(replayed.total) == plain(current.total)
            assert replayed.position == current.position

    def teardown(self):
        if self.log is not None:
            self.log.close()
        self.folder.cleanup()


class MemoryComparison(LogComparison):
    """The same in memory."""

    target = "memory"


@pytest.mark.slow
@pytest.mark.parametrize("machine", [LogComparison, MemoryComparison])
def test_a_log_is_what_a_list_would_be(machine):
    """Every backend agrees with the model after every step."""
    bounds = settings(max_examples=8, stateful_step_count=12)
    long = settings.get_profile("long")
    is_long = settings().max_examples >= long.max_examples
    run_state_machine_as_test(machine, settings=long if is_long else bounds)
