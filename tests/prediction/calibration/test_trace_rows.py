"""Traces of calls: columns under any name, times of any kind, and what cannot be read."""

import csv
import gzip
import json
from collections import Counter

import pytest

from autopack.errors import InvalidInputError
from autopack.exchange.trace_files import records_of
from autopack.prediction.calibration.trace_rows import needed_for, trace_of


def trace(*records, **columns):
    """Return the records as a trace; the estimator would say 777."""
    return trace_of(records, columns=columns, estimator="deliverables", predict=lambda _: 777)


def test_a_whole_record():
    """Every field that a record tells is read."""
    record = {
        "ts": "2026-01-01T00:00:10Z",
        "duration_s": 5,
        "category": "documentation",
        "complexity": "LOW",
        "model": "m",
        "prompt_tokens": 30,
        "predicted_tokens": 448,
        "completion_tokens": 124,
        "success": False,
        "stop_reason": "max_tokens",
    }
    (row,) = trace(record).rows

    assert (1767225610.0, 1767225615.0) == (row.at, row.known_at)
    assert ("docs", "low", "m", 30, 448) == (
        row.features.category,
        row.features.complexity,
        row.features.model,
        row.features.prompt_tokens,
        row.features.predicted_output_tokens,
    )
    assert (124, False, True) == (
        row.sample.actual_output_tokens,
        row.sample.success,
        row.sample.truncated,
    )


def test_only_an_output():
    """The rest is unknown: the estimator stands in, success is taken for granted."""
    (row,) = trace({"GeneratedTokens": "12"}).rows

    assert ("uncategorised", "medium", 777) == (
        row.features.category,
        row.features.complexity,
        row.features.predicted_output_tokens,
    )
    assert (12, True, False) == (
        row.sample.actual_output_tokens,
        row.sample.success,
        row.sample.truncated,
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01 00:01:00.9799600", 60.97996),
        ("1970-01-01T02:01:00+02:00", 60.0),
        ("60.5", 60.5),
        (60, 60.0),
        ("1970-01-01 00:01:00 UTC", 60.0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 60.0),
        (1_772_445_600, 1_772_445_600.0),
        (1_772_445_600_500, 1_772_445_600.5),
        ("1772445600500000", 1_772_445_600.5),
        (1_772_445_600_500_000_000, 1_772_445_600.5),
    ],
)
def test_times(text, seconds):
    """Times as people and machines write them; no zone is UTC, a number's unit is by its size."""
    (row,) = trace({"ts": text, "output_tokens": 1}).rows

    assert seconds == row.at


def test_rows_are_put_in_order_of_time():
    """The order of the file does not matter where all rows have a time."""
    found = trace({"ts": 9, "output_tokens": 1}, {"ts": 3, "output_tokens": 2})

    assert [2, 1] == [row.sample.actual_output_tokens for row in found.rows]


def test_a_row_without_a_time():
    """The order of the file is the clock then, and the trace says so."""
    found = trace({"ts": 9, "output_tokens": 1}, {"ts": None, "output_tokens": 2})

    assert [1, 2] == [row.sample.actual_output_tokens for row in found.rows]
    assert ("1 rows have no time, so the order of the file is the clock",) == found.notes


def test_a_row_without_an_output():
    """It is set aside."""
    found = trace({"output_tokens": None}, {"output_tokens": 5})

    assert (1, {"no_measurement": 1}) == (len(found.rows), found.set_aside)


def test_a_column_may_begin_late():
    """JSON lines need not all tell the same; only a column that no record has is missed."""
    found = trace({"ts": 1}, {"ts": 2, "tokens": 5, "output_tokens": 7})

    assert (1, {"no_measurement": 1}) == (len(found.rows), found.set_aside)


def test_a_column_without_any_value():
    """A trace of which no row can be used is refused, rather than judged on nothing."""
    with pytest.raises(InvalidInputError, match=r"None of the 2 records .* large its output was"):
        trace({"output_tokens": None}, {"output_tokens": ""})


def test_columns_of_other_names():
    """A column can be named for each field; upper and lower case are alike."""
    (row,) = trace({"Size": 5, "kb": 2}, output_tokens="size", prompt_tokens="KB").rows

    assert (5, 2) == (row.sample.actual_output_tokens, row.features.prompt_tokens)


def test_columns_within_columns():
    """A name with dots leads into what is nested, also where nobody names it."""
    nested = {"output_tokens": 1, "usage": {"Details": {"written": 5}}}
    (row,) = trace(nested, output_tokens="usage.details.written").rows
    (same,) = trace({"a.b": 5, "a": {"b": 7}}, output_tokens="a.b").rows

    assert 5 == row.sample.actual_output_tokens
    assert same.sample.actual_output_tokens in (5, 7)
    with pytest.raises(InvalidInputError, match=r"It has: usage.Details.written\. Needed"):
        trace({"usage": {"Details": {"written": 5}}})


def test_the_first_column_that_says_something():
    """One that is there and empty hides no other."""
    (row,) = trace({"output_tokens": None, "completion_tokens": 500}).rows

    assert 500 == row.sample.actual_output_tokens


