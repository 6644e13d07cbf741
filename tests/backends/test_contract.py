"""What every backend promises, checked over each of them."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.backends.memory import MemoryBackend
from autopack.drafting import FREE_TEXT_MOST
from autopack.errors import (
    ArtifactMissingError,
    EventIdConflictError,
    ForeignCursorError,
    InvalidEventError,
    InvalidInputError,
    InvalidNameError,
    LogClosedError,
    VersionConflictError,
)
from autopack.events import PhaseQueued, RunPaused, event
from autopack.ids import derived_id
from autopack.log import Log
from autopack.ports.log import (
    ANY,
    Checkpoint,
    Cursor,
    Lease,
    NewEvent,
    UnrecognisedEvent,
)
from strategies import claimed, completed, created, failed, paused, queued, usage

ID = derived_id("test", "1", "fact")
OTHER_ID = derived_id("test", "2", "fact")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _lease(**changes):
    return Lease(**{"key": "r1/a", "token": "t1", "worker": "w1", "expires_at": 5, **changes})


class TestAppendAndRead:
    """Events come back in order, numbered without gaps."""

    def test_positions_count_from_one_in_commit_order(self, journal):
        """Positions are 1, 2, 3 over all streams; versions count within a stream."""
        journal.append("run-r1", [created(), queued()], expected_version=0)
        journal.append("phase-r1/a", [claimed()], expected_version=0)
        journal.append("run-r1", [paused()], expected_version=2)

        assert [
            (1, "run-r1", 1),
            (2, "run-r1", 2),
            (3, "phase-r1/a", 1),
            (4, "run-r1", 3),
        ] == [(r.position, r.stream, r.version) for r in journal.read_all()]

    def test_append_answers_what_is_read_back(self, journal):
        """What append returns equals what a reader gets, envelopes included."""
        given = journal.append("run-r1", [created(goal="tidy"), queued()], expected_version=0)

        assert given == list(journal.read_all())
        assert given == list(journal.read("run-r1"))

    def test_a_stream_is_read_from_a_version_on(self, journal):
        """Reading after a version gives the stream's tail only."""
        journal.append("run-r1", [created(), queued("a"), queued("b")], expected_version=0)
        journal.append("run-r2", [created("r2")], expected_version=0)

        assert [2, 3] == [r.version for r in journal.read("run-r1", after_version=1)]
        assert [] == list(journal.read("run-none"))

    def test_reading_all_is_cut_by_place_type_and_number(self, journal):
        """After, until, types and limit narrow what is read, and combine."""
        facts = [created(), queued("a"), paused(), queued("b"), queued("c")]
        journal.append("run-r1", facts, expected_version=0)

        assert [3, 4] == [r.position for r in journal.read_all(after=2, until=4)]
        assert [2, 4, 5] == [r.position for r in journal.read_all(types=[PhaseQueued])]
        assert [4] == [r.position for r in journal.read_all(after=2, types=[PhaseQueued], limit=1)]
        assert [] == list(journal.read_all(limit=0))
        assert [] == list(journal.read_all(after=99))

    def test_long_logs_are_read_over_many_pages(self, journal):
        """A log longer than a page is read whole, once each, in order."""
        journal.append("run-r1", [paused(str(n)) for n in range(1, 2502)], expected_version=0)

        assert list(range(1, 2502)) == [r.position for r in journal.read_all()]
        assert list(range(1, 2502)) == [r.version for r in journal.read("run-r1")]
        assert 2400 == len(list(journal.read_all(limit=2400)))

    def test_types_in_a_long_log_lose_nothing_between_pages(self, journal):
        """Filtering by type pages by what was found, not by what was looked at."""
        facts = [queued(str(n)) if n % 3 else paused() for n in range(1, 3001)]
        journal.append("run-r1", facts, expected_version=0)

        assert 1000 == len(list(journal.read_all(types=[RunPaused])))
        assert 2000 == len(list(journal.read_all(types=[PhaseQueued])))

    def test_meta_and_times_are_kept(self, journal):
        """An event keeps when it happened and where it came from, beside when it was recorded."""
        moment = NOON.replace(tzinfo=None).replace(tzinfo=UTC) - timedelta(days=400)
        (recorded,) = journal.append(
            "run-r1",
            [NewEvent(event=created(), occurred_at=moment, meta={"actor": "ann"})],
            expected_version=0,
        )

        assert moment == recorded.occurred_at
        assert {"actor": "ann"} == recorded.meta
        assert recorded.recorded_at > moment

    def test_drawn_ids_are_distinct(self, journal):
        """Events without an id of their own get one each."""
        journal.append("run-r1", [paused() for _ in range(50)], expected_version=0)

        assert 50 == len({r.event_id for r in journal.read_all()})

    def test_an_empty_log_has_nothing(self, journal):
        """An empty log is at position 0 and yields nothing."""
        assert 0 == journal.backend.head().position
        assert [] == list(journal.read_all())
        assert 0 == journal.backend.stream_version("run-r1")

    def test_an_empty_append_changes_nothing(self, journal):
        """No events and no expectation are no event."""
        assert [] == journal.append("run-r1", [], expected_version=ANY)
        assert [] == journal.append_batch([])
        assert 0 == journal.backend.head().position


