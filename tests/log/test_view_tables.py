"""The SQL views as typed tables: of every kind of log, as of any position, in batches."""

import tracemalloc
from datetime import UTC
from decimal import Decimal

import pytest

from autopack import PhaseSpec, amend_usage, attempt, create_log, create_run, read_table
from autopack.errors import InvalidInputError
from autopack.log.backends.sqlite.sqlviews import SQL_VIEWS
from autopack.log.view_columns import COLUMNS
from autopack.testing.facts import usage
from log.backends.test_sqlviews import COLUMNS as SQL_COLUMNS
from log.backends.test_sqlviews import select


@pytest.fixture(params=["file", "memory"])
def log(request, tmp_path):
    """A log with two calls, of which one tells little."""
    with create_log(tmp_path / "log.db" if request.param == "file" else "memory:") as made:
        create_run(made, "r", [PhaseSpec("p", category="docs", complexity="low")])
        with attempt(made, "r/p") as work:
            work.record_usage(
                call_id="c-1", model="m", input_tokens=70, output_tokens=30, cost_usd=0.1
            )
            work.record_usage(call_id="c-2", model="m", output_tokens=5)
        yield made


def rows_of(table, rows=100):
    return [
        dict(zip(batch, cells, strict=True))
        for batch in table.batches(rows)
        for cells in zip(*batch.values(), strict=True)
    ]


def test_the_columns_are_those_of_the_views(tmp_path):
    """Every view and every column of it, and each says what it holds."""
    create_log(tmp_path / "log.db").close()
    told = {name: [column.name for column in columns] for name, columns in COLUMNS.items()}

    assert len(SQL_VIEWS) == len(told)
    for sql, short in zip(SQL_COLUMNS, told, strict=True):
        assert SQL_COLUMNS[sql].split() == told[short]
        assert told[short] == [
            row[1] for row in select(tmp_path / "log.db", f"PRAGMA table_info({sql})")
        ]
    assert all(column.doc.endswith(".") for columns in COLUMNS.values() for column in columns)


def test_cells_have_the_types_that_their_names_tell(log):
    """Whole numbers, exact decimals, moments in UTC, and None for what nobody knows."""
    first, second = rows_of(read_table(log, "usage"))

    assert (70, 30, 100, Decimal("0.1")) == (
        first["input_tokens"], first["output_tokens"], first["total_tokens"], first["cost_usd"],
    )  # fmt: skip
    assert (None, 5, None, None) == (
        second["input_tokens"], second["output_tokens"], second["total_tokens"],
        second["cost_usd"],
    )  # fmt: skip
    assert UTC == first["occurred_at_utc"].tzinfo
    assert [False, False] == [first["is_late"], second["is_amended"]]


def test_a_table_is_of_one_position(log):
    """What comes later is not in it, and the past has its own."""
    table, past = read_table(log, "usage"), read_table(log.as_of(log.head().position - 3), "usage")
    amend_usage(log, call_id="c-1", output_tokens=40, why="told again")

    assert [30, 5] == [row["output_tokens"] for row in rows_of(table)]
    assert [30] == [row["output_tokens"] for row in rows_of(past)]
    assert [40, 5] == [row["output_tokens"] for row in rows_of(read_table(log, "v_llm_usage"))]


def test_a_table_comes_in_batches(log):
    """Of so many rows at most, and none is empty."""
    table = read_table(log, "events")
    sizes = [len(batch["position"]) for batch in table.batches(4)]

    assert log.head().position == sum(sizes)
    assert max(sizes) <= 4
    assert 0 not in sizes
    assert rows_of(table, 1) == rows_of(table, 1000)


@pytest.mark.parametrize("view", ["runs", "phases", "usage", "samples"])
def test_an_empty_log_has_no_batches(view):
    """Its columns are known all the same."""
    with create_log("memory:") as empty:
        table = read_table(empty, view)

        assert [] == list(table.batches())
        assert COLUMNS[view] == table.columns


@pytest.mark.parametrize("rows", [0, -1, 1.5, True])
def test_batches_have_a_row_at_least(log, rows):
    """A wrong size is refused by name."""
    with pytest.raises(InvalidInputError, match="rows"):
        list(read_table(log, "runs").batches(rows))


def test_a_view_that_is_none_is_refused(log):
    """With those that there are, and the nearest."""
    with pytest.raises(InvalidInputError, match="Did you mean 'usage'") as refused:
        read_table(log, "usge")

    assert ("view", "usge") == (refused.value.name, refused.value.value)


def test_memory_is_that_of_a_batch(tmp_path):
    """Four times the rows need no more of it."""
    peaks = {}
    for times in (1, 4):
        with create_log(tmp_path / f"{times}.db") as log:
            calls = [usage(call_id=f"c{n}") for n in range(3_000 * times)]
            log.append("run-r1", calls, expected_version=0)
            tracemalloc.start()
            n_rows = sum(len(b["position"]) for b in read_table(log, "usage").batches(500))
            peaks[times] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()

        assert 3_000 * times == n_rows
    assert peaks[4] < 1.3 * peaks[1]