@pytest.mark.parametrize(
    ("record", "columns", "seconds"),
    [
        ({"duration_s": 2.5}, {}, 2.5),
        ({"duration_ms": 2500}, {}, 2.5),
        ({"latency_ms": "2500"}, {}, 2.5),
        ({"took": {"durationMs": 2500}}, {"duration_s": "took.durationMs"}, 2.5),
        ({"took": 2500}, {"duration_ms": "took"}, 2.5),
        ({"took": 2500}, {"duration_s": "took"}, 2500.0),
    ],
)
def test_units_of_durations(record, columns, seconds):
    """A column's name says its unit, or who names the column does."""
    (row,) = trace({"at": 10, "output_tokens": 9_000, **record}, **columns).rows

    assert 10 + seconds == row.known_at


def test_durations_that_look_like_milliseconds_are_told():
    """They are never taken for seconds in silence; longer than a week is refused."""
    slow = [{"at": n, "duration_s": 4_000, "output_tokens": 300} for n in range(5)]

    (note,) = trace(*slow).notes
    assert "name them duration_ms" in note
    assert () == trace(*slow, duration_ms="duration_s").notes
    with pytest.raises(InvalidInputError, match=r"duration_s is 700000.*columns of milliseconds"):
        trace({"duration_s": 700_000, "output_tokens": 1})


@pytest.mark.parametrize(
    ("word", "is_success"),
    [("OK", True), ("success", True), ("1.0", True), ("completed", True), (1, True),
     ("failed", False), ("Error", False), ("timed_out", False), (0.0, False)],
)  # fmt: skip
def test_words_of_success(word, is_success):
    """How tools say that something went well, or did not."""
    (row,) = trace({"output_tokens": 1, "success": word}).rows

    assert is_success is row.sample.success


@pytest.mark.parametrize(
    ("record", "columns", "message"),
    [
        (
            {"size": 5},
            {},
            "no column of output sizes. It has: size. Needed is one of: output_tokens, ",
        ),
        ({"output_tokens": 5}, {"model": "m"}, "has no column m"),
        ({"output_tokens": 5}, {"colour": "m"}, "has no field colour"),
        (
            {"output_tokens": -5},
            {},
            "Record 1 of the trace: output_tokens is -5; it must be a whole number from 0 to "
            "9,007,199,254,740,992",
        ),
        ({"output_tokens": 1.5}, {}, "output_tokens is 1.5"),
        ({"output_tokens": 2**53 + 2}, {}, "output_tokens is 9007199254740994; it must be a whole"),
        ({"output_tokens": 2**63}, {}, "output_tokens is 9223372036854775808; it must be"),
        ({"output_tokens": 1e30}, {}, r"output_tokens is 1e\+30; it must be"),
        ({"output_tokens": "9" * 400}, {}, "output_tokens is '9999.*must be a whole number"),
        ({"output_tokens": 5, "prompt_tokens": 1e19}, {}, "prompt_tokens is 1e"),
        ({"output_tokens": 5, "predicted_tokens": 10**400}, {}, "predicted_tokens is 1000"),
        ({"output_tokens": True}, {}, "output_tokens is True"),
        ({"output_tokens": 5, "ts": "noon"}, {}, "ts is 'noon'; it must be a time, as"),
        (
            {"output_tokens": 5, "success": "perhaps"},
            {},
            "success is 'perhaps'; it must be true or false",
        ),
        (
            {"output_tokens": 5, "duration_s": "inf"},
            {},
            "duration_s is 'inf'; it must be a number of seconds",
        ),
    ],
)
def test_what_cannot_be_read(record, columns, message):
    """It is refused with the record, the column and the value."""
    with pytest.raises(InvalidInputError, match=message):
        trace(record, **columns)


