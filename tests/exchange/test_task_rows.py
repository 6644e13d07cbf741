"""Rows as tasks: which column says what, and by which id a row is known again."""

import pytest

from autopack.errors import InvalidInputError
from autopack.exchange.task_rows import ROW_LABEL, placeholder_of, tasks_of


def test_a_rows_columns_say_what_its_phase_is():
    """The usual columns are taken; the whole row is the payload."""
    row = {"id": 7, "prompt": "sum it", "model": "m", "category": "docs", "first name": "Ada"}
    (task,) = tasks_of([row])

    assert ("7", "sum it", "m", "docs", "medium") == (
        task.spec.id, task.spec.goal, task.spec.model, task.spec.category, task.spec.complexity,
    )  # fmt: skip
    assert {**row, "first_name": "Ada"}.items() - {("first name", "Ada")} == (
        task.spec.payload.items()
    )
    assert {ROW_LABEL: task.digest} == task.spec.labels


def test_columns_can_be_named_and_missing_figures_given():
    """Where a table has other names; a cell that is empty says nothing."""
    rows = [{"nr": "1", "ask": "one", "model": ""}, {"nr": "2", "ask": "two", "model": "big"}]
    tasks = tasks_of(rows, id="nr", goal="ask", model="small", category="docs", max_attempts=2)

    assert [("1", "one", "small"), ("2", "two", "big")] == [
        (task.row_id, task.spec.goal, task.spec.model) for task in tasks
    ]
    assert {("docs", 2)} == {(task.spec.category, task.spec.max_attempts) for task in tasks}


def test_a_row_without_an_id_is_known_by_what_it_says():
    """The order of its columns does not matter; said twice it is one task."""
    one, again, other = tasks_of([{"a": 1, "b": 2}]), tasks_of([{"b": 2, "a": 1}]), tasks_of(["x"])
    twice = tasks_of(["x", "x", {"goal": "x"}])

    assert one[0].row_id == again[0].row_id == one[0].digest
    assert [other[0].row_id] == [task.row_id for task in twice]


@pytest.mark.parametrize(
    ("rows", "columns", "told"),
    [
        ([{"id": "a", "x": 1}, {"id": "a", "x": 2}], {}, "Row 2 has the id 'a' of a row before"),
        ([{"id": "a", "ask": "x"}], {"goal": "aks"}, "Did you mean 'ask'? It has: id, ask."),
        ([{"id": ""}], {}, "Row 1: "),
        ([{"id": "a\nb"}], {}, "Row 1: "),
        ([{"id": "a", "x": {1, 2}}], {}, "Row 1 is no table of JSON values"),
        ([{"id": "a", "x": float("nan")}], {}, "Row 1 is no table of JSON values"),
        ([{"a b": 1, "a_b": 2}], {}, "two columns would both be {a_b}"),
    ],
)
def test_rows_that_cannot_be_told_apart_are_refused(rows, columns, told):
    """By their number, before anything is queued."""
    with pytest.raises(InvalidInputError) as refused:
        tasks_of(rows, **columns)

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("column", "name"),
    [("city", "city"), (" first name ", "first_name"), ("2nd", "_2nd"), ("größe-x", "größe_x")],
)
def test_a_column_has_a_name_that_a_placeholder_can_have(column, name):
    """Words are joined; a digit does not come first."""
    assert name == placeholder_of(column)
