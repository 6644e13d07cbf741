"""Views: a checkpoint and the tail give what folding everything gives, however it is cut."""

import contextlib
import subprocess
import sys
from datetime import UTC, datetime
from itertools import accumulate

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

import autopack
from autopack import hookimpl
from autopack.errors import InvalidInputError, StoredEventError
from autopack.events import PhaseCompleted, PhaseQueued, RunPaused, event
from autopack.log import views
from autopack.log.backends.memory import MemoryBackend
from autopack.log.journal import END
from autopack.log.log import Log, journal_of
from autopack.log.write_transaction import PAGE
from autopack.plugins.discovery import load_plugins
from autopack.ports.backend import Checkpoint
from autopack.ports.log import ANY, NewEvent, UnrecognisedEvent
from autopack.ports.projection import projection
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS
from autopack.testing.facts import append_all, completed, created, failed, paused, queued, usage
from autopack.testing.generators import any_order

REGISTRY = load_plugins()
KEYED = (PHASES, ATTEMPTS)
"""Two of the library's; all keep the contract in tests/projections."""


@projection(initial={"n": 0})
def reasons(view, recorded):
    """Count the pauses, and keep the last reason."""
    if isinstance(recorded.event, RunPaused):
        return {"n": view["n"] + 1, "last": recorded.event.why}
    return view


@projection(initial=0, types=(PhaseQueued,), envelope=False)
def queued_phases(view, _event):
    """Count queued phases from the bare events."""
    return view + 1


ALL = (*KEYED, reasons, queued_phases)


def memory(events=()):
    """Return a log in memory that holds events."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    append_all(log, events)
    return log


def by_hand(log, chosen, until=END):
    """Fold events one by one, without pages, checkpoints or types."""
    fold = views.Fold(chosen)
    wanted = None if chosen.types is None else set(chosen.types)
    for recorded in log.read_all(until=until):
        is_wanted = wanted is None or type(recorded.event) in wanted
        if is_wanted and not isinstance(recorded.event, UnrecognisedEvent):
            fold.apply_all([recorded])
    return fold


def told(view):
    """Return a view's answer in a form that can be compared and printed."""
    if isinstance(view, views.Fold):
        keyed = view.is_keyed
        rows, value, total = view.rows(), None if keyed else view.total, view.total
    else:
        keyed = view.value is None
        rows, value, total = view.rows, view.value, view.total
    texts = {key: views.to_json(row) for key, row in rows.items()}
    return texts, value, msgspec.to_builtins(total, enc_hook=dict) if keyed else None


