"""Importer ``records``: calls from any table, each once, whatever its columns are called."""

import csv
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import create_log, find_histories, import_history, status
from autopack.errors import ImportRefusedError, InvalidInputError
from autopack.exchange.importers.records import RecordImporter
from autopack.testing.importers import ImporterContract
from drains import found

ROWS = [
    {"id": "a", "ts": 1_772_445_600_000, "model": "m", "prompt_tokens": 100, "output_tokens": 20,
     "cost": "0.25", "latency_ms": 1500, "success": "ok", "run": "r", "phase": "p1"},
    {"id": "b", "ts": 1_772_445_660_000, "model": "m", "prompt_tokens": 200, "output_tokens": 30,
     "cost": "0.50", "latency_ms": 2500, "success": "failed", "run": "r", "phase": "p2"},
]  # fmt: skip


def write(path, rows):
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def log():
    with create_log("memory:") as made:
        yield made


class TestRecords(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return RecordImporter()

    def write_source(self, folder):
        return write(folder / "calls.jsonl", ROWS)


@pytest.mark.parametrize("name", ["c.jsonl", "c.json", "c.csv"])
def test_every_form_tells_the_same_calls(log, tmp_path, name):
    """Tokens, cost, time in milliseconds, and how phases ended, in the words of others."""
    import_history(log, "records", write(tmp_path / name, ROWS))
    again = import_history(log, "records", write(tmp_path / "again.jsonl", ROWS))

    used = found(log, "llm.usage_recorded")
    assert [("a", 100, 20, "0.25", 1.5), ("b", 200, 30, "0.5", 2.5)] == [
        (one.call_id, one.input_tokens, one.output_tokens, str(one.cost_usd), one.duration_s)
        for one in used
    ]
    assert ["p1"] == [one.phase_id for one in found(log, "phase.completed")]
    assert [("p2", "recorded")] == [(one.phase_id, one.code) for one in found(log, "phase.failed")]
    assert 0 == again.added
    assert "2026-03-02T10:00:00+00:00" == next(
        one.occurred_at.isoformat() for one in log.read_all() if one.type == "llm.usage_recorded"
    )


def test_columns_of_other_names(log, tmp_path):
    """A column is named for each field, also within others."""
    rows = [{"key": "a", "usage": {"in": 7, "out": {"all": 5}}, "took": 250}]
    columns = {"call_id": "key", "input_tokens": "usage.in", "output_tokens": "usage.out.all",
               "duration_ms": "took"}  # fmt: skip
    import_history(log, "records", write(tmp_path / "c.jsonl", rows), columns=columns)

    (one,) = found(log, "llm.usage_recorded")
    assert ("a", 7, 5, 0.25) == (one.call_id, one.input_tokens, one.output_tokens, one.duration_s)


def test_bad_records_are_counted(log, tmp_path):
    """Each by its reason; the others are there."""
    path = write(tmp_path / "c.jsonl", [*ROWS, {"id": "c", "output_tokens": -1}, {"id": "d"}])
    with path.open("a", encoding="utf-8") as file:
        file.write('[1]\n{"half\n{"id": "e", "output_tokens": 3, "reasoning_tokens": 9}\n')
    report = import_history(log, "records", path)

    assert {
        "values_that_cannot_be_read": 1, "records_without_figures": 1, "unreadable_lines": 2,
        "figures_that_do_not_fit_together": 1,
    } == dict(report.findings["set_aside"])  # fmt: skip
    assert 2 == status(log).calls


def test_without_an_id_a_record_is_what_it_says(log, tmp_path):
    """Two that say the same are one call; one that grew is another."""
    rows = [
        {"output_tokens": 5, "ts": 3},
        {"output_tokens": 5, "ts": 3},
        {"output_tokens": 5, "ts": 4},
    ]
    import_history(log, "records", write(tmp_path / "c.jsonl", rows))

    assert (2, 10) == (status(log).calls, status(log).output_tokens)


@given(seed=st.integers(0, 10**6))
def test_order_and_repeats_do_not_matter(tmp_path_factory, seed):
    """Records in any order and form, any of them again, over several imports: the same totals."""
    drawn, folder = random.Random(seed), tmp_path_factory.mktemp("x")
    with create_log("memory:") as log:
        for turn in range(3):
            some = drawn.choices(ROWS, k=3) + (ROWS if turn == 2 else [])
            name = drawn.choice(["c.jsonl", "c.json", "c.csv"])
            import_history(log, "records", write(folder / name, drawn.sample(some, len(some))))

        assert (2, 350) == (status(log).calls, status(log).total_tokens)


def test_what_is_no_table_is_refused(log, tmp_path):
    """A column for no field, columns for another importer, and a table without sizes."""
    path = write(tmp_path / "c.jsonl", ROWS)
    with pytest.raises(InvalidInputError, match="no field colour"):
        import_history(log, "records", path, columns={"colour": "x"})
    with pytest.raises(InvalidInputError, match="knows its own columns"):
        import_history(log, "ndjson", path, columns={"at": "x"})
    (tmp_path / "c.xml").write_text("<a/>", encoding="utf-8")
    with pytest.raises(ImportRefusedError, match="is no trace"):
        import_history(log, "records", tmp_path / "c.xml")
    with pytest.raises(InvalidInputError, match="no column of sizes"):
        import_history(log, "records", write(tmp_path / "d.jsonl", [{"id": "a"}]))


def test_a_tools_own_importer_comes_first(tmp_path):
    """A table that a tool's importer knows is left to that one."""
    from types import SimpleNamespace

    from autopack import hookimpl, load_plugins

    own = SimpleNamespace(
        name="own", recognises=lambda path: path.endswith("mine.jsonl"), read=None
    )

    @hookimpl
    def autopack_register_importers(register):
        register("own", own)

    plugins = load_plugins(
        extra=[SimpleNamespace(autopack_register_importers=autopack_register_importers)]
    )
    with create_log("memory:", plugins=plugins) as log:
        tables = [write(tmp_path / name, ROWS) for name in ("mine.jsonl", "other.jsonl")]
        names = [[one.importer for one in find_histories(log, home=path)] for path in tables]

    assert [["own"], ["records"]] == names