class TestExpectedVersion:
    """Appending at the wrong version is refused."""

    @pytest.mark.parametrize("expected", [0, 1, 3, 99])
    def test_a_conflict_names_both_versions_and_appends_nothing(self, journal, expected):
        """A wrong expected version says which it was and which it is."""
        journal.append("run-r1", [created(), queued()], expected_version=0)

        with pytest.raises(VersionConflictError) as refused:
            journal.append("run-r1", [paused()], expected_version=expected)

        assert ("run-r1", expected, 2) == (
            refused.value.stream,
            refused.value.expected,
            refused.value.actual,
        )
        assert f"version 2, not {expected}" in str(refused.value)
        assert 2 == journal.backend.head().position

    def test_any_appends_wherever_the_stream_is(self, journal):
        """ANY asks for no version."""
        journal.append("run-r1", [created()], expected_version=ANY)
        journal.append("run-r1", [paused()], expected_version=ANY)

        assert 2 == journal.backend.stream_version("run-r1")

    def test_a_batch_is_all_or_nothing(self, journal):
        """A conflict in one stream keeps the others' events out too."""
        journal.append("run-r1", [created()], expected_version=0)

        with pytest.raises(VersionConflictError):
            journal.append_batch([("phase-r1/a", [claimed()], 0), ("run-r1", [paused()], 0)])

        assert 1 == journal.backend.head().position

    def test_an_entry_without_events_only_asserts(self, journal):
        """A batch can ask that another stream did not move, without adding to it."""
        journal.append("run-r1", [created(), queued()], expected_version=0)

        recorded = journal.append_batch([("phase-r1/a", [claimed()], 0), ("run-r1", [], 2)])
        with pytest.raises(VersionConflictError, match="run-r1"):
            journal.append_batch([("phase-r1/a", [completed()], 1), ("run-r1", [], 1)])

        assert [3] == [r.position for r in recorded]
        assert 3 == journal.backend.head().position

    def test_a_stream_may_come_twice_in_a_batch(self, journal):
        """Versions count on from entry to entry of one batch."""
        journal.append_batch([("run-r1", [created()], 0), ("run-r1", [queued()], 1)])

        assert [1, 2] == [r.version for r in journal.read("run-r1")]

    @given(data=st.data())
    def test_any_sequence_of_appends_equals_a_dict_of_lists(self, data):
        """Whatever is appended, refused or not, the log holds what a model of lists holds."""
        journal, model = Log(MemoryBackend()), {"s1": [], "s2": []}
        for number in range(data.draw(st.integers(1, 8))):
            stream = data.draw(st.sampled_from(sorted(model)))
            off_by = data.draw(st.sampled_from([0, 0, 0, -1, 1]))
            facts = [paused(f"{number}.{i}") for i in range(data.draw(st.integers(1, 3)))]
            try:
                journal.append(stream, facts, expected_version=len(model[stream]) + off_by)
                model[stream] += facts
            except VersionConflictError:
                assert off_by

        assert model == {name: [r.event for r in journal.read(name)] for name in model}
        assert sum(map(len, model.values())) == journal.backend.head().position


