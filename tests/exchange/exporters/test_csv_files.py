"""Views as CSV: exact, whole or not there, and nothing that a spreadsheet computes."""

import csv
import gzip

import pytest

from autopack import PhaseSpec, attempt, create_log, create_run, export_history
from autopack.errors import InvalidInputError, LogExistsError

FORMULA = '=HYPERLINK("http://x","y")'


@pytest.fixture
def log(tmp_path):
    """A log whose names are somebody else's words."""
    with create_log(tmp_path / "log.db") as made:
        create_run(made, "r", [PhaseSpec("p", goal=FORMULA), PhaseSpec("q", goal='a "b",\r\nc')])
        with attempt(made, "r/p") as work:
            work.record_usage(call_id="-c", model="m", output_tokens=5, cost_usd="0.000000000001")
        yield made


def read(path, opened=open):
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_view_is_a_header_and_rows(log, tmp_path):
    """Unknown is empty and never 0, costs are exact, and how many rows there are is returned."""
    assert 1 == export_history(log, "csv", tmp_path / "usage.csv")
    (row,) = read(tmp_path / "usage.csv")

    assert ("", "5", "") == (row["input_tokens"], row["output_tokens"], row["total_tokens"])
    assert ("0.000000000001", "1") == (row["cost_usd"], row["cost_pico_usd"])
    assert ("false", "1") == (row["is_late"], row["attempt"])
    assert row["occurred_at_utc"].endswith("Z")


def test_texts_are_kept_and_formulas_are_not_computed(log, tmp_path):
    """Quotes, commas and lines come back; what begins like a formula has an apostrophe before."""
    export_history(log, "csv", tmp_path / "out.csv", view="phases")
    export_history(log, "csv", tmp_path / "calls.csv", view="usage")

    assert [f"'{FORMULA}", 'a "b",\r\nc'] == [row["goal"] for row in read(tmp_path / "out.csv")]
    assert ["'-c"] == [row["call_id"] for row in read(tmp_path / "calls.csv")]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_every_beginning_of_a_formula_is_known(begin, tmp_path):
    """In spreadsheets of any country."""
    with create_log("memory:") as log:
        create_run(log, "r", [PhaseSpec("p", goal=f"{begin}1+1")])
        export_history(log, "csv", tmp_path / "phases.csv")

    assert [f"'{begin}1+1"] == [row["goal"] for row in read(tmp_path / "phases.csv")]


def test_a_packed_name_packs(log, tmp_path):
    """The view is that of the name."""
    export_history(log, "csv", tmp_path / "phases.csv.gz")

    assert ["p", "q"] == [row["phase_id"] for row in read(tmp_path / "phases.csv.gz", gzip.open)]


def test_an_export_is_of_one_moment(log, tmp_path):
    """The past of a log has fewer rows."""
    export_history(log.as_of(2), "csv", tmp_path / "phases.csv")

    assert ["p"] == [row["phase_id"] for row in read(tmp_path / "phases.csv")]


def test_what_is_there_is_left_alone_and_no_half_is_left(log, tmp_path, monkeypatch):
    """A name that is taken is refused, and an export that fails leaves nothing."""
    (tmp_path / "usage.csv").write_text("mine", encoding="utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(LogExistsError):
        export_history(log, "csv", tmp_path / "usage.csv")
    monkeypatch.setattr("autopack.exchange.exporters.csv_files._TEXTS", {"text": lambda _: 1 / 0})
    with pytest.raises(ZeroDivisionError):
        export_history(log, "csv", tmp_path / "events.csv")

    assert "mine" == (tmp_path / "usage.csv").read_text(encoding="utf-8")
    assert before == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "view", "said"),
    [
        ("csv", None, "This form holds one view"),
        ("csv", "usge", "Did you mean 'usage'"),
        ("jsonl", "usage", "writes all of the log"),
    ],
)
def test_a_view_that_cannot_be_written_is_refused(log, tmp_path, kind, view, said):
    """By name and value, and nothing is made."""
    with pytest.raises(InvalidInputError, match=said) as refused:
        export_history(log, kind, tmp_path / "out", view=view)

    assert ("view", view) == (refused.value.name, refused.value.value)
    assert not (tmp_path / "out").exists()