class TestIncremental:
    """An incremental view equals a rebuilt one."""

    @given(events=any_order, size=st.integers(1, 7), data=st.data())
    @pytest.mark.parametrize("chosen", ALL, ids=lambda one: one.name)
    def test_pages_and_splits_change_no_answer(self, chosen, events, size, data):
        """Any page size, and any split of persisted and tail, give the fold of everything."""
        log, cuts = memory(), data.draw(st.sets(st.integers(0, len(events)), max_size=3))
        for number, one in enumerate(events):
            if number in cuts:
                views.refresh(journal_of(log), chosen)
            append_all(log, [one])

        expected = told(by_hand(log, chosen))

        assert expected == told(views.current(journal_of(log), chosen))
        assert expected == told(views.replay(journal_of(log), chosen, size=size))

    @given(events=any_order, data=st.data())
    @pytest.mark.parametrize("chosen", ALL, ids=lambda one: one.name)
    def test_persisted_views_can_be_thrown_away(self, chosen, events, data):
        """Deleting what was persisted gives the same answers; so does building it again."""
        cut = data.draw(st.integers(0, len(events)))
        log = memory(events[:cut])
        views.refresh(journal_of(log), chosen)
        append_all(log, events[cut:])
        kept = told(views.current(journal_of(log), chosen))
        views.refresh(journal_of(log), chosen, rebuild=True)
        rebuilt = told(views.current(journal_of(log), chosen))
        with journal_of(log).backend.transaction() as store:
            store.drop_view(chosen.name)

        assert kept == rebuilt == told(views.current(journal_of(log), chosen))

    @given(events=any_order, data=st.data())
    @pytest.mark.parametrize("chosen", KEYED, ids=lambda one: one.name)
    def test_a_live_view_follows(self, chosen, events, data):
        """Catching up in any steps gives the rows, and tells which of them changed."""
        cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=3)))
        log = memory(events[: cuts[0]] if cuts else ())
        views.refresh(journal_of(log), chosen)
        live, seen = views.LiveView(journal_of(log), chosen), {}
        for start, end in zip(cuts or [0], [*cuts[1:], len(events)], strict=True):
            append_all(log, events[start:end])
            before = {key: row for key, row in live.rows.items() if row is not None}
            changed = live.catch_up()
            assert {key: before.get(key) for key in changed} == {
                key: was for key, (was, _now) in changed.items()
            }
            seen.update(changed)
        rows = {key: row for key, row in live.rows.items() if row is not None}

        assert told(by_hand(log, chosen))[0] == {k: views.to_json(r) for k, r in rows.items()}
        assert {} == live.catch_up()
        assert set(seen) <= set(live.rows)

    def test_a_live_view_hears_an_event_once(self):
        """It passes what it has folded, and tells of all that changed since it was asked last."""
        log = memory([created(), queued(), usage()])
        first, second, third = log.read_all()
        live = views.LiveView(journal_of(log), PHASES)
        for events in ([first, second], [second], [third], [third]):
            live.hear(events)
        ((was, now),) = live.take().values()

        assert (None, 1) == (was, now.calls)
        assert {} == live.take()

    def test_one_reader_tells_everybody_all_that_is_new(self):
        """Also where it is many pages behind; each listener is told once."""
        log, told = memory([paused() for _ in range(2 * PAGE + 1)]), []
        follower = views.Follower(journal_of(log), position=1)
        hear = told.extend
        follower.add(hear)
        follower.add(hear)

        assert 2 * PAGE + 1 == follower.catch_up() == follower.position
        assert list(range(2, 2 * PAGE + 2)) == [recorded.position for recorded in told]

    @given(events=any_order)
    def test_one_row_and_the_total_need_no_other_rows(self, events):
        """A single row and the bare total are those of the whole view."""
        log = memory(events)
        views.refresh(journal_of(log), PHASES)
        append_all(log, [queued("z", "r9")])
        whole = views.current(journal_of(log), PHASES)

        assert whole.rows["r9/z"] == views.current_row(journal_of(log), PHASES, "r9/z")
        assert views.current_row(journal_of(log), PHASES, "r9/none") is None
        bare = views.current(journal_of(log), PHASES, with_rows=False)
        assert whole.total.by_state() == bare.total.by_state()


