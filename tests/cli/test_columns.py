"""Tables as plain columns, folded where a terminal is narrow."""

from hypothesis import given
from hypothesis import strategies as st

from autopack.cli.columns import columns

HEADER = ("phase", "predicted_output_tokens", "reason")
ROWS = [
    ("nightly/a-phase", "3424", "first of 17 ready, by run and index"),
    ("nightly/another-phase", "12288", "-"),
]


def test_what_fits_is_left_as_it_is():
    """With room, and without a terminal, a row is a line."""
    wide = columns(HEADER, ROWS, width=200)

    assert wide == columns(HEADER, ROWS)
    assert [
        "phase                  predicted_output_tokens  reason",
        "nightly/a-phase        3424                     first of 17 ready, by run and index",
        "nightly/another-phase  12288                    -",
    ] == wide


def test_headers_then_prose_are_folded_first():
    """A name that is pasted stays whole as long as something else can give way."""
    assert [
        "phase                  predicted  reason",
        "                       output",
        "                       tokens",
        "nightly/a-phase        3424       first of 17 ready,",
        "                                  by run and index",
        "nightly/another-phase  12288      -",
    ] == columns(HEADER, ROWS, width=54)


def test_an_empty_table_is_its_header():
    """No rows is no fault, folded or not."""
    assert ["a  b"] == columns(("a", "b"), [], width=80)


cells = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


@given(rows=st.lists(st.tuples(cells, cells, cells), max_size=5), width=st.integers(30, 120))
def test_a_narrow_table_fits_and_loses_nothing(rows, width):
    """Whatever the cells, no line is wider than the terminal and every character is there."""
    lines = columns(("a", "b", "c"), rows, width=width)
    shown = "".join(lines).replace(" ", "")

    assert all(len(line) <= width for line in lines)
    assert sorted("".join(cell for row in rows for cell in row)) == sorted(
        shown.removeprefix("abc")
    )
