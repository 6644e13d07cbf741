"""What a log takes can be read by everything; what could not is refused by name."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack import (
    create_log,
    export_history,
    history,
    import_history,
    replay,
    restore_log,
    status,
)
from autopack.cli.main import autopack
from autopack.errors import (
    AutopackError,
    ImportRefusedError,
    InvalidEventError,
    InvalidInputError,
    InvalidNameError,
)
from autopack.events import RunReopened
from autopack.format.chain import link, seed
from autopack.format.cloudevents import to_line
from autopack.format.codec import Codec
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, registry_of
from autopack.ports.log import ANY, NewEvent, UnrecognisedEvent
from autopack.testing.facts import claimed, completed, created, paused, queued, usage
from autopack.values.bounds import DATA_MOST, EARLIEST, LATEST, META_MOST, NESTED_MOST, SCHEMA_MOST

_TICK = timedelta(microseconds=1)
_ZONES = [timezone(timedelta(hours=hours)) for hours in (-14, 0, 14)]
_FAR_ZONE = timezone(-timedelta(hours=23, minutes=59))

moments = st.sampled_from(
    [EARLIEST, EARLIEST + timedelta(days=1), datetime(1970, 1, 1, tzinfo=UTC), LATEST]
) | st.datetimes(
    EARLIEST.replace(tzinfo=None) + timedelta(days=1),
    LATEST.replace(tzinfo=None) - timedelta(days=1),
    timezones=st.sampled_from([UTC, *_ZONES]),
)
names = st.text(
    st.characters(exclude_categories=("C", "Zl", "Zp"), exclude_characters="/"), min_size=1
).filter(lambda text: text == text.strip() and len(text) <= 200)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([-(2**63), 2**63 - 1, 0, 1e308, -0.0, 5e-324])
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


def nested(depth):
    """Return lists in lists."""
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


class TestWhatIsTaken:
    """An accepted event is shown, folded, exported, imported, restored and selected."""

    @settings(max_examples=25, deadline=None)
    @given(
        moment=moments,
        until=moments,
        run=names,
        phase=names,
        payload=values,
        meta=st.dictionaries(names, values, max_size=2),
        schema=st.sampled_from([1, SCHEMA_MOST]),
        kind=names,
    )
    def test_everything_reads_it(
        self, tmp_path_factory, moment, until, run, phase, payload, meta, schema, kind
    ):
        """Extreme times, names, numbers and depths come back the same from every door."""
        folder = tmp_path_factory.mktemp("limits")
        events = [
            (f"run-{run}", created(run)),
            (f"run-{run}", queued(phase, run_id=run, payload={"p": payload})),
            (f"phase-{run}/{phase}", claimed(phase, run_id=run)),
            (f"phase-{run}/{phase}", usage(phase, run_id=run)),
            (f"phase-{run}/{phase}", completed(phase, run_id=run)),
            (f"run-{run}", RunReopened(run_id=run, why="more", not_before=until)),
            (run, UnrecognisedEvent(kind, schema, "no JSON")),
        ]
        with create_log(folder / "log.db") as log:
            for stream, fact in events:
                new = NewEvent(event=fact, occurred_at=moment, meta=meta)
                log.append(stream, [new], expected_version=ANY)
            log.refresh_views()
            rows = [r.row for r in log.read_all()]
            for recorded in log.read_all():
                assert recorded.occurred_at.astimezone(_FAR_ZONE) == moment
                assert recorded.meta == json.loads(json.dumps(meta))
            export_history(log, "ndjson", folder / "out.ndjson")
            export_history(log, "jsonl", folder / "out.jsonl")
            history(log, run)
            status(log)
            log.info()
            for name in registry_of(log).names("projection"):
                replay(log, name)
                replay(log, name, until=moment, clock="occurred")
                replay(log, name, until=moment)
            faults = log.verify(views=True).faults
        with restore_log(folder / "log.db", folder / "again.db") as restored:
            kept = [r.row for r in restored.read_all()]
        with create_log(folder / "new.db") as new_log:
            import_history(new_log, "ndjson", folder / "out.ndjson")
            taken = [r.row for r in new_log.read_all()]
        with create_log(folder / "more.db") as more:
            more.append("s", [paused()], expected_version=0)
            import_history(more, "ndjson", folder / "out.ndjson")
            appended = [r.row[6] for r in more.read_all(after=1)]
        with closing(sqlite3.connect(folder / "log.db")) as connection:
            for view in ("v_events", "v_runs", "v_phases", "v_llm_usage", "v_samples"):
                connection.execute(f"SELECT * FROM {view}").fetchall()
        told = CliRunner().invoke(autopack, ["--log", str(folder / "log.db"), "log", "tail"])

        assert () == faults
        assert rows == kept == taken
        assert [row[6] for row in rows] == appended
        assert 0 == told.exit_code

    def test_the_largest_event_can_be_exported_and_imported(self, tmp_path):
        """Data and meta at their limits, in the form that takes most, are a line of an export."""
        meta = {"m": '"' * ((META_MOST - 20) // 2)}
        with create_log(tmp_path / "log.db") as log:
            fact = UnrecognisedEvent("odd.thing", 1, "x" * DATA_MOST)
            log.append("s" * 420, [NewEvent(event=fact, meta=meta)], expected_version=0)
            export_history(log, "ndjson", tmp_path / "out.ndjson")
            rows = [r.row for r in log.read_all()]
        with create_log(tmp_path / "new.db") as new:
            import_history(new, "ndjson", tmp_path / "out.ndjson")

            assert rows == [r.row for r in new.read_all()]


class TestWhatIsRefused:
    """What some reader could not show is named, and nothing is appended."""

    @pytest.fixture
    def log(self):
        """An empty log."""
        return Log(MemoryBackend())

    @pytest.mark.parametrize(
        "moment",
        [
            datetime(1, 1, 1, tzinfo=_ZONES[-1]),
            EARLIEST - _TICK,
            LATEST + _TICK,
            datetime(9999, 12, 31, 23, tzinfo=_ZONES[0]),
        ],
    )
    def test_a_time_that_no_zone_could_show(self, log, moment):
        """The first and the last day of the calendar are left out, wherever a time stands."""
        new = NewEvent(event=paused(), occurred_at=moment)
        with pytest.raises(InvalidEventError, match="time zone could show"):
            log.append("s", [new], expected_version=0)
        with pytest.raises(InvalidEventError, match=r"not_before: .* time zone could show"):
            RunReopened(run_id="r1", why="more", not_before=moment)

        assert 0 == log.head().position

    @pytest.mark.parametrize("seconds", [-1e12, 1e15, (LATEST + _TICK).timestamp()])
    def test_a_clock_that_cannot_be(self, seconds):
        """An event is not recorded at a time that no reader could show."""
        log = Log(MemoryBackend(), clock=lambda: seconds)
        with pytest.raises(InvalidInputError, match="clock is wrong"):
            log.append("s", [paused()], expected_version=0)

        assert 0 == log.head().position

    @pytest.mark.parametrize(
        ("event", "why"),
        [
            (UnrecognisedEvent("", 1, "{}"), "event type ''"),
            (UnrecognisedEvent(" x.y", 1, "{}"), "starts or ends with a space"),
            (UnrecognisedEvent("x\x00y", 1, "{}"), "cannot be shown"),
            (UnrecognisedEvent("x" * 201, 1, "{}"), "longer than 200"),
            (UnrecognisedEvent("x.y", 0, "{}"), "its schema is 0"),
            (UnrecognisedEvent("x.y", -1, "{}"), "its schema is -1"),
            (UnrecognisedEvent("x.y", 2**40, "{}"), "its schema is 1099511627776"),
            (UnrecognisedEvent("x.y", 1, '"\ud800"'), "UTF-8"),
            (UnrecognisedEvent("x.y", 1, "x" * (DATA_MOST + 1)), "over the limit"),
            (UnrecognisedEvent("x.y", 1, "\u6771" * (DATA_MOST // 3 + 1)), "over the limit"),
        ],
    )
    def test_types_schemas_and_sizes(self, log, event, why):
        """A type is a name, a schema a number from 1, and an event no file."""
        with pytest.raises(InvalidEventError, match=why):
            log.append("s", [event], expected_version=0)

        assert 0 == log.head().position

    @pytest.mark.parametrize(
        ("meta", "why"),
        [
            ({"a": "\ud800"}, "not JSON"),
            ({"a": 2**63}, "64 bits"),
            ({"a": float("nan")}, "not JSON"),
            ({"a": nested(NESTED_MOST + 5)}, "nested more than"),
            ({"a": nested(100_000)}, "not JSON"),
            ({"a": "x" * META_MOST}, "over the limit"),
        ],
    )
    def test_meta_that_would_not_come_back(self, log, meta, why):
        """What an export could not say is refused."""
        with pytest.raises(InvalidEventError, match=why):
            log.append("s", [NewEvent(event=paused(), meta=meta)], expected_version=0)

        assert 0 == log.head().position

    def test_json_that_is_nested_too_deep(self):
        """A payload is refused long before a reader's stack is at its end."""
        queued(payload={"a": nested(NESTED_MOST - 1)})
        with pytest.raises(InvalidEventError, match="nested more than 100 deep"):
            queued(payload={"a": nested(NESTED_MOST + 1)})

    @pytest.mark.parametrize("kept_chain", [True, False])
    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"time": "0001-01-01T00:00:00+14:00"}, "line 1: its time: .* could show it"),
            ({"schemaversion": -1}, "line 1: its schema is -1"),
            ({"schemaversion": 2**40}, "line 1: its schema is"),
            ({"schemaversion": 2**70}, "line 1: "),
            ({"type": ""}, "line 1: its event type ''"),
            ({"type": "\x00a"}, "line 1: its event type"),
            ({"type": "x" * 100_000}, "line 1: its event type 'xxx.*longer than 200"),
            ({"subject": " bad "}, "line 1: its stream ' bad '"),
            ({"subject": "s" * 421}, "line 1: its stream"),
            ({"position": -1}, "position -1"),
            ({"position": 2**70}, "position|line 1"),
            ({"streamversion": -3}, "version -3"),
            ({"streamversion": 2**70}, "version|line 1"),
            ({"recordedat": "9999-12-31T23:59:59+00:00"}, "line 1: its recordedat"),
        ],
    )
    def test_header_fields_of_an_import(self, tmp_path, change, why, kept_chain):
        """What no row can hold is named with its line, whether the chain is kept or not."""
        with create_log(tmp_path / "log.db") as log:
            fact = UnrecognisedEvent("other.thing", 1, "{}")
            log.append("s", [fact], expected_version=0)
            export_history(log, "ndjson", tmp_path / "out.ndjson")
        line = json.loads((tmp_path / "out.ndjson").read_text(encoding="utf-8")) | change
        (tmp_path / "odd.ndjson").write_text(json.dumps(line), encoding="utf-8")
        with create_log(tmp_path / "new.db") as new:
            if not kept_chain:
                new.append("t", [paused()], expected_version=0)
            if not kept_chain and set(change) & {"position", "streamversion", "recordedat"}:
                return  # a log with events gives places and times of its own
            before = new.head().position
            with pytest.raises(ImportRefusedError, match=why):
                import_history(new, "ndjson", tmp_path / "odd.ndjson")

            assert before == new.head().position

    @pytest.mark.parametrize("kept_chain", [True, False])
    @pytest.mark.parametrize(
        "data",
        [
            {"not_before": "0001-01-01T00:00:00+14:00"},
            {"payload": nested(NESTED_MOST + 5)},
        ],
    )
    def test_fields_of_an_imported_event(self, tmp_path, data, kept_chain):
        """An event of a known type must be one that could be made, also under its own hash."""
        fact = queued() if "payload" in data else RunReopened(run_id="r1", why="more")
        (tmp_path / "out.ndjson").write_text(_line_of(fact, data), encoding="utf-8")
        with create_log(tmp_path / "new.db") as new:
            if not kept_chain:
                new.append("t", [paused()], expected_version=0)
            before = new.head().position
            with pytest.raises(AutopackError, match=r"could show it|nested more than"):
                import_history(new, "ndjson", tmp_path / "out.ndjson")

            assert before == new.head().position

    def test_a_stream_that_is_no_name(self, log):
        """A stream's name is printable and not longer than two ids."""
        for stream in ("", " s", "s\x01", "s" * 421):
            with pytest.raises(InvalidNameError):
                log.append(stream, [paused()], expected_version=0)


def _line_of(event, changed):
    """Return a line of an export, with a valid chain, whose event says something else."""
    name, schema, data = Codec().encode(event)
    identity = MemoryBackend().identity
    fields = {"position": 1, "event_id": bytes(16), "stream": "s", "version": 1, "type": name,
              "schema": schema, "occurred_at": 0, "recorded_at": 0, "meta": "",
              "data": json.dumps(json.loads(data) | changed)}  # fmt: skip
    as_bytes = {key: value.encode() if isinstance(value, str) else value
                for key, value in fields.items()}  # fmt: skip
    digest = link(seed(identity.origin_id), **as_bytes)
    return to_line((*fields.values(), digest), identity)