class TestEventIds:
    """The same fact is stored once, however often it is reported."""

    def test_a_repeat_returns_the_first_answer(self, journal):
        """An id that is known with equal content adds nothing."""
        new = NewEvent(event=paused(), event_id=ID)
        first = journal.append("run-r1", [new], expected_version=0)

        assert first == journal.append("run-r1", [new], expected_version=0)
        assert first == journal.append("run-r1", [new], expected_version=ANY)
        assert 1 == journal.backend.head().position

    def test_a_repeat_holds_after_the_stream_moved_on(self, journal):
        """Ids are looked at before versions, so a late repeat is no conflict."""
        new = NewEvent(event=paused(), event_id=ID)
        first = journal.append("run-r1", [new], expected_version=0)
        journal.append("run-r1", [paused("tea"), paused("nap")], expected_version=1)

        assert first == journal.append("run-r1", [new], expected_version=0)

    @pytest.mark.parametrize(
        ("stream", "new", "differs"),
        [
            ("run-r2", NewEvent(event=paused(), event_id=ID, occurred_at=NOON), "stream"),
            ("run-r1", NewEvent(event=failed(), event_id=ID, occurred_at=NOON), "type and data"),
            ("run-r1", NewEvent(event=paused("tea"), event_id=ID, occurred_at=NOON), "data"),
            (
                "run-r1",
                NewEvent(event=paused(), event_id=ID, occurred_at=NOON + timedelta(seconds=1)),
                "occurred_at",
            ),
        ],
    )
    def test_other_content_under_a_known_id_is_refused(self, journal, stream, new, differs):
        """The refusal names id, position and what differs, and appends nothing."""
        first = NewEvent(event=paused(), event_id=ID, occurred_at=NOON)
        journal.append("run-r1", [first], expected_version=0)

        with pytest.raises(EventIdConflictError) as refused:
            journal.append(stream, [new], expected_version=ANY)

        assert (ID, 1, differs) == (
            refused.value.event_id,
            refused.value.position,
            refused.value.differs,
        )
        assert 1 == journal.backend.head().position

    def test_any_appends_the_unknown_rest_of_a_list(self, journal):
        """Of a partly known list, ANY appends what is new and answers for all, in order."""
        one, two = (
            NewEvent(event=paused("one"), event_id=ID),
            NewEvent(event=paused("two"), event_id=OTHER_ID),
        )
        journal.append("run-r1", [one], expected_version=0)
        journal.append("run-r1", [created()], expected_version=1)

        answers = journal.append("run-r1", [two, one], expected_version=ANY)

        assert [3, 1] == [r.position for r in answers]
        assert ["two", "one"] == [r.event.why for r in answers]
        assert 3 == journal.backend.head().position

    @pytest.mark.parametrize("expected", [0, 1])
    def test_a_checked_version_refuses_a_partly_known_list(self, journal, expected):
        """A list that is in part new cannot be checked against one version."""
        one = NewEvent(event=paused("one"), event_id=ID)
        two = NewEvent(event=paused("two"), event_id=OTHER_ID)
        journal.append("run-r1", [one], expected_version=0)

        with pytest.raises(EventIdConflictError) as refused:
            journal.append("run-r1", [one, two], expected_version=expected)

        assert (ID, 1) == (refused.value.event_id, refused.value.position)
        assert 1 == journal.backend.head().position

    def test_the_refused_list_names_the_known_event_of_its_own_stream(self, journal):
        """The refusal's position is that of the id it names, also in a batch."""
        one, two = (
            NewEvent(event=paused("one"), event_id=ID),
            NewEvent(event=paused("two", "r2"), event_id=OTHER_ID),
        )
        journal.append("run-r1", [one], expected_version=0)
        journal.append("run-r2", [two], expected_version=0)

        with pytest.raises(EventIdConflictError) as refused:
            journal.append_batch([("run-r1", [one], 0), ("run-r2", [two, paused("x", "r2")], 1)])

        assert (OTHER_ID, 2) == (refused.value.event_id, refused.value.position)

    def test_one_id_twice_in_a_call_is_refused(self, journal):
        """Two events of one call cannot share an id."""
        with pytest.raises(InvalidEventError, match="twice"):
            journal.append(
                "run-r1",
                [NewEvent(event=paused(why), event_id=ID) for why in "ab"],
                expected_version=ANY,
            )

        assert 0 == journal.backend.head().position

    @pytest.mark.parametrize("wrong", [b"short", "0" * 16, bytes(17)])
    def test_an_id_has_sixteen_bytes(self, journal, wrong):
        """Anything else is no event id."""
        with pytest.raises(InvalidEventError, match="16 bytes"):
            journal.append("s", [NewEvent(event=paused(), event_id=wrong)], expected_version=ANY)


