"""Tables for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.report.cells import cells
from autopack.report.plain_tables import bar, markdown_table, table_lines

ROWS = [("a", "1"), ("long name", "1,200")]


def test_figures_stand_to_the_right():
    """Texts to the left; no blank ends a line."""
    assert ["name           n", "a              1", "long name  1,200"] == table_lines(
        ("name", "n"), ROWS, figures=("n",)
    )
    assert ["    n  name", "    1  a", "1,200  long name"] == table_lines(
        ("n", "name"), [row[::-1] for row in ROWS], figures=("n",)
    )


def test_markdown_says_the_same():
    """With the side on which a column stands."""
    assert ["| name | n |", "|---|--:|", "| a | 1 |", "| long name | 1,200 |"] == markdown_table(
        ("name", "n"), ROWS, figures=("n",)
    )


@pytest.mark.parametrize(("share", "n"), [(0, 0), (0.001, 1), (0.5, 5), (1, 10)])
def test_a_bar_is_as_long_as_its_share(share, n):
    """What is not nothing is seen."""
    assert "#" * n == bar(share, width=10, mark="#")


def test_columns_of_figures_are_seen():
    """Thousands, shares, seconds, what is unknown; a column of names that are numbers is first."""
    rows = [("17", "1,200", "-", "7 %", "3 of 4"), ("8", "7", "0.5", "≥ 12.50", "-")]

    assert [
        "id      n    x        y  z",
        "17  1,200    -      7 %  3 of 4",
        "8       7  0.5  ≥ 12.50  -",
    ] == table_lines(("id", "n", "x", "y", "z"), rows)


NAMES = [("nightly/a-rather-long-name-17", "3,424", "first of 17 ready, by run and index"),
         ("nightly/a-rather-long-name-18", "12,288", "-")]  # fmt: skip


def test_prose_gives_way_first_and_then_names_are_cut_in_the_middle():
    """Names that differ at their ends can be told apart; figures stay whole."""
    assert [
        "phase                          predicted  reason",
        "nightly/a-rather-long-name-17      3,424  first of 17 ready, by",
        "                                          run and index",
        "nightly/a-rather-long-name-18     12,288  -",
    ] == table_lines(("phase", "predicted", "reason"), NAMES, width=66)
    assert [
        "phase             predicted  reason",
        "nightly…-name-17      3,424  first of 17 ready, by",
        "                             run and index",
        "nightly…-name-18     12,288  -",
    ] == table_lines(("phase", "predicted", "reason"), NAMES, width=53)


def test_prose_takes_three_lines_at_most():
    """What is left of it is for --json, or for a wider terminal."""
    told = table_lines(("phase", "why"), [("a", "one and another " * 20)], width=40)

    assert 4 == len(told)
    assert told[-1].endswith("…")


def test_without_a_terminal_nothing_is_cut():
    """A row is a line, whatever its width."""
    assert 3 == len(table_lines(("phase", "predicted", "reason"), NAMES))
    assert ["a  b"] == table_lines(("a", "b"), [], width=80)


CELLS = st.text(st.sampled_from("ab -日本🎉1"), max_size=40)


@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5), width=st.integers(34, 120))
def test_a_narrow_table_fits(rows, width):
    """Whatever the cells, no line is wider than the terminal."""
    assert [] == [
        line for line in table_lines(("a", "b", "c"), rows, width=width) if cells(line) > width
    ]
