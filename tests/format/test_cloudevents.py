"""Logs as NDJSON of CloudEvents: out and in again, event by event, and what is refused."""

import gzip
import json
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack import (
    create_log,
    event,
    export_history,
    hookimpl,
    import_history,
    load_plugins,
    open_log,
    restore_log,
)
from autopack.errors import (
    CodecError,
    EventIdConflictError,
    ImportRefusedError,
    InvalidEventError,
    LogExistsError,
)
from autopack.exchange.importers import ndjson
from autopack.format.cloudevents import CloudEvent, to_line
from autopack.log.log import journal_of
from autopack.ports.backend import Checkpoint, LogIdentity
from autopack.ports.log import ANY, NewEvent, UnrecognisedEvent
from autopack.testing.facts import completed, created, paused, queued, usage

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDENTITY = LogIdentity(
    log_id="00112233-4455-6677-8899-aabbccddeeff",
    origin_id="ffeeddcc-bbaa-9988-7766-554433221100",
    created_at=NOON,
    format=1,
)


@pytest.fixture
def log(tmp_path):
    """A log with odd letters, meta, times of its own, and a type that nobody registered."""
    with create_log(tmp_path / "log.db") as log:
        log.append("run-r1", [created(goal="Zürich — 東京\n"), queued()], expected_version=0)
        new = NewEvent(event=usage(), occurred_at=NOON, meta={"by": "hand"})
        log.append("phase-r1/a", [new, completed()], expected_version=0)
        for data in ('{"a": [1, 2.50]}', "null", '{"a":\n1}', " 1", "no JSON", "", "\u2028"):
            strange = UnrecognisedEvent("other.thing", 3, data)
            log.append("else", [strange], expected_version=ANY)
        yield log


def rows(log):
    """Return all rows as stored."""
    return [recorded.row for recorded in log.read_all()]


def exported(log, path):
    """Export and return the path."""
    export_history(log, "ndjson", path)
    return path


class TestRoundTrip:
    """What goes out comes in as it was."""

    @pytest.mark.parametrize("name", ["out.ndjson", "out.ndjson.gz"])
    def test_an_empty_log_takes_an_export_over_as_it_is(self, log, tmp_path, name):
        """Positions, times, ids, data and hashes are equal, and the chain is clean."""
        source = exported(log, tmp_path / name)
        with create_log(tmp_path / "new.db") as new:
            was_clean, report = new.verify().is_clean, import_history(new, "ndjson", source)
            found, is_clean, its_id = rows(new), new.verify().is_clean, new.head().log_id

        assert was_clean
        assert rows(log) == found
        assert report.kept_chain
        assert is_clean
        assert log.head().log_id != its_id

    def test_gzip_goes_by_the_ending(self, log, tmp_path):
        """A file that ends in .gz is packed, any other is plain text, with the same lines."""
        packed = exported(log, tmp_path / "out.ndjson.gz").read_bytes()
        plain = exported(log, tmp_path / "out.ndjson").read_bytes()

        assert plain == gzip.decompress(packed)

    def test_every_line_is_a_cloud_event(self, log, tmp_path):
        """The required attributes are there, and extension names are lower-case letters."""
        lines = exported(log, tmp_path / "out.ndjson").read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines]

        assert log.head().position == len(found)
        for line in found:
            assert {"specversion", "id", "source", "type"} <= line.keys()
            assert line["specversion"] == "1.0"
            assert all(name.isalnum() and name.islower() for name in line.keys() - {"data_base64"})
        assert "urn:uuid:" + log.head().log_id == found[0]["source"]
        assert "2026-01-01T12:00:00+00:00" == found[2]["time"]

    @given(
        stream=st.text(
            st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=20
        ).filter(lambda text: text == text.strip()),
        data=st.text(max_size=40) | st.from_type(dict).map(json.dumps),
        us=st.integers(0, 4_000_000_000_000_000),
        digest=st.binary(min_size=32, max_size=32),
        event_id=st.binary(min_size=16, max_size=16),
    )
    @settings(max_examples=60)
    def test_a_row_comes_back_from_its_line(self, stream, data, us, digest, event_id):
        """Whatever text a row holds, its line gives the same row."""
        row = (7, event_id, stream, 2, "a.b", 1, us, us + 1, '{"a":1}', data, digest)
        try:
            line = to_line(row, IDENTITY)
        except UnicodeEncodeError:
            return

        assert "\n" not in line
        assert row == CloudEvent(line.encode()).row()


