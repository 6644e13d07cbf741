"""Every page's code runs as it stands, and prints what the page says it does."""

import os
import sys
from pathlib import Path

import pytest
from tests.repositories import quiet_environment

from docs.running import blocks_of, links_of, run_page

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).with_name("stand_ins")
PLACES = (STAND_INS, Path(sys.executable).parent)
"""Where a page's commands are looked for first."""
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")])


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_runs_as_it_stands(page, tmp_path, tmp_path_factory, monkeypatch):
    """A reader who types what a page says sees what the page shows; clients have stand-ins."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path_factory.mktemp("site")))  # what pip installs
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, PLACES), os.environ["PATH"]]))
    for name, value in quiet_environment(tmp_path_factory.mktemp("git")).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AUTOPACK_LOG", raising=False)

    run_page(page, tmp_path)


def test_a_page_that_lies_is_found(tmp_path):
    """The check fails for code that raises, and for output that differs."""
    page = tmp_path / "page.md"

    for text in ("```python\nprint(1)\n```\n```text\n2\n```\n", "```console\n$ echo a\nb\n```\n"):
        page.write_text(text)
        with pytest.raises(AssertionError, match=r"page\.md"):
            run_page(page, tmp_path)
    page.write_text("```python\n1 / 0\n```\n")
    with pytest.raises(ZeroDivisionError):
        run_page(page, tmp_path)


def test_set_up_commands_stand_in_the_readme():
    """The two commands that set everything up are the first that the README has under that name."""
    after = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Two commands")[0]
    line = after.count("\n")
    first, second, *_others = [b for b in blocks_of(ROOT / "README.md") if b.line > line]

    venv = "python3 -m venv .venv && .venv/bin/pip install -q "
    assert venv + ". && .venv/bin/autopack demo\n" == first.text
    assert venv + "uv && .venv/bin/uv run -q --all-packages --all-extras pytest\n" == second.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """A link to a file of the project names one that is there."""
    found = [link for link in links_of(page) if "://" not in link and not link.startswith("#")]

    assert [] == [link for link in found if not (page.parent / link.partition("#")[0]).exists()]
