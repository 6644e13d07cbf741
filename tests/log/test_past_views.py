"""What is kept of a log's past makes it quick, and changes nothing in what it says."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.log.counting_board import CountingBoard, Queued
from tests.logs.record import FOLDER

import autopack
from autopack import hookimpl
from autopack.log import past_views, views
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, journal_of
from autopack.log.past_views import PastViews, past_views_of
from autopack.log.views.kept_views import CORE_VIEWS
from autopack.log.views.projection_fold import answer
from autopack.plugins.discovery import load_plugins
from autopack.ports.backend import Checkpoint
from autopack.ports.log import ANY, UnrecognisedEvent
from autopack.ports.projection import projection
from autopack.testing.facts import append_all, created, queued
from autopack.testing.generators import any_order
from autopack.testing.histories import histories

REGISTRY = load_plugins()
VERSIONS = {one.name: one.version for one in CORE_VIEWS}


def kept_every(log, n, path=None):
    """Keep a state of a log's views at every so many events, from the first."""
    kept = PastViews(path, versions=VERSIONS, every=n, least=0)
    journal_of(log).past_views = kept
    return kept


def told(found):
    """Return what a view says."""
    rows = {key: views.to_json(row) for key, row in found.rows.items()}
    return found.position, dict(sorted(rows.items())), views.to_json(found.total)


def as_replayed(log, position):
    """Return what the views say when they are folded from the first event."""
    return [told(views.replay(journal_of(log), view, until=position)) for view in CORE_VIEWS]


def as_kept(log, position):
    """Return what the public functions say."""
    found = [autopack.replay(log, view, until=position) for view in CORE_VIEWS]
    past = log.as_of(position)
    assert [told(view) for view in found] == [told(autopack.view(past, v)) for v in CORE_VIEWS]
    return [told(view) for view in found]


class TestSame:
    """From any kept state on, the same comes out as from the first event."""

    @settings(max_examples=10)
    @given(
        events=any_order | histories(),
        every=st.integers(1, 7),
        data=st.data(),
        is_ahead=st.booleans(),
    )
    def test_a_view_is_what_a_whole_replay_says_at_every_position(
        self, events, every, data, is_ahead
    ):
        """In whatever order positions are asked for, whatever was persisted meanwhile."""
        log = Log(MemoryBackend(), registry=REGISTRY, clock=lambda: 1000.0)
        append_all(log, events)
        kept_every(log, every)
        if is_ahead:
            log.keep_past()
        refreshed = data.draw(st.integers(0, len(events)))
        for position in data.draw(st.permutations(range(len(events) + 1))):
            if position == refreshed:
                log.refresh_views()

            assert as_replayed(log, position) == as_kept(log, position)

    def test_it_is_so_of_a_recorded_log(self, tmp_path):
        """At every position, one view after the other; one side is folded event by event."""
        path = FOLDER / "0.1.0.ndjson.gz"
        with autopack.restore_log(path, tmp_path / "log.db") as log:
            kept = kept_every(log, 16, tmp_path / "past")
            log.keep_past()
            folds = [views.Fold(view) for view in CORE_VIEWS]
            for recorded in log.read_all():
                position = recorded.position
                for fold in folds:
                    types = fold.projection.types
                    fold.apply_all([recorded] if isinstance(recorded.event, types) else [])
                fold = folds[position % len(folds)]
                found = autopack.replay(log, fold.projection, until=position)

                assert told(answer(fold, position=position)) == told(found)
            with kept.opened() as states:
                assert log.head().position // 16 * 16 == states.last_position("phases")

    def test_rows_come_in_the_order_of_a_replay(self):
        """Of their first mention, as ever."""
        log = Log(MemoryBackend(), registry=REGISTRY)
        names = ["p9", "p10", "p1", "a", "z"]
        append_all(log, [created(), *(queued(name, index=n) for n, name in enumerate(names))])
        kept_every(log, 2)

        assert [f"r1/{name}" for name in names[:4]] == list(
            autopack.replay(log, "phases", until=5).rows
        )


@pytest.fixture
def log(tmp_path):
    with autopack.create_log(tmp_path / "work.db") as log:
        append_all(log, [created(), *(queued(f"p{n}", index=n) for n in range(9))])
        yield log


class TestSpacing:
    """A state is kept where folding on to it takes about as long as reading it."""

    def test_small_totals_are_kept_at_every_so_many_events(self, log):
        """So a step in time folds fewer than that, wherever it leads."""
        kept = kept_every(log, 4)
        log.keep_past()
        board, shown = CountingBoard(), []
        kept.versions = {**kept.versions, board.name: board.version}
        for position in range(11):
            autopack.replay(log, board, until=position)
            board.shown = 0
            views.current(journal_of(log.as_of(position)), board)
            shown.append(board.shown)

        assert [0, 0, 1, 2, 0, 1, 2, 3, 0, 1, 2] == shown

    def test_larger_totals_are_further_apart(self, tmp_path):
        """By their size: a hundred thousand runs need not be told anew every 256 events."""
        at = Checkpoint(view="runs", version=1, position=0)
        with PastViews(tmp_path / "past", versions={"runs": 1}).opened() as states:
            found = [
                states.next_after(position, attrs.evolve(at, position=position, total="x" * size))
                for position, size in ((512, 10), (512, 2_000_000), (1000, 200_000_000))
            ]
            first = states.next_after(0, None)

        assert [768, 512 + 2 * 256, 768 + 157 * 256, 256] == [*found, first]