class TestAppending:
    """A log that has events already appends those of a file, under their ids."""

    def test_a_second_import_adds_nothing(self, log, tmp_path):
        """All ids are known, so the log stays as it is."""
        source = exported(log, tmp_path / "out.ndjson")
        with create_log(tmp_path / "new.db") as new:
            import_history(new, "ndjson", source)
            report = import_history(new, "ndjson", source)

            assert 0 == report.added
            assert not report.kept_chain
            assert rows(log) == rows(new)

    def test_events_are_appended_after_what_is_there(self, log, tmp_path):
        """Ids, times and meta stay; positions and hashes are those of the log they go to."""
        source = exported(log, tmp_path / "out.ndjson")
        with create_log(tmp_path / "new.db") as new:
            new.append("run-r0", [created("r0")], expected_version=0)
            report = import_history(new, "ndjson", source)
            found = list(new.read_all(after=1))

            assert log.head().position == report.added
            assert new.verify().is_clean
        expected = list(log.read_all())
        assert [(r.event_id, r.occurred_at, r.meta, r.event) for r in expected] == [
            (r.event_id, r.occurred_at, r.meta, r.event) for r in found
        ]

    def test_events_of_other_producers_are_kept_under_derived_ids(self, tmp_path):
        """A foreign event is read as an unrecognised one, once, on the stream of its subject."""
        path = tmp_path / "other.ndjson"
        line = {"specversion": "1.0", "id": "17", "source": "/shop", "type": "order.placed"}
        path.write_text(
            json.dumps({**line, "subject": "orders", "data": {"n": 1}, "colour": "red"})
            + "\n\n"
            + json.dumps({**line, "id": "18"}),
            encoding="utf-8",
        )
        with create_log(tmp_path / "new.db") as new:
            for _again in range(2):
                import_history(new, "ndjson", path)
            found = [(r.stream, r.event) for r in new.read_all()]

        assert [
            ("orders", UnrecognisedEvent("order.placed", 1, '{"n": 1}')),
            ("cloudevents", UnrecognisedEvent("order.placed", 1, "null")),
        ] == found

    @pytest.mark.parametrize("n_between", [0, 1, 600])
    def test_an_event_that_is_told_twice_is_appended_once(self, tmp_path, n_between):
        """A repeat is no event, next to the first or batches away; another content is refused."""

        def line(number, said):
            return json.dumps({"specversion": "1.0", "id": str(number), "source": "/x",
                               "type": "a.b", "subject": "s", "data": said})  # fmt: skip

        between = [line(number, 0) for number in range(1, n_between + 1)]
        path, odd = tmp_path / "twice.ndjson", tmp_path / "odd.ndjson"
        path.write_text("\n".join([line(0, 1), *between, line(0, 1)]), encoding="utf-8")
        odd.write_text("\n".join([line(9999, 1), *between, line(9999, 2)]), encoding="utf-8")
        with create_log(tmp_path / "new.db") as new:
            report = import_history(new, "ndjson", path)
            with pytest.raises((InvalidEventError, EventIdConflictError), match="another data"):
                import_history(new, "ndjson", odd)

            assert (n_between + 2, n_between + 1) == (report.read, report.added)
            assert new.head().position in (n_between + 1, n_between + 2)
            assert new.verify().is_clean

    def test_ids_are_those_of_their_source_and_type(self, tmp_path):
        """What two producers, or one for two types, call alike are events of their own."""
        path, line = tmp_path / "in.ndjson", {"specversion": "1.0", "id": "1", "subject": "s"}
        told = [("/x", "a.b"), ("/y", "a.b"), ("/x", "c.d"), ("/x", "a.b")]
        lines = [json.dumps({**line, "source": source, "type": name}) for source, name in told]
        path.write_text("\n".join(lines), encoding="utf-8")
        with create_log(tmp_path / "new.db") as new:
            report = import_history(new, "ndjson", path)

        assert (4, 3) == (report.read, report.added)

    def test_what_its_type_does_not_allow_is_refused(self, tmp_path):
        """A foreign event of a known type must be one."""
        path = tmp_path / "other.ndjson"
        line = {"specversion": "1.0", "id": "17", "source": "/x", "type": "run.paused", "data": {}}
        path.write_text(json.dumps(line), encoding="utf-8")
        with create_log(tmp_path / "new.db") as new:
            with pytest.raises(ImportRefusedError, match=r"event 1, of type 'run\.paused'.*run_id"):
                import_history(new, "ndjson", path)

            assert 0 == new.head().position


