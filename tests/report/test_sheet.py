"""A page in three forms: the same facts, tables and lines; nothing in it is obeyed."""

from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from autopack.report.sheet import (
    Facts,
    Listing,
    Sheet,
    Table,
    sheet_html,
    sheet_markdown,
    sheet_text,
)

EVIL = "<img src=x onerror=alert(1)> [a](http://evil) \x1b[31m | `x`"


def sheet(*sections, **named):
    told = {"title": "nightly", "name": "work.db", "lead": "All is done.", **named}
    return Sheet(sections=sections, **told)


TABLE = Table(
    titles=("model", "n", "why"), rows=[("a", "1", "x"), ("b", "20", "y")], figures=("n",)
)


class Tags(HTMLParser):
    """Collects what tags there are, and which are left open."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags(text):
    parser = Tags()
    parser.feed(text)
    assert [] == parser.open
    return parser.seen


def test_plain_text_has_columns():
    """Figures to the right, texts to the left, two blanks before each line of a section."""
    text = sheet_text(sheet(("Models", TABLE), ("Facts", Facts(pairs=[("cost", "1"), ("n", "2")]))))

    assert [
        "nightly  (work.db)",
        "All is done.",
        "",
        "Models",
        "  model   n  why",
        "  a       1  x",
        "  b      20  y",
        "",
        "Facts",
        "  cost  1",
        "  n     2",
    ] == text.splitlines()


@pytest.mark.parametrize("width", [40, 60, 80])
def test_long_texts_are_folded_where_they_begin(width):
    """No line is longer than the terminal, but for commands, which are pasted whole."""
    long = "word " * 40
    wide = Table(titles=("n", "message"), rows=[("1", long)], figures=("n",))
    command = (
        "autopack --log a/rather/long/path/to/some/log.db history nightly the-phase-that-failed"
    )
    text = sheet_text(
        sheet(
            ("A", wide),
            ("B", Facts(pairs=[("cost", long)])),
            ("C", Listing(lines=[long])),
            ("D", Listing(lines=[command], is_code=True)),
        ),
        width=width,
    )
    lines = text.splitlines()

    assert f"  {command}" == lines[-1]
    assert max(map(len, lines[:-1])) <= width
    assert 120 == text.count("word")


def test_markdown_is_a_document():
    """Headings, a table with sides, a list, commands as code."""
    text = sheet_markdown(
        sheet(("Models", TABLE), ("Next", Listing(lines=["autopack status"], is_code=True)))
    )

    assert text.startswith("# nightly\n\nAll is done.\n")
    assert "| model | n | why |\n|---|--:|---|\n| a | 1 | x |" in text
    assert "## Next\n\n- `autopack status`" in text


def test_html_is_one_file_without_a_script():
    """Whole, light and dark, cards where it is narrow, the log's name in the title."""
    text = sheet_html(sheet(("Models", TABLE), ("Next", Listing(lines=["x"], is_code=True))))
    seen = [tag for tag, _ in tags(text)]

    assert text.startswith("<!doctype html>")
    assert not {"script", "link", "img", "iframe"} & {*seen}
    assert "http" not in text
    assert "url(" not in text
    assert "<title>nightly - work.db</title>" in text
    assert "prefers-color-scheme:dark" in text
    assert "@media (max-width:48rem)" in text
    assert '<td class="n" data-title="n"><span>20</span></td>' in text


@pytest.mark.parametrize("write", [sheet_text, sheet_markdown, sheet_html])
def test_nothing_in_it_is_obeyed(write):
    """Neither by a terminal, nor by Markdown, nor by a browser."""
    evil = Table(titles=("a", "b"), rows=[(EVIL, EVIL)])
    text = write(
        sheet(
            (EVIL, evil),
            ("F", Facts(pairs=[(EVIL, EVIL)])),
            ("L", Listing(lines=[EVIL])),
            ("C", Listing(lines=[EVIL], is_code=True)),
            title=EVIL, name=EVIL, lead=EVIL,
        )
    )  # fmt: skip

    assert text.replace("\n", "").isprintable() or "\xa0" in text
    if write is sheet_html:
        assert not {"img", "a"} & {tag for tag, _ in tags(text)}
    if write is sheet_markdown:
        shown = MarkdownIt("commonmark").enable("table").render(text)
        assert not {"img", "a"} & {tag for tag, _ in tags(shown)}
