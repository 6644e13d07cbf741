"""What the pages of reference say is what the code says, in plain Markdown."""

import os
import re
import subprocess
import sys
from textwrap import dedent

import click
import pytest

from autopack.cli.main import autopack
from docs.command_entries import commands
from docs.command_entries import entry as command_entry
from docs.docstrings import headings, inline, markdown
from docs.python_entries import entry as python_entry
from docs.references import AGAIN, DOCS, PAGES, todays


def nowhere(_name):
    """Know of no place."""


def python(name):
    """Return what is said of a public name."""
    return python_entry(f"autopack.{name}", nowhere)


@pytest.fixture(scope="module")
def written():
    """Return the pages as they would be written today."""
    return todays()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_as_it_would_be_written(page, written):
    """None goes stale: a changed docstring, signature or option is written down again."""
    is_same = (DOCS / page).read_text(encoding="utf-8") == written[page]

    assert is_same, f"docs/{page} is not what the code says; run: {AGAIN}"


def test_pages_do_not_depend_on_the_process(written):
    """Another process, with other hashes and a narrow terminal, writes the same; no address."""
    code = "from tests.docs.references import todays; print(*todays().values(), sep='', end='')"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=DOCS.parent,
        env={**os.environ, "PYTHONHASHSEED": "7", "COLUMNS": "40", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    ).stdout

    assert "".join(written.values()) == told
    assert None is re.search(r" at 0x[0-9a-f]+|/home/|/root/", told)
    assert str(DOCS.parent) not in told


@pytest.mark.parametrize("page", PAGES)
def test_nothing_of_another_markup_is_left(page, written):
    """A reader of the file sees plain Markdown, and each link within the pages leads somewhere."""
    prose = re.sub(r"^```.*?^```$", "", written[page], flags=re.MULTILINE | re.DOTALL)
    pages = {p.name: p.read_text(encoding="utf-8") for p in DOCS.glob("*.md")} | written
    there = {name: {anchor for _title, anchor in headings(text)} for name, text in pages.items()}

    assert [] == re.findall(r":\w+:`|(?<!`)``(?!`)|eval-rst|^\.\. ", prose, re.MULTILINE)
    assert [] == [
        (name, anchor)
        for name, anchor in re.findall(r"\]\(([\w.]*)#([\w-]+)\)", prose)
        if anchor not in there[name or page]
    ]


def test_every_command_is_described_with_all_it_takes(written):
    """Also what ``--help`` leaves to ``--help-all``."""
    sections = dict(
        part.partition("\n")[::2]
        for part in re.split(r"^#{2,4} ", written["cli.md"], flags=re.MULTILINE)[1:]
    )
    found = list(commands(autopack, click.Context(autopack)))

    assert len(found) > 60
    for command, context in found:
        told = sections[context.command_path]
        for one in command.params:
            names = {*one.opts, *one.secondary_opts} - {"--help-all"}
            assert all(name in told for name in names if name[0] == "-"), context.command_path
    assert "--max-fingerprint-repeats" in sections["autopack drain"]
    assert "`10` by default" in sections["autopack drain"]


def test_a_docstring_becomes_markdown():
    """Paragraphs are lines, items a list, roles links where they lead somewhere."""
    said = """
    Do it; as :meth:`~a.B.do` and :class:`autopack.types.C` do,
    with ``x``.

    Args:
        one, two: Seconds,
            at most.
        three: See :func:`autopack.go`.

    Raises:
        SomeError: It cannot be.

    Returns: What it was.
    """
    link = {"go": "#go", "SomeError": "errors.md#someerror"}.get
    parts = (
        "Do it; as `do()` and `C` do, with `x`.",
        "- `one`, `two`: Seconds, at most.\n- `three`: See [`go()`](#go).",
        "Raises:",
        "- [`SomeError`](errors.md#someerror): It cannot be.",
        "Returns: What it was.",
    )

    assert "\n\n".join(parts) == markdown(dedent(said).strip(), link)


def test_headings_that_read_alike_are_numbered():
    """As GitHub and Sphinx do; what stands in a block is no heading."""
    page = "# drain\n\n```sh\n# no heading\n```\n\n## Drain\n\n### Drain.run\n"

    assert [("drain", "drain"), ("Drain", "drain-1"), ("Drain.run", "drainrun")] == list(
        headings(page)
    )


def test_signatures_are_as_they_are_written():
    """Defaults by value, types by their names; what a factory makes may be left out, too."""
    assert "\nPhaseRef(run_id: RunId, phase_id: PhaseId)\n" in python("PhaseRef")
    assert 'durability: Durability = "full"' in python("open_log")
    assert "directory: Path | str | None = None" in python("run_demo")
    assert "\nPhaseName: TypeAlias = " in python("types.PhaseName")
    assert "labels: Mapping[str, str] | None = None" in python("PhaseSpec")
    assert "class OwnAttempt(Attempt, Protocol)\n" in python("types.OwnAttempt")


def test_a_command_is_described():
    """Its usage, what it does, all it takes with defaults, and its example."""
    told = command_entry("autopack.cli.plugins.plugins", nowhere)

    assert "### plugins new\n\n```text\nplugins new [OPTIONS] NAME\n```" in told
    assert "- `NAME`: required." in told
    assert "- `--dir PATH`: Where; here by default." in told
    assert "```sh no-run\nautopack --plugins-dir mine plugins\n" in told


def test_code_in_a_text_stays_code():
    """Of either markup."""
    assert "`a` and `b`" == inline("``a`` and `b`", nowhere)