RECORDS = [{"output_tokens": "5", "category": "docs"}, {"output_tokens": "7", "category": "é"}]


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson.gz", "t.json", "t.csv", "t.csv.gz"])
def test_files(tmp_path, name):
    """JSON lines, arrays and CSV are read, plain and gzipped, whatever the locale."""
    lines = [json.dumps(one) for one in RECORDS]
    if name == "t.json":
        lines = [json.dumps(RECORDS, indent=1)]
    if ".csv" in name:
        lines = ["output_tokens,category", *(",".join(one.values()) for one in RECORDS)]
    data = ("\n".join(lines) + "\n\n").encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)

    assert RECORDS == list(records_of(tmp_path / name, needed=needed_for("output_tokens")))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.txt", b"", "its name must end in"),
        ("none.csv", None, "There is no file"),
        ("t.jsonl", b"{}\n[]\n", "line 2: a list, not an object"),
        ("t.jsonl", b"{}\n{\n", "line 2: not JSON"),
        ("t.csv.gz", b"plain", "cannot be read as a trace"),
        ("t.csv", b"a\n\xff\n", "cannot be read as a trace"),
        ("t.csv", b"a\n1,2\n", "more cells than the header"),
        ("t.jsonl", b"\n", "holds no records. Needed is one of: output_tokens"),
        ("t.csv", b"", "holds no records. Needed is one of: output_tokens"),
        (
            "t.csv.gz",
            gzip.compress(b"ts,size\n\n", mtime=0),
            "no row below its header: ts, size. Needed",
        ),
    ],
)
def test_files_that_are_no_traces(tmp_path, name, data, message):
    """They are refused with the file and the line."""
    if data is not None:
        (tmp_path / name).write_bytes(data)

    with pytest.raises(InvalidInputError, match=message):
        list(records_of(tmp_path / name, needed=needed_for("output_tokens")))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.jsonl", b'{"a": 1}\n{\n[]\n{"a": 2}\n'),
        ("t.json", b'[{"a": 1}, 3, null, {"a": 2}]'),
        ("t.csv", b"a\n1\n2,3\n4,5\n2\n"),
        ("t.csv", b"a\n1\n" + b"x" * 140_000 + b"\n4,5\n2\n"),
        ("t.jsonl", b'{"a": 1}\n{"b": "' + b"x" * 2**24 + b'"}\n{\n{"a": 2}\n'),
        ("t.jsonl.gz", gzip.compress(b'{"a": 1}\n{"a": \n3\n{"a": 2}\n')),
    ],
    ids=["lines", "array", "csv", "csv-huge", "lines-huge", "packed"],
)
def test_bad_lines_are_counted(tmp_path, name, data):
    """Where they are counted, they stop nothing; the records around them are there."""
    csv.field_size_limit(2**30)  # as other readers of this process may have left it
    (tmp_path / name).write_bytes(data)
    aside = Counter()
    found = list(records_of(tmp_path / name, needed=needed_for("output_tokens"), set_aside=aside))

    assert ["1", "2"] == [str(one["a"]) for one in found]
    assert {"unreadable_lines": 2} == aside


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("name", ["t.jsonl", "t.csv"])
def test_encodings_are_known_by_their_mark(tmp_path, name, encoding):
    """As tables are saved by some, which begin with it."""
    text = "é\n1\n" if name == "t.csv" else '{"é": 1}\n'
    mark = "" if encoding in ("utf-16", "utf-32", "utf-8-sig") else "\ufeff"
    (tmp_path / name).write_bytes(f"{mark}{text}".encode(encoding))

    assert ["é"] == [*next(records_of(tmp_path / name, needed=needed_for("output_tokens")))]


def test_what_can_be_read_of_a_damaged_file_is(tmp_path):
    """Bytes that are no UTF-8 are replaced; a packed file that was cut ends there, and is said."""
    whole = gzip.compress(b"".join(b'{"a": "%d \xff"}\n' % n for n in range(50_000)))
    (tmp_path / "t.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    aside = Counter()
    found = list(
        records_of(tmp_path / "t.jsonl.gz", needed=needed_for("output_tokens"), set_aside=aside)
    )

    assert 1_000 < len(found) < 50_000
    assert {"a": "0 \ufffd"} == found[0]
    assert {"rest_that_cannot_be_read": 1} == aside


def test_a_record_that_stands_there_twice():
    """The same record of the same moment is one; without a moment, equal outputs are several."""
    timed = {"ts": 60, "completion_tokens": 5, "text": "a"}
    found = trace(timed, {"ts": 61, "completion_tokens": 7}, dict(timed), timed | {"text": "b"})
    untimed = trace(*[{"completion_tokens": 5}] * 3)

    assert [5, 5, 7] == [row.sample.actual_output_tokens for row in found.rows]
    assert {"repeat": 1} == dict(found.set_aside)
    assert 3 == len(untimed.rows)


def test_a_call_counts_once_by_its_id():
    """Where it stood first, as it was told with the largest output."""
    found = trace(
        {"ts": 60, "request_id": "a", "completion_tokens": 5},
        {"ts": 61, "request_id": "b", "completion_tokens": 7},
        {"ts": 62, "request_id": "a", "completion_tokens": 9},
        {"ts": 63, "request_id": "b", "completion_tokens": 3},
    )

    assert [7, 9] == [row.sample.actual_output_tokens for row in found.rows]
    assert {"repeat": 2} == dict(found.set_aside)


def test_records_that_cannot_be_read_are_counted():
    """They stop nothing, as long as another one can be read."""
    good = {"completion_tokens": 5}
    found = trace({"completion_tokens": -1}, good, {**good, "latency_s": 1e9}, good)

    assert [5, 5] == [row.sample.actual_output_tokens for row in found.rows]
    assert {"values_that_cannot_be_read": 2} == dict(found.set_aside)


def test_samples_tell_what_came_first():
    """Their positions are those of a log: asked for, and ended, in the order of time."""
    found = trace(
        {"ts": 10, "duration_s": 5, "completion_tokens": 1},
        {"ts": 15, "completion_tokens": 2},
        {"ts": 12, "duration_s": 9, "completion_tokens": 3},
    )
    positions = {
        row.sample.actual_output_tokens: (row.sample.position, row.sample.ended_position)
        for row in found.rows
    }

    assert {1: (1, 3), 3: (2, 6), 2: (4, 5)} == positions