class TestWhatCannotBeStored:
    """A refused event leaves no trace."""

    @pytest.mark.parametrize("name", ["", " s", "s\n", "x" * 421, "a\x00b", "\ud800"])
    def test_stream_names_are_checked(self, journal, name):
        """A stream has a printable name."""
        with pytest.raises(InvalidNameError):
            journal.append(name, [paused()], expected_version=ANY)

        assert 0 == journal.backend.head().position

    @pytest.mark.parametrize("meta", [{"a": float("nan")}, {"a": object()}, {"a": {1}}])
    def test_meta_is_json(self, journal, meta):
        """What is known of an event's origin must be JSON."""
        with pytest.raises(InvalidEventError, match="meta"):
            journal.append("s", [NewEvent(event=paused(), meta=meta)], expected_version=ANY)

        assert 0 == journal.backend.head().position

    def test_a_naive_time_is_refused(self, journal):
        """When it happened needs a time zone."""
        new = NewEvent(event=paused(), occurred_at=datetime(2026, 1, 1))

        with pytest.raises(InvalidEventError, match="time zone"):
            journal.append("s", [new], expected_version=ANY)

    def test_a_long_text_that_is_no_unicode_is_refused(self, journal):
        """A lone surrogate is refused as such, short or long, in events and artifacts."""
        for text in ("\ud800", "\ud800" * 600):
            with pytest.raises(InvalidEventError):
                journal.append("s", [paused(text)], expected_version=ANY)
        with pytest.raises(InvalidInputError, match="UTF-8"):
            journal.put_artifact("\ud800")

        assert 0 == journal.backend.head().position


class TestUnrecognised:
    """What nobody registered is kept."""

    def test_an_unknown_type_is_kept_and_verified(self, journal):
        """An event of an absent plugin is read as it was written, and the chain covers it."""
        kept = UnrecognisedEvent("weather.changed", 3, '{"sky": "grey" }')
        journal.append("weather-1", [kept], expected_version=0)

        (recorded,) = journal.read_all()

        assert kept == recorded.event
        assert ("weather.changed", 3) == (recorded.type, recorded.schema)
        assert journal.verify().is_clean

    def test_a_registered_class_reads_what_was_kept(self, backend):
        """Once its plugin is back, the stored event is read as its class."""

        @event("weather.changed")
        class WeatherChanged:
            sky: str

        Log(backend).append(
            "w", [UnrecognisedEvent("weather.changed", 1, '{"sky":"grey"}')], expected_version=0
        )
        log = Log(backend)
        log.codec.register(WeatherChanged)

        assert [WeatherChanged(sky="grey")] == [r.event for r in log.read_all()]


class TestBeside:
    """Leases, artifacts and views live beside the events."""

    def test_artifacts_come_back_by_digest(self, journal):
        """A text is stored once, under the SHA-256 of its UTF-8 bytes."""
        digest = journal.put_artifact("Grüße\r\n")

        assert 64 == len(digest)
        assert digest == journal.put_artifact("Grüße\r\n")
        assert "Grüße\r\n" == journal.get_artifact(digest)

    def test_a_missing_artifact_is_named(self, journal):
        """Asking for an unknown digest says so."""
        with pytest.raises(ArtifactMissingError, match="0000"):
            journal.get_artifact("0" * 64)

    def test_leases_are_stored_replaced_and_dropped_by_token(self, backend):
        """Only who has the token in force can drop a lease."""
        with backend.transaction() as store:
            store.put_lease(_lease())
            store.put_lease(_lease(key="r1/b"))
            store.put_lease(_lease(token="t2", step="tests", step_at=3, deadline_at=9))
        with backend.transaction() as store:
            dropped = (
                store.drop_lease("r1/a", "t1"),
                store.drop_lease("r1/b", "t1"),
                store.drop_lease("r1/c", "t1"),
            )

        assert (False, True, False) == dropped
        assert [_lease(token="t2", step="tests", step_at=3, deadline_at=9)] == backend.leases()
        assert backend.lease("r1/b") is None

    def test_views_are_saved_changed_and_replaced(self, backend):
        """Rows are added, removed by None, or all replaced, together with the checkpoint."""
        at = [
            Checkpoint(view="v", version=1, position=p, total=t) for p, t in ((3, None), (5, "7"))
        ]
        with backend.transaction() as store:
            store.save_view(at[0], {"a": "1", "b": "2", "c": "3"}, replace=False)
            store.save_view(at[1], {"a": "4", "b": None}, replace=False)
        kept = backend.view_rows("v")
        some = backend.view_rows("v", ["c", "b", "x"])
        checkpoint = backend.checkpoint("v")
        with backend.transaction() as store:
            store.save_view(at[0], {"d": "5"}, replace=True)

        assert {"a": "4", "c": "3"} == kept
        assert {"c": "3"} == some
        assert at[1] == checkpoint
        assert {"d": "5"} == backend.view_rows("v")
        assert [at[0]] == backend.saved_views()

    def test_a_dropped_view_is_gone(self, backend):
        """Dropping a view removes rows and checkpoint, and no other view's."""
        with backend.transaction() as store:
            for view in ("v", "w"):
                place = Checkpoint(view=view, version=1, position=3)
                store.save_view(place, {"a": "1"}, replace=False)
            store.drop_view("v")

        assert ({}, None) == (backend.view_rows("v"), backend.checkpoint("v"))
        assert {"a": "1"} == backend.view_rows("w")