class TestRefusals:
    """A file that is not what it should be changes nothing."""

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda lines: [*lines[:2], *lines[3:]], "position 4 .* after position 2"),
            (lambda lines: [*lines[:2], lines[3], lines[2]], "position 4 .* after position 2"),
            (lambda lines: [lines[0].replace("r1", "r2"), *lines[1:]], "position 1 .* hash"),
            (lambda lines: [*lines, "{"], "line 12: it is not a CloudEvent"),
            (lambda lines: [*lines, '{"specversion":"0.3","id":"1","source":"s","type":"t"}'],
             "line 12: its specversion is '0.3'"),
            (lambda lines: [*lines, '{"specversion":"1.0","id":"1","source":"s","type":"t"}'],
             "line 12: it is of another chain"),
            (lambda lines: [lines[0].replace("recordedat", "x"), *lines[1:]], "no place in a"),
            (lambda lines: [lines[0].replace("+00:00", ""), *lines[1:]], "no moment"),
            (lambda lines: ["[" * 100_000], "not a CloudEvent"),
            (lambda lines: ['{"ts": 1, "n": 2}'], "ts, n, and needed are specversion, .*--trace"),
            (lambda lines: ["[]"], "it is a list, not an object"),
        ],
    )  # fmt: skip
    def test_a_broken_chain_is_not_taken_over(self, log, tmp_path, change, why):
        """The first line that does not follow is named, and the log stays empty."""
        source = exported(log, tmp_path / "out.ndjson")
        lines = source.read_text(encoding="utf-8").splitlines()
        source.write_text("\n".join(change(lines)), encoding="utf-8")
        with create_log(tmp_path / "new.db") as new:
            before = journal_of(new).backend.identity
            with pytest.raises(ImportRefusedError, match=why):
                import_history(new, "ndjson", source)

            assert 0 == new.head().position
            assert before == journal_of(new).backend.identity

    def test_a_packed_file_that_is_cut_is_refused(self, log, tmp_path):
        """Half a gzip file is no shorter history."""
        source = exported(log, tmp_path / "out.ndjson.gz")
        source.write_bytes(source.read_bytes()[:-20])
        with (
            create_log(tmp_path / "new.db") as new,
            pytest.raises(ImportRefusedError, match="not whole gzip"),
        ):
            import_history(new, "ndjson", source)

    def test_sizes_are_limited(self, log, tmp_path, monkeypatch):
        """A line, or a file, that is too large is refused before it is held in memory."""
        source = exported(log, tmp_path / "out.ndjson.gz")
        with create_log(tmp_path / "new.db") as new:
            monkeypatch.setattr(ndjson, "LINE_MOST", 100)
            with pytest.raises(ImportRefusedError, match="a line is longer than 100"):
                import_history(new, "ndjson", source)
            monkeypatch.undo()
            monkeypatch.setattr(ndjson, "TOTAL_MOST", 2000)
            with pytest.raises(ImportRefusedError, match="it is larger than 2,000"):
                import_history(new, "ndjson", source)

            assert 0 == new.head().position

    @pytest.mark.parametrize("blank", ["\n", " \t\r\n", " " * 800_000 + "\n"])
    def test_blank_lines_do_not_go_on_for_ever(self, log, tmp_path, blank):
        """A packed file of a few kilobytes may hold millions; some are passed over."""
        source = exported(log, tmp_path / "out.ndjson.gz")
        held = gzip.decompress(source.read_bytes()).decode()
        counts = 1 + len(blank) // 80
        few, many = (f"{blank * (n // counts)}{held}" for n in (90_000, 110_000))
        with create_log(tmp_path / "new.db") as new:
            new.append("run-r0", [created("r0")], expected_version=0)
            source.write_bytes(gzip.compress(many.encode()))
            with pytest.raises(ImportRefusedError, match="100,000 blank lines more than it has ev"):
                import_history(new, "ndjson", source)
            source.write_bytes(gzip.compress(few.encode()))

            assert log.head().position == import_history(new, "ndjson", source).read

    def test_a_blank_line_after_each_event_is_usual(self, log, tmp_path):
        """However many events there are."""
        source = exported(log, tmp_path / "out.ndjson")
        lines = source.read_text(encoding="utf-8").splitlines()
        source.write_text("\n\n".join(lines), encoding="utf-8")
        with create_log(tmp_path / "new.db") as new:
            assert len(lines) == import_history(new, "ndjson", source).read

    @pytest.mark.parametrize(("more", "is_read"), [(0, True), (1, False)])
    def test_each_event_allows_a_blank_line_more(self, log, tmp_path, more, is_read):
        """A hundred thousand and one for each; another one is too many."""
        source = exported(log, tmp_path / "out.ndjson")
        n_events = log.head().position
        with source.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write("\n" * (100_000 + n_events + more))
        refused = pytest.raises(ImportRefusedError, match="blank lines more than it has events")
        with create_log(tmp_path / "new.db") as new, nullcontext() if is_read else refused:
            import_history(new, "ndjson", source)

        assert n_events > 1

    @pytest.mark.parametrize("way", ["older", "broken"])
    def test_no_plugin_is_in_the_way_of_an_export(self, tmp_path, way):
        """Neither one that is too old for the log, nor one that cannot bring up what it wrote."""
        target = tmp_path / "log.db"
        with create_log(target) as log:
            log.append("w", [UnrecognisedEvent("wind.blew", 2, '{"knots":3}')], expected_version=0)

        @event("wind.blew", schema=1 if way == "older" else 3)
        class Wind:
            knots: int

        class Plugin:
            @hookimpl
            def autopack_register_events(self, register):
                register(Wind, upcasters={2: lambda fields: fields["gone"]})

        with open_log(target, plugins=load_plugins(extra=[Plugin()])) as log:
            with pytest.raises(CodecError, match="wind"):
                list(log.read_all())
            assert 1 == export_history(log, "ndjson", tmp_path / "out.ndjson")
        with create_log(tmp_path / "again.db") as again:
            import_history(again, "ndjson", tmp_path / "out.ndjson")

            assert [UnrecognisedEvent("wind.blew", 2, '{"knots":3}')] == [
                one.event for one in again.read_all()
            ]

    def test_an_export_is_there_whole_or_not_at_all(self, log, tmp_path):
        """An exporter that fails half-way leaves nothing; an existing file is left alone."""

        class Stumbles:
            name = "stumbles"

            def lines(self, events):
                yield "one"
                raise RuntimeError("two")

        with pytest.raises(RuntimeError):
            export_history(log, Stumbles(), tmp_path / "out.txt")
        exported(log, tmp_path / "out.ndjson")
        with pytest.raises(LogExistsError):
            exported(log, tmp_path / "out.ndjson")

        assert {"log.db", "log.db-wal", "log.db-shm", "out.ndjson"} == {
            path.name for path in tmp_path.iterdir()
        }

    def test_redaction_is_not_passed_by(self, log, tmp_path):
        """A chain whose texts the hook would change is not taken over behind its back."""
        source = exported(log, tmp_path / "out.ndjson")
        with (
            create_log(tmp_path / "new.db", plugins=_redacting()) as new,
            pytest.raises(ImportRefusedError, match="redaction hook"),
        ):
            import_history(new, "ndjson", source)


