"""Reports in Markdown, as a terminal shows them."""

from autopack.report.escaping import in_code, in_markdown
from autopack.report.markdown_text import markdown_as_text
from autopack.report.plain_tables import markdown_table

EVIL = "a|b `c` *d* <e> [f](g) & https://h.example #i _j_ \\k"


def test_tables_are_columns():
    """Figures to the right, without a mark or a bar; prose stays where it is."""
    table = markdown_table(("group", "n"), [("docs", "7"), ("tests", "1,200")], figures=("n",))
    text = markdown_as_text("\n".join(["# Calibration", "", "Two groups.", "", *table, "", "End."]))

    assert [
        "Calibration", "===========", "", "Two groups.", "",
        "group      n", "docs       7", "tests  1,200", "", "End.",
    ] == text.splitlines()  # fmt: skip


def test_others_words_are_shown_as_they_were():
    """What Markdown had to be kept from obeying is there again, in prose and in a cell."""
    rows = [(in_markdown(EVIL), "x")]
    table = markdown_table(("name", "b"), rows, figures=())
    text = markdown_as_text("\n".join([in_markdown(EVIL), "", *table, "", in_code("a b")]))

    assert EVIL == text.splitlines()[0]
    assert text.splitlines()[3].startswith(EVIL)
    assert "a b" == text.splitlines()[-1]


def test_a_narrow_terminal_folds_its_tables():
    """No line of a table is wider than it."""
    table = markdown_table(("name", "why"), [("a", "one and another " * 4)], figures=())
    text = markdown_as_text("\n".join(table), width=40)

    assert max(map(len, text.splitlines())) <= 40
    assert 4 == text.count("another")