class TestTransactions:
    """One transaction covers everything."""

    def test_an_error_rolls_back_all_of_it(self, journal):
        """Events, leases, artifacts and views of a failed transaction leave nothing."""
        journal.append("run-r1", [created()], expected_version=0)
        with journal.backend.transaction() as store:
            store.put_lease(_lease())
            store.save_view(Checkpoint(view="v", version=1, position=1), {"a": "1"}, replace=False)

        def everything():
            with journal.transaction() as transaction:
                transaction.append_batch([("run-r1", [paused("x" * 900)], 1)])
                transaction.append_batch([("run-r9", [created("r9")], 0)])
                transaction.put_artifact("text")
                transaction.store.put_lease(_lease(token="t2"))
                transaction.store.put_lease(_lease(key="r1/b"))
                place = Checkpoint(view="v", version=1, position=2)
                transaction.store.save_view(place, {"a": None, "b": "2"}, replace=False)
                transaction.store.drop_view("none")
                raise KeyError("stop")

        with pytest.raises(KeyError):
            everything()

        assert 1 == journal.backend.head().position
        assert 0 == journal.backend.stream_version("run-r9")
        assert [_lease()] == journal.backend.leases()
        assert {"a": "1"} == journal.backend.view_rows("v")
        assert 1 == journal.backend.checkpoint("v").position
        with pytest.raises(ArtifactMissingError):
            journal.get_artifact("982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1")
        assert [2] == [r.position for r in journal.append("run-r1", [paused()], expected_version=1)]
        assert journal.verify().is_clean

    def test_a_transaction_sees_what_it_wrote(self, journal):
        """Versions, ids and leases are those of the transaction so far."""
        with journal.transaction() as transaction:
            transaction.append_batch([("run-r1", [NewEvent(event=created(), event_id=ID)], 0)])
            again = transaction.append_batch(
                [("run-r1", [NewEvent(event=created(), event_id=ID)], 0)]
            )
            transaction.append_batch([("run-r1", [paused()], 1)])
            transaction.store.put_lease(_lease())
            lease = transaction.store.lease("r1/a")

        assert [1] == [r.position for r in again]
        assert _lease() == lease
        assert 2 == journal.backend.head().position

    def test_transactions_do_not_nest(self, backend):
        """Opening a second one inside the first is refused, and the first is unharmed."""
        with backend.transaction() as store:
            store.put_lease(_lease())
            with pytest.raises(InvalidInputError, match="use that one"), backend.transaction():
                pass

        assert [_lease()] == backend.leases()

    def test_observers_are_called_after_the_commit(self, backend):
        """An observer gets each committed event, and none that was rolled back."""
        seen = []
        log = Log(backend, observers=[lambda r: seen.append((r.position, backend.head().position))])
        log.append("run-r1", [created(), queued()], expected_version=0)
        with pytest.raises(VersionConflictError):
            log.append("run-r1", [paused()], expected_version=0)

        assert [(1, 2), (2, 2)] == seen