class TestOfPlugins:
    """What a plugin registered is kept as the library's own, if it comes back as it was."""

    @staticmethod
    def opened(path, *projections):
        class Plugin:
            @hookimpl
            def autopack_register_projections(self, register):
                for one in projections:
                    register(one.name, one)

        log = autopack.open_log(path, plugins=load_plugins(extra=[Plugin()]))
        others = {one.name: one.version for one in projections}
        log._journal.past_views = PastViews(
            path.with_name("past"), versions=VERSIONS, others=others, every=3, least=0
        )
        return log

    def test_its_past_goes_on_from_what_is_kept(self, log, tmp_path):
        """Ahead of who asks, or from whoever asked before; by another process too."""
        board = CountingBoard()
        with self.opened(tmp_path / "work.db", board) as other:
            other.keep_past()
        board.shown = 0
        with self.opened(tmp_path / "work.db", board) as other:
            found = autopack.replay(other, "counting", until=8)

        assert 2 == board.shown
        assert views.replay(journal_of(log), board, until=8).rows == found.rows

    def test_one_that_came_later_is_kept_from_the_first_event_on(self, log, tmp_path):
        """Each event is folded once for it, however often the past is kept ahead."""
        board, shown = CountingBoard(), []
        with self.opened(tmp_path / "work.db") as other:
            other.keep_past()
        for _ in range(2):
            with self.opened(tmp_path / "work.db", board) as other:
                board.shown = 0
                other.keep_past()
                shown.append(board.shown)

        assert [8, 0] == shown

    def test_of_another_version_nothing_is_used(self, log, tmp_path):
        """Its definition changed; each version has its own states, whoever comes first."""
        old, new = CountingBoard(), CountingBoard()
        new.version = 2
        for board in (old, new, old):
            board.shown = 0
            with self.opened(tmp_path / "work.db", board) as other:
                autopack.replay(other, "counting", until=8)
            shown = board.shown

            assert (2 if board is old and new.shown else 7) == shown

    def test_one_that_nobody_registered_is_folded_from_the_first_event(self, log, tmp_path):
        """Also where it has the name and the version of one that is."""
        kept = CountingBoard()

        class Another(CountingBoard):
            def project(self, row, recorded):
                super().project(row, recorded)
                return Queued(100)

        with self.opened(tmp_path / "work.db", kept) as other:
            other.keep_past()
            another = Another()
            found = autopack.replay(other, another, until=8)

        assert (7, {Queued(100)}) == (another.shown, set(found.rows.values()))

    def test_a_value_that_json_would_change_is_folded_anew(self, log, tmp_path):
        """It is told as it is, and what can be kept beside it is."""
        shown = []

        @projection(initial={})
        def by_position(view, recorded):
            shown.append(recorded.position)
            return {**view, recorded.position: recorded.type}

        @projection(initial=0)
        def events(view, _recorded):
            return view + 1

        with self.opened(tmp_path / "work.db", by_position, events) as other:
            other.keep_past()
            tried = len(shown)
            found = [autopack.replay(other, one, until=8).value for one in (by_position, events)]
            with journal_of(other).past_views.opened() as states:
                last = [states.last_position(name) for name in ("by_position", "events")]

        assert [{1: "run.created", **dict.fromkeys(range(2, 9), "phase.queued")}, 8] == found
        assert ([0, 9], 3) == (last, tried)  # as far as its first state, and no further

    def test_one_of_every_type_is_kept_up_to_what_nobody_recognises(self, log, tmp_path):
        """When the plugin of that is back, it is folded."""

        @projection(initial=0)
        def events(view, _recorded):
            return view + 1

        log.append("w", [UnrecognisedEvent("weather.changed", 1, "{}")], expected_version=ANY)
        append_all(log, [queued(f"q{n}", index=20 + n) for n in range(5)])
        with self.opened(tmp_path / "work.db", events) as other:
            other.keep_past()
            found = autopack.replay(other, events, until=15).value
            with journal_of(other).past_views.opened() as states:
                last = states.last_position("events"), states.last_position("phases")

        assert (14, (9, 15)) == (found, last)

    def test_one_that_fails_is_named_to_who_asks_and_hinders_nobody(self, log, tmp_path):
        """The library's own are kept meanwhile."""

        @projection(initial=0)
        def broken(_view, _recorded):
            raise ZeroDivisionError("of the plugin")

        with self.opened(tmp_path / "work.db", broken) as other:
            other.keep_past()
            with pytest.raises(ZeroDivisionError, match="of the plugin"):
                autopack.replay(other, broken, until=8)
            with journal_of(other).past_views.opened() as states:
                assert 9 == states.last_position("phases")