class TestReplay:
    """A projection is folded to any position or moment."""

    def test_equal_rows_have_one_text(self):
        """Whatever order a map's entries came in, or its own hashes give them."""
        log = memory([usage(str(n), attempt=1) for n in range(9)])
        texts = {str(told(views.replay(journal_of(log), ATTEMPTS))[0]) for _ in range(20)}

        assert 1 == len(texts)

    @given(events=any_order, data=st.data())
    @pytest.mark.parametrize("chosen", ALL, ids=lambda one: one.name)
    def test_a_replay_until_a_position_folds_that_prefix(self, chosen, events, data):
        """Every position gives what a log that ended there would say, twice the same."""
        log = memory(events)
        until = data.draw(st.integers(0, len(events)))
        view = views.replay(journal_of(log), chosen, until=until)

        assert told(by_hand(log, chosen, until)) == told(view)
        assert told(view) == told(views.replay(journal_of(log), chosen, until=until, size=2))
        assert until == view.position

    @given(steps=st.lists(st.integers(0, 3), min_size=1, max_size=8), data=st.data())
    def test_a_moment_cuts_the_longest_prefix_known_by_then(self, steps, data):
        """Positions recorded at or before the moment are in, later ones are out."""
        times = list(accumulate(steps, initial=1000))[1:]
        clock = iter(times)
        log = Log(MemoryBackend(), registry=REGISTRY, clock=lambda: float(next(clock)))
        append_all(log, [paused() for _ in steps])
        moment = data.draw(st.integers(998, times[-1] + 2))
        view = views.replay(journal_of(log), reasons, until=datetime.fromtimestamp(moment, UTC))

        assert sum(time <= moment for time in times) == view.position == view.value["n"]

    @given(
        years=st.lists(st.integers(2000, 2030), min_size=1, max_size=8),
        until=st.integers(2000, 2031),
    )
    def test_the_occurred_clock_asks_what_was_true(self, years, until):
        """Events are chosen by when they happened, folded in order of position, and labelled."""
        log = memory()
        for year in years:
            moment = datetime(year, 1, 1, tzinfo=UTC)
            new = NewEvent(event=paused(str(year)), occurred_at=moment)
            log.append("run-r1", [new], expected_version=ANY)
        view = views.replay(
            journal_of(log),
            reasons,
            until=datetime(until, 1, 1, tzinfo=UTC),
            clock="occurred",
            size=3,
        )
        chosen = [year for year in years if year <= until]

        assert len(chosen) == view.value["n"]
        assert (str(chosen[-1]) if chosen else None) == view.value.get("last")
        assert view.is_reconstruction

    def test_positions_need_no_clock(self):
        """The occurred clock changes nothing where a position is given."""
        view = views.replay(journal_of(memory([paused()])), reasons, until=1, clock="occurred")

        assert (1, False) == (view.value["n"], view.is_reconstruction)

    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ({"until": -1}, "-1 is below 0"),
            ({"until": 1}, "Position 1 is past the log's head, 0"),
            ({"until": 10**9, "clock": "occurred"}, "past the log's head, 0"),
            ({"until": "noon"}, "'noon' is no place in a log"),
            ({"clock": "wall"}, "recorded, occurred"),
        ],
    )
    def test_what_cannot_be_asked_is_named(self, given, named):
        """A wrong position or clock is refused with what would be right."""
        with pytest.raises(InvalidInputError, match=named):
            views.replay(journal_of(memory()), reasons, **given)

    def test_a_naive_moment_is_refused(self):
        """Without a zone a moment could be any of a day's; the error shows how to say which."""
        for clock in ("recorded", "occurred"):
            with pytest.raises(
                InvalidInputError, match=r"no time zone.*2026-01-01T00:00:00\+00:00"
            ):
                views.replay(
                    journal_of(memory([paused()])), reasons, until=datetime(2026, 1, 1), clock=clock
                )