def _redacting():
    from autopack import hookimpl, load_plugins

    class Redacts:
        @hookimpl
        def autopack_redact(self, text):
            return text.replace("Zürich", "(place)")

    return load_plugins(extra=[Redacts()])


class TestRestoring:
    """A log is made anew from a backup, a log or an export."""

    @pytest.fixture(params=["backup", "log", "export"])
    def source(self, request, log, tmp_path):
        """What to restore from."""
        log.artifacts.put("a text")
        log.subscribe("mail", lambda _recorded: None)
        if request.param == "log":
            return tmp_path / "log.db"
        if request.param == "export":
            return exported(log, tmp_path / "out.ndjson.gz")
        log.backup(str(tmp_path / "copy.db"))
        return tmp_path / "copy.db"

    def test_history_is_kept_under_a_new_name(self, log, source, tmp_path):
        """The log is its own, names its parent, keeps the chain, and is clean."""
        head = journal_of(log).backend.head()
        with restore_log(source, tmp_path / "again.db") as again:
            identity = journal_of(again).backend.identity

            assert rows(log) == rows(again)
            assert again.verify(f"{head.position}:{head.hash.hex()}", views=True).is_clean
        assert (log.head().log_id, head.position, head.hash.hex()) == identity.parent
        assert journal_of(log).backend.identity.origin_id == identity.origin_id
        assert log.head().log_id != identity.log_id

    def test_a_copy_goes_its_own_way(self, log, tmp_path):
        """What is appended to one is not in the other, and a cursor of one is refused there."""
        with restore_log(tmp_path / "log.db", tmp_path / "again.db") as again:
            again.append("run-r1", [paused()], expected_version=2)
            log.append("run-r1", [paused("other")], expected_version=2)

            assert log.verify().is_clean
            assert again.verify().is_clean
            assert journal_of(log).backend.head().hash != journal_of(again).backend.head().hash

    def test_texts_and_places_come_along_and_leases_do_not(self, log, tmp_path):
        """Artifacts and subscriptions are in the copy; nobody holds its phases."""
        digest = log.artifacts.put("a text")
        log.subscribe("mail", lambda _recorded: None)
        from autopack.ports.backend import Lease

        with journal_of(log).transaction() as transaction:
            transaction.store.put_lease(Lease(key="r1/a", token="t", worker="w", expires_at=1))
        with restore_log(tmp_path / "log.db", tmp_path / "again.db") as again:
            assert "a text" == again.artifacts.get(digest)
            assert 0 == again.subscribe("mail", lambda _recorded: None)
            assert [] == journal_of(again).backend.leases()

    def test_a_place_past_the_end_comes_along_as_the_end(self, log, tmp_path):
        """What a subscription has yet to hand out in the new log is not passed over."""
        head = log.head().position
        with journal_of(log).backend.transaction() as store:
            place = Checkpoint(view="subscription:mail", version=1, position=head + 3)
            store.save_view(place, {}, replace=False)
        with restore_log(tmp_path / "log.db", tmp_path / "new.db") as copy:
            recorded = copy.append("s", [paused()], expected_version=ANY)
            seen = []
            copy.subscribe("mail", seen.append)

        assert recorded == seen

    def test_nothing_is_made_of_a_damaged_source(self, log, tmp_path):
        """A source whose chain does not hold is refused, and no file is left."""
        from autopack.errors import LogDamagedError
        from log.backends.test_verification import edit

        log.close()
        edit(tmp_path / "log.db", "UPDATE events SET data = 'x' WHERE position = 3")
        with pytest.raises(LogDamagedError, match="position 3"):
            restore_log(tmp_path / "log.db", tmp_path / "again.db")

        assert not list(tmp_path.glob("*again*"))

    def test_another_handle_of_an_empty_log_goes_on(self, log, tmp_path):
        """Who had the log open before it took a chain over appends to that chain, and verifies."""
        source = exported(log, tmp_path / "out.ndjson")
        with create_log(tmp_path / "new.db") as new, open_log(tmp_path / "new.db") as other:
            import_history(new, "ndjson", source)
            other.append("run-r9", [created("r9")], expected_version=0)

            assert other.verify().is_clean
            assert new.verify().is_clean
