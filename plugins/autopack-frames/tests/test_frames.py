"""Frames of the views: typed, exact, of any moment, in batches."""

import subprocess
import sys
from decimal import Decimal

import pytest

import autopack_frames
from autopack.errors import InvalidInputError
from autopack_frames import batches, columns, frame, frames

LIBRARIES = ["polars", "pandas"]


def values(found, name):
    """Return a column's cells, None for what is not known."""
    cells = found[name].to_list() if hasattr(found[name], "to_list") else list(found[name])
    return [None if cell is None or str(cell) == "<NA>" else cell for cell in cells]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_frame_keeps_types(log, library):
    """Whole numbers stay whole beside unknown ones, whatever their size; costs are exact."""
    usage = frame(log, "usage", library=library)

    assert [70, None] == values(usage, "input_tokens")
    assert {int} == {type(cell) for cell in values(usage, "output_tokens")}
    assert 2**53 + 1 == values(usage, "cost_pico_usd")[0]
    assert [Decimal("9007.199254740993"), Decimal("0.2")] == values(usage, "cost_usd")
    assert Decimal("9007.399254740993") == usage["cost_usd"].sum()
    assert [False, False] == values(usage, "is_late")
    assert all(moment.tzinfo is not None for moment in values(usage, "occurred_at_utc"))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_log_may_be_a_path_and_of_any_moment(log, tmp_path, library):
    """What came later is not in the frame."""
    then = log.head().position - 3

    assert 2 == len(frame(tmp_path / "log.db", "usage", library=library))
    assert 1 == len(frame(str(tmp_path / "log.db"), "usage", until=then, library=library))
    assert 1 == len(frame(log, "usage", until=then, library=library))


def test_every_view_has_a_frame(log):
    """By its name; another is no key."""
    found = frames(log)

    assert ["events", "runs", "phases", "usage", "samples"] == list(found)
    assert [log.head().position, 1, 1, 2, 1] == [len(found[name]) for name in found]
    assert "other" not in found


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_view_comes_in_batches(log, library):
    """All of one schema, with nothing lost."""
    whole = frame(log, "events", library=library)
    parts = list(batches(log, "events", rows=2, library=library))

    assert [2] * (len(whole) // 2) == [len(part) for part in parts if len(part) == 2]
    assert values(whole, "position") == [p for part in parts for p in values(part, "position")]
    assert 1 == len({str(list(part.dtypes)) for part in parts})


def test_an_empty_view_has_its_columns(log):
    """And their types."""
    empty, full = (frame(log, "usage", until=until, library="polars") for until in (1, None))

    assert 0 == len(empty)
    assert full.schema == empty.schema


def test_columns_say_what_they_hold():
    """Name, kind and a sentence."""
    (cost,) = [column for column in columns("usage") if column.name == "cost_usd"]

    assert ("usd", "What it cost, exactly.") == (cost.kind, cost.doc)


def test_what_cannot_be_is_refused(log):
    """A view, a library or a size that is none."""
    with pytest.raises(InvalidInputError, match="Did you mean 'usage'"):
        frame(log, "usge")
    with pytest.raises(InvalidInputError, match="polars, pandas"):
        frame(log, "usage", library="spark")
    with pytest.raises(InvalidInputError, match="rows"):
        list(batches(log, "usage", rows=0))


def test_a_library_that_is_not_there_is_named(log, monkeypatch):
    """With what installs it; the other one is taken if none is asked for."""
    monkeypatch.setattr(autopack_frames.view_frames, "find_spec", lambda name: None)
    with pytest.raises(InvalidInputError, match=r"autopack-frames\[polars\]"):
        frame(log, "usage")


def test_the_plugin_is_light():
    """Loading it, and listing exporters, loads no library of frames."""
    code = (
        "import sys, autopack, autopack_frames.plugin; "
        "autopack.load_plugins().names('exporter'); "
        "print([m for m in ('pyarrow', 'polars', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