class TestRefresh:
    """What is persisted is a cache: safe to be late, early, doubled or dropped."""

    def test_a_second_refresh_changes_nothing(self, journal):
        """A view that is up to date stays as it is."""
        append_all(journal, [created(), queued()])

        assert [2, 2] == [views.refresh(journal, RUNS), views.refresh(journal, RUNS)]

    def test_a_refresh_that_comes_late_leaves_the_better_one(self, sqlite_log, monkeypatch):
        """Of two who refresh at once, the one that read less does not overwrite."""
        append_all(sqlite_log, [created(), queued()])
        fold_pages = views.fold_pages

        def slow(*given, **named):
            fold_pages(*given, **named)
            monkeypatch.setattr(views.persisted, "fold_pages", fold_pages)
            with autopack.open_log(sqlite_log.target) as other:
                append_all(other, [queued("b")])
                views.refresh(journal_of(other), PHASES)

        monkeypatch.setattr(views.persisted, "fold_pages", slow)

        assert 3 == views.refresh(journal_of(sqlite_log), PHASES)
        assert 3 == journal_of(sqlite_log).backend.checkpoint("phases").position
        assert ["r1/a", "r1/b"] == sorted(views.current(journal_of(sqlite_log), PHASES).rows)

    def test_rows_that_were_dropped_meanwhile_are_built_again(self, sqlite_log, monkeypatch):
        """A refresh of a tail whose base is gone does not save half a view."""
        append_all(sqlite_log, [created(), queued()])
        views.refresh(journal_of(sqlite_log), PHASES)
        append_all(sqlite_log, [queued("b")])
        fold_pages = views.fold_pages

        def dropped(*given, **named):
            fold_pages(*given, **named)
            monkeypatch.setattr(views.persisted, "fold_pages", fold_pages)
            with journal_of(sqlite_log).backend.transaction() as store:
                store.drop_view("phases")

        monkeypatch.setattr(views.persisted, "fold_pages", dropped)
        views.refresh(journal_of(sqlite_log), PHASES)

        assert ["r1/a", "r1/b"] == sorted(journal_of(sqlite_log).backend.view_rows("phases"))
        assert 3 == journal_of(sqlite_log).backend.checkpoint("phases").position

    def test_a_whole_view_that_json_would_change_is_not_persisted(self, journal):
        """Rather no checkpoint than one that answers otherwise; its current answer stands."""

        @projection(initial={})
        def by_position(view, recorded):
            return {**view, recorded.position: recorded.type}

        append_all(journal, [created()])
        with pytest.raises(InvalidInputError, match=r"by_position.*view_type"):
            views.refresh(journal, by_position)

        assert {1: "run.created"} == views.current(journal, by_position).value
        assert journal.backend.checkpoint("by_position") is None

    @pytest.mark.parametrize("way", ["current", "live", "refreshed"])
    def test_a_whole_view_may_become_none(self, journal, way):
        """None is kept as what the events say, and a fold goes on from it, not from the start."""

        class Open:
            name, version, types, initial, view_type = "open", 1, None, 1, int | None

            def project(self, view, recorded):
                is_end = isinstance(recorded.event, PhaseCompleted)
                return None if is_end or view is None else view + 1

        append_all(journal, [created(), completed()])
        views.refresh(journal, Open())
        live = views.LiveView(journal, Open())
        append_all(journal, [created()])
        live.catch_up()
        if way == "refreshed":
            views.refresh(journal, Open())
        answer = live.total if way == "live" else views.current(journal, Open()).value

        assert answer is None
        assert views.replay(journal, Open()).value is None
        assert [] == views.differences(journal, Open())

    def test_a_rebuild_is_folded_beside_and_swapped_in(self, journal, monkeypatch):
        """While a rebuild folds, readers get the view as it was; then all of the new at once."""
        append_all(journal, [created(), queued()])
        views.refresh(journal, PHASES)
        with journal.backend.transaction() as store:
            place = journal.backend.checkpoint("phases")
            wrong = views.to_json(attrs.evolve(views.current_row(journal, PHASES, "r1/a"), index=9))
            store.save_view(place, {"r1/a": wrong, "r1/ghost": wrong}, replace=False)
        fold_pages, seen = views.fold_pages, []

        def watched(*given, **named):
            fold_pages(*given, **named)
            seen.append(sorted(journal.backend.view_rows("phases")))

        monkeypatch.setattr(views.persisted, "fold_pages", watched)
        views.refresh(journal, PHASES, rebuild=True)

        assert [["r1/a", "r1/ghost"]] == seen
        assert ["r1/a"] == sorted(journal.backend.view_rows("phases"))
        assert 0 == views.current(journal, PHASES).rows["r1/a"].index

    def test_rows_of_another_version_are_not_used(self, journal):
        """A projection whose answers changed is folded anew, and its rows replaced."""
        append_all(journal, [created(), queued()])
        with journal.backend.transaction() as store:
            old = Checkpoint(view="phases", version=0, position=2)
            store.save_view(old, {"r1/ghost": "{}"}, replace=False)
        before = sorted(views.current(journal, PHASES).rows)
        views.refresh(journal, PHASES)

        assert ["r1/a"] == before
        assert ["r1/a"] == sorted(journal.backend.view_rows("phases"))

    def test_the_logs_own_views_are_refreshed_together(self, log):
        """`refresh_views` persists them all up to the head."""
        append_all(log, [created(), queued()])
        names = ("runs", "phases", "attempts")
        positions = log.refresh_views()

        assert dict.fromkeys(names, 2) == {name: positions[name] for name in names}