class TestThreads:
    """A log can be shared between threads."""

    def test_several_threads_append_without_gaps(self, journal):
        """Appends from threads get positions 1..n, versions in order, and a clean chain."""
        faults = []

        def work(name):
            try:
                for version in range(20):
                    journal.append(f"s-{name}", [paused(name)], expected_version=version)
                    journal.append("shared", [paused(name)], expected_version=ANY)
            except Exception as fault:
                faults.append(fault)

        threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [] == faults
        assert list(range(1, 161)) == [r.position for r in journal.read_all()]
        assert list(range(1, 81)) == [r.version for r in journal.read("shared")]
        assert journal.verify().is_clean

    def test_readers_see_prefixes_while_a_writer_writes(self, journal):
        """Whatever a reader sees meanwhile is 1..n without a gap, and n never shrinks."""
        done, seen, faults = threading.Event(), [], []

        def read():
            try:
                while not done.is_set():
                    seen.append([r.position for r in journal.read_all()])
            except Exception as fault:
                faults.append(fault)

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(40):
            journal.append("s", [paused(), paused()], expected_version=ANY)
        done.set()
        reader.join()

        assert [] == faults
        assert all(list(range(1, len(positions) + 1)) == positions for positions in seen)
        assert [len(p) for p in seen] == sorted(len(p) for p in seen)

    def test_a_read_does_not_see_half_of_a_batch(self, journal):
        """A batch appears whole, so the head is always at its end."""
        done, heads = threading.Event(), set()

        def watch():
            while not done.is_set():
                heads.add(journal.backend.head().position)

        watcher = threading.Thread(target=watch)
        watcher.start()
        for _ in range(30):
            journal.append("s", [paused() for _ in range(5)], expected_version=ANY)
        done.set()
        watcher.join()

        assert {head % 5 for head in heads} <= {0}


class TestClosing:
    """A closed log says so."""

    def test_an_open_iterator_raises_after_close(self, journal):
        """Closing under a reader is loud, not a silent end."""
        journal.append("s", [paused() for _ in range(1500)], expected_version=0)
        reading = journal.read_all()
        next(reading)
        journal.close()

        with pytest.raises(LogClosedError):
            list(reading)

    def test_a_closed_log_refuses_everything(self, journal):
        """Reading and writing after close name the log; closing twice is fine."""
        journal.close()
        journal.close()

        with pytest.raises(LogClosedError):
            journal.append("s", [paused()], expected_version=0)
        with pytest.raises(LogClosedError):
            list(journal.read("s"))
        with pytest.raises(LogClosedError), journal.backend.snapshot():
            pass

    def test_close_waits_for_a_write_in_flight(self, journal):
        """A transaction that another thread began is committed before the log closes."""
        inside, answers = threading.Event(), []

        def write():
            with journal.transaction() as transaction:
                inside.set()
                answers.extend(transaction.append_batch([("s", [paused()], 0)]))

        writer = threading.Thread(target=write)
        writer.start()
        inside.wait()
        journal.close()
        writer.join()

        assert [1] == [r.position for r in answers]


class TestTime:
    """The log's own clock never goes back."""

    def test_recorded_at_never_decreases(self, backend):
        """A clock that goes backwards leaves the time of the last event standing."""
        times = iter([100.0, 50.0, 120.0, 119.5])
        log = Log(backend, clock=lambda: next(times))
        for _ in range(4):
            log.append("s", [paused()], expected_version=ANY)

        assert [100, 100, 120, 120] == [r.recorded_at.timestamp() for r in log.read_all()]
        assert [100, 100, 120, 120] == [r.occurred_at.timestamp() for r in log.read_all()]

    def test_events_of_the_future_and_the_past_keep_their_time(self, journal):
        """occurred_at is the reporter's, whatever the order; recorded_at is the log's."""
        moments = [NOON, NOON - timedelta(days=9000), NOON + timedelta(days=9000)]
        journal.append(
            "s", [NewEvent(event=paused(), occurred_at=m) for m in moments], expected_version=0
        )

        assert moments == [r.occurred_at for r in journal.read_all()]


