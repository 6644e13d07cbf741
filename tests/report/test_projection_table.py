"""Rows of a projection as a table."""

from autopack.report.projection_table import rows_lines


def lines(rows, **how):
    """Return rows as lines, with plain texts."""
    return rows_lines(rows, str, lambda name: name.replace("_", " "), **how)


ROWS = {
    "r/a": {"run_id": "r", "status": "DONE", "seconds": 2, "category": "docs", "reason": None},
    "r/b": {"run_id": "r", "status": "OPEN", "lease_token": "x", "category": "docs", "order": 3},
}


def test_what_all_rows_say_is_said_once():
    """And what only machines need is left out; what a row does not tell is a dash."""
    assert [
        "all: category docs",
        "     status  seconds",
        "r/a  DONE          2",
        "r/b  OPEN          -",
    ] == lines(ROWS)


def test_one_row_says_all_of_it():
    """Nothing is shared by one."""
    assert ["     status  category  seconds", "r/a  DONE    docs            2"] == lines(
        {"r/a": ROWS["r/a"]}
    )


def test_nothing_is_told_apart_from_zero():
    """No tokens were used, or nobody knows."""
    assert ["     tokens", "r/a       0", "r/b       -", "r/c       5"] == lines(
        {"r/a": {"tokens": 0}, "r/b": {"tokens": None}, "r/c": {"tokens": 5}}
    )


def test_columns_without_room_are_named():
    """As many as fit stand there."""
    rows = {f"r/{n}": {"status": "OPEN", "calls": n, "zeal": f"{n}" * 20} for n in (1, 2)}
    found = lines(rows, width=24)

    assert ["     status  calls", "r/1  OPEN        1", "r/2  OPEN        2"] == found[:-1]
    assert "+1 more: zeal; --json has all" == found[-1]
    assert all(len(line) <= 24 for line in found[:-1])


def test_rows_that_are_no_objects_are_a_line_each():
    """As those of a projection by a function may be."""
    assert ["a: 1", "b: [2]"] == lines({"a": 1, "b": [2]})
    assert [] == lines({})