@attrs.frozen
class Marks:
    """How many events a stream has."""

    n: int = 0


class Counted:
    """A plugin's projection, which counts how often it was asked to fold."""

    name, version, types, row_type = "counted", 1, None, Marks

    def __init__(self):
        self.n_folded = 0

    def key(self, recorded):
        return recorded.stream

    def project(self, row, recorded):
        self.n_folded += 1
        return Marks(n=(row.n if row else 0) + 1)


class InWork(Counted):
    """The phases that are not complete, by their streams: a row goes with its phase's end."""

    name = "in_work"

    def project(self, row, recorded):
        is_end = isinstance(recorded.event, PhaseCompleted)
        return None if is_end else super().project(row, recorded)


class TestPluginsViews:
    """A plugin's projections are persisted beside the library's own."""

    def log_with(self, log_path, **registered):
        class Plugin:
            @hookimpl
            def autopack_register_projections(self, register):
                for name, thing in registered.items():
                    register(name, thing)

        return autopack.open_log(log_path, plugins=load_plugins(extra=[Plugin()]))

    def test_it_is_folded_once(self, log_path):
        """After a refresh a view takes what is saved; another log without the plugin keeps it."""
        counted = Counted()
        with self.log_with(log_path, counted=counted) as log:
            append_all(log, [created(), queued()])
            positions = log.refresh_views()
            n_folded = counted.n_folded
            view = autopack.view(log, "counted")
            faults = log.verify(views=True).faults

            assert (2, 2, ()) == (positions["counted"], n_folded, faults)
            assert {"run-r1": Marks(n=2)} == view.rows
        with autopack.open_log(log_path) as log:
            assert "counted" in [saved.view for saved in journal_of(log).backend.saved_views()]
            assert "counted" not in log.refresh_views()

    def test_a_row_that_goes_is_persisted_no_more(self, journal):
        """One that was saved before is removed, and comes anew if it is made again."""
        append_all(journal, [created(), usage(), completed("b")])
        views.refresh(journal, InWork())
        before = set(journal.backend.view_rows("in_work"))
        append_all(journal, [completed()])
        views.refresh(journal, InWork())
        after = set(journal.backend.view_rows("in_work"))
        faults = views.differences(journal, InWork())
        append_all(journal, [usage("c2")])

        assert ({"run-r1", "phase-r1/a"}, {"run-r1"}, []) == (before, after, faults)
        assert {"run-r1", "phase-r1/a"} == set(views.current(journal, InWork()).rows)

    def test_a_drain_persists_it(self, log_path):
        """At its end, as the library's own."""
        with self.log_with(log_path, counted=Counted()) as log:
            autopack.create_run(log, "r", [])
            autopack.drain(log, executor="recorded", allow_empty=True)

            assert log.head().position == journal_of(log).backend.checkpoint("counted").position

    def test_one_that_fails_is_named_and_the_others_are_persisted(self, log_path):
        """One that raises, one that cannot come back, one of another name, one that is none."""

        @projection(initial=0, name="broken")
        def broken(view, recorded):
            return 1 / 0

        @projection(initial=(0,), name="unlike")
        def unlike(view, recorded):
            return (view, {1: 2})

        class Thief(Counted):
            name = "phases"

        registered = {"broken": broken, "unlike": unlike, "thief": Thief(), "none": object()}
        with self.log_with(log_path, **registered, counted=Counted()) as log:
            append_all(log, [created(), queued()])
            with capture_logs() as told:
                positions = log.refresh_views()

            assert {"runs", "phases", "attempts", "counted"} <= set(positions)
            assert not {"broken", "unlike", "thief", "none"} & set(positions)
            assert {"r1/a"} == set(autopack.view(log, "phases").rows)
        assert {"broken", "unlike", "thief", "none"} == {line["view"] for line in told}
        assert {"'Plugin' of (given)"} == {line["plugin"] for line in told}