class TestCursors:
    """A position means something in its own log only."""

    def test_a_cursor_of_this_log_goes_on(self, journal):
        """Reading after a cursor starts behind it."""
        journal.append("s", [paused(), paused()], expected_version=0)
        cursor = journal.head()
        journal.append("s", [paused()], expected_version=2)

        assert [3] == [r.position for r in journal.read_all(after=cursor)]

    def test_a_cursor_of_another_log_is_refused_by_name(self, journal):
        """The refusal names both logs."""
        foreign = Log(MemoryBackend()).head()

        with pytest.raises(ForeignCursorError) as refused:
            list(journal.read_all(after=foreign))

        assert (foreign.log_id, journal.log_id) == (
            refused.value.cursor_log,
            refused.value.this_log,
        )
        assert Cursor(journal.log_id, 0) == journal.head()

    def test_a_subscription_hands_out_each_event_once(self, journal):
        """A saved cursor goes on where the last call ended; an error repeats only its event."""
        journal.append("s", [paused(str(n)) for n in range(5)], expected_version=0)
        seen = []

        def stumble(recorded):
            seen.append(recorded.position)
            if recorded.position == 4 and seen.count(4) == 1:
                raise KeyError("stop")

        with pytest.raises(KeyError):
            journal.subscribe("mail", stumble, batch=2)
        handled = journal.subscribe("mail", stumble, batch=2)

        assert [1, 2, 3, 4, 4, 5] == seen
        assert 2 == handled
        assert 0 == journal.subscribe("mail", stumble)

    def test_following_yields_what_is_there_and_ends_when_told(self, journal):
        """Following goes on after a place and asks whether to stop once nothing is new."""
        journal.append("s", [paused(), created(), paused()], expected_version=0)

        assert [2, 3] == [r.position for r in journal.follow(after=1, until=lambda: True)]
        assert [1, 3] == [r.position for r in journal.follow(types=[RunPaused], until=lambda: True)]


class TestFreeText:
    """Free text is redacted and kept short."""

    def test_long_text_is_cut_and_kept_whole_beside_the_log(self, journal):
        """The event keeps the beginning and the digest under which the whole is stored."""
        whole = "é" * 3000
        (recorded,) = journal.append("s", [failed(message=whole)], expected_version=0)
        message = recorded.event.message
        digest = message.rpartition("artifact ")[2].rstrip("]")

        assert FREE_TEXT_MOST == len(message)
        assert message.startswith("é" * 400)
        assert whole == journal.get_artifact(digest)
        assert [recorded] == list(journal.read_all())

    def test_text_at_the_limit_is_left_alone(self, journal):
        """500 characters stay as they are."""
        (recorded,) = journal.append("s", [failed(message="x" * 500)], expected_version=0)

        assert "x" * 500 == recorded.event.message

    def test_free_text_is_redacted_before_it_is_stored(self, backend):
        """The secret reaches neither the event nor the artifact; other fields are not touched."""
        log = Log(backend, redact=lambda text: text.replace("sk-1", "***"))
        short, long = log.append(
            "s",
            [failed(message="key sk-1", code="sk-1"), failed(message="sk-1 " * 300)],
            expected_version=0,
        )
        digest = long.event.message.rpartition("artifact ")[2].rstrip("]")

        assert ("key ***", "sk-1") == (short.event.message, short.event.code)
        assert "*** " * 300 == log.get_artifact(digest)
        assert "***" == log.get_artifact(log.put_artifact("sk-1"))

    def test_a_reason_that_is_redacted_whole_is_still_one(self, backend):
        """A reason is never empty, also when all of it was secret."""
        log = Log(backend, redact=lambda _text: "")
        (recorded,) = log.append("s", [failed(message="sk-1")], expected_version=0)

        assert "(redacted)" == recorded.event.message

    def test_a_repeat_of_a_long_text_is_the_same_fact(self, journal):
        """Cutting gives the same content each time, so a repeat is recognised."""
        new = NewEvent(event=failed(message="y" * 900), event_id=ID)
        first = journal.append("s", [new], expected_version=0)

        assert first == journal.append("s", [new], expected_version=0)

    def test_usage_has_no_free_text(self, journal):
        """Figures and names pass as they are."""
        (recorded,) = journal.append("s", [usage("c" * 900)], expected_version=0)

        assert "c" * 900 == recorded.event.call_id


class TestBodies:
    """What events say can be read without their envelopes."""

    def test_bodies_are_the_pages_without_envelopes(self, journal):
        """Positions, types, schemas and data are those of the page, and so is the limit."""
        journal.append("run-r1", [created(), paused(), queued()], expected_version=0)
        wanted = {"after": 0, "until": 3, "limit": 2, "types": ("run.created", "phase.queued")}
        rows = journal.backend.page(**wanted)

        assert [(r[0], r[4], r[5], r[9]) for r in rows] == journal.backend.bodies(**wanted)
        assert [1, 3] == [body[0] for body in journal.backend.bodies(**wanted)]
