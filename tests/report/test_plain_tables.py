"""Tables for people."""

import pytest

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