class TestWhatCannotBeRead:
    """Unknown types are passed by; a bad event stops the view that needs it, and no other."""

    def test_unregistered_types_are_skipped(self, journal):
        """An absent plugin's event is in no view, and counts as seen."""
        append_all(journal, [created()])
        journal.append("w", [UnrecognisedEvent("weather.changed", 1, "{}")], expected_version=0)

        @projection(initial=0)
        def everything(view, _recorded):
            return view + 1

        @projection(initial=0, envelope=False)
        def bare(view, _event):
            return view + 1

        assert [1, 1] == [views.replay(journal, one).value for one in (everything, bare)]
        assert 2 == views.replay(journal, everything).position
        assert 1 == len(views.replay(journal, RUNS).rows)

    def test_a_bad_event_stops_only_who_needs_it(self, log, journal):
        """The error names event, field and position; other views, and the log, go on."""

        @event("run.paused")
        class Mangled:
            run_id: str
            why: int

        writer = Log(journal.backend, codec=_codec_with(Mangled))
        append_all(journal, [created(), queued(), usage()])
        writer.append("run-r1", [Mangled(run_id="r1", why=5)], expected_version=ANY)
        append_all(journal, [failed()])

        with pytest.raises(StoredEventError, match=r"run\.paused.*position 4.*why"):
            views.current(journal, RUNS)
        assert ["r1/a"] == list(views.current(journal, PHASES).rows)
        assert 1 == views.current(journal, ATTEMPTS).total.all.use.calls
        assert [5] == [r.position for r in journal.read_all(after=4)]
        assert log.verify().is_clean


class TestReadersAndTheWriteLock:
    """A read never needs the write lock."""

    @pytest.mark.slow
    def test_reads_answer_while_another_process_holds_the_write_lock(self, log_path):
        """Views, history and info are read to the end while a write is held open elsewhere."""
        with autopack.open_log(log_path) as log:
            autopack.create_run(
                log, "r1", [autopack.PhaseSpec("a", category="tests", complexity="low")]
            )
            log.refresh_views()
            autopack.pause_run(log, "r1", why="lunch")
        with _write_lock_held(log_path), autopack.open_log(log_path) as log:
            told = (
                views.current(journal_of(log), PHASES).total.by_state(),
                autopack.status(log).phases_by_state,
                log.info()["runs"],
                len(autopack.history(log, "r1")),
                autopack.replay(log, "runs").rows["r1"].status,
                log.verify().is_clean,
            )

        assert ({"QUEUED": 1}, {"QUEUED": 1}, 1, 3, "PAUSED", True) == told

    def test_a_reader_writes_nothing(self, log_path):
        """Reading every view leaves no checkpoint behind."""
        with autopack.open_log(log_path) as log:
            append_all(log, [created(), queued(), usage()])
            for chosen in KEYED:
                views.current(journal_of(log), chosen)
                views.replay(journal_of(log), chosen)
                views.LiveView(journal_of(log), chosen).catch_up()
            left = journal_of(log).backend.saved_views()

        assert [] == left


def _codec_with(mangled):
    from autopack.format.codec import Codec

    codec = Codec(event_classes=[])
    codec.register(mangled)
    return codec


@contextlib.contextmanager
def _write_lock_held(path):
    """Hold the file's write lock in a process of its own."""
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
        "connection.execute('ROLLBACK')\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert "held" == holder.stdout.readline().strip()
        yield
        assert holder.poll() is None
    finally:
        holder.communicate()