class TestFile:
    """They lie in a file of the user's own that may go at any time."""

    def test_a_short_log_has_none(self, log, tmp_path, monkeypatch):
        """It is folded as fast."""
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        autopack.replay(log, "phases", until=5)
        log.keep_past()

        assert not (tmp_path / "cache").exists()

    def test_it_is_the_users_alone(self, tmp_path, monkeypatch):
        """What a log says is in it."""
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        kept = past_views_of("log", VERSIONS)
        with kept.opened():
            modes = [path.stat().st_mode & 0o777 for path in (kept.path.parent, kept.path)]

        assert [0o700, 0o600] == modes
        assert tmp_path / "cache" / "autopack" == kept.path.parent

    def test_a_folder_that_cannot_be_is_done_without(self, tmp_path, monkeypatch):
        """They go with the process then."""
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        kept = past_views_of("log", VERSIONS)
        with kept.opened() as states:
            assert states is not None
        folder = kept.path.parent
        del kept, states

        assert not folder.exists()

    @pytest.mark.parametrize(
        "content", [b"", b"not a database, by far", b"SQLite format 3\x00" * 9]
    )
    def test_a_damaged_one_is_made_anew(self, log, tmp_path, content):
        """It says nothing that the log does not."""
        path = tmp_path / "past"
        path.write_bytes(content)
        kept_every(log, 2, path)
        for _ in range(2):
            assert as_replayed(log, 7) == as_kept(log, 7)
        with closing(sqlite3.connect(path)) as file:
            assert (6,) == file.execute("SELECT MAX(position) FROM states").fetchone()

    def test_one_of_another_past_is_thrown_away(self, log, tmp_path):
        """A copy of an earlier day was put in the log's place, and other things happened since."""
        path = tmp_path / "past"
        kept_every(log, 2, path)
        as_kept(log, 8)
        with closing(sqlite3.connect(path)) as file:
            file.execute("UPDATE states SET hash = x'00'")
            file.execute("UPDATE rows SET data = x'00'")
            file.commit()

        assert as_replayed(log, 8) == as_kept(log, 8) == as_kept(log, 8)

    def test_those_that_nobody_uses_go(self, tmp_path, monkeypatch):
        """When another is made, after a month."""
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        (tmp_path / "autopack").mkdir()
        old, young = (tmp_path / "autopack" / name for name in ("old.db", "young.db"))
        for path, days in ((old, 31), (young, 1)):
            path.write_text("")
            os.utime(path, (time.time() - days * 86400,) * 2)
        with past_views_of("log", VERSIONS).opened():
            found = [old.exists(), young.exists()]

        assert [False, True] == found

    def test_nothing_of_it_is_written_into_the_log(self, log, tmp_path):
        """Its file stays as it is, byte for byte."""
        kept_every(log, 2, tmp_path / "past")
        before = Path(tmp_path / "work.db").read_bytes()
        log.keep_past()

        assert before == Path(tmp_path / "work.db").read_bytes()
        assert Path(tmp_path / "past").stat().st_size

    def test_keeping_ends_when_it_is_asked_to(self, log, tmp_path):
        """A page that is closed does not wait for it."""
        kept = kept_every(log, 2, tmp_path / "past")
        turns = iter([False, False, True])
        log.keep_past(until=lambda: next(turns))
        with kept.opened() as states:
            found = [states.last_position(view.name) for view in CORE_VIEWS]

        assert [2, 2, 0, 0] == found

    def test_who_asks_several_things_of_a_moment_opens_it_once(self, log, tmp_path, monkeypatch):
        """Within a snapshot of the past, as a page and ``status`` take one."""
        kept = kept_every(log, 2, tmp_path / "past")
        opened, connected = [], kept._connected

        def counted():
            opened.append(1)
            return connected()

        monkeypatch.setattr(kept, "_connected", counted)
        past = log.as_of(7)
        with journal_of(past).backend.snapshot():
            found = [told(autopack.view(past, view)) for view in CORE_VIEWS]
            autopack.status(past)

        assert (as_replayed(log, 7), 1) == (found, len(opened))

    def test_where_there_is_no_room_for_more_what_is_kept_is_read(self, log, tmp_path, monkeypatch):
        """The rest is folded: what is kept is not needed."""
        kept = kept_every(log, 2, tmp_path / "past")
        log.keep_past(until=iter([False] * 4 + [True]).__next__)
        pages = "PRAGMA page_count"
        with closing(sqlite3.connect(kept.path)) as file:
            (size,) = file.execute(pages).fetchone()
        full = f"{past_views._TABLES} PRAGMA max_page_count = {size};"
        monkeypatch.setattr(past_views, "_TABLES", full)
        append_all(log, [queued(f"q{n}", index=20 + n, goal="g" * 5_000) for n in range(20)])
        past = log.as_of(30)
        with journal_of(past).backend.snapshot():
            found = [told(autopack.view(past, view)) for view in CORE_VIEWS]
            again = [told(autopack.view(past, view)) for view in CORE_VIEWS]
        with kept.opened() as states:
            last = states.last_position("phases")

        assert as_replayed(log, 30) == found == again
        assert 2 <= last < 30
