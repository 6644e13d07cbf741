"""A log as one file: the same pages, without a server, a network or a script."""

import re
from collections import Counter

import pytest
from click.testing import CliRunner

import autopack
from autopack.cli.main import autopack as command
from autopack.errors import RunMissingError
from autopack.log import views
from autopack.log.log import journal_of
from autopack.projections.runs import RUNS
from autopack_web.static_export import export

from .conftest import HOSTILE, made


@pytest.fixture(scope="module")
def whole(kept_log):
    return export(kept_log)


def test_it_has_every_page_that_a_reader_comes_to(whole):
    """The first screens, each run, each phase, each kind of failure, each text."""
    titles = re.findall(r"<h1[^>]*>(.*?)</h1>", whole.text, re.DOTALL)

    assert (0, whole.pages) == (whole.left_out, whole.text.count('<main class="page"'))
    assert {"Runs", "Usage", "Calibration", "nightly", "works", "fails", "asks"} <= {*titles}
    assert "+new" in whole.text


def test_each_link_leads_to_a_page_of_the_file(whole):
    """Or nowhere; an id is there once."""
    ids = re.findall(r'\sid="([^"]*)"', whole.text)
    links = set(re.findall(r'href="([^"]*)"', whole.text))

    assert len(ids) == len(set(ids))
    assert links <= {f"#{name}" for name in ids}
    assert len(links) > 10


def test_nothing_in_it_is_loaded_or_run(whole):
    """No script, no form, no file of elsewhere; its policy forbids them too."""
    assert not re.search(r"<(script|form|link|img|iframe|input|button)\b", whole.text)
    assert not re.search(r"\s(src|hx-\w+|on\w+)=\"", whole.text)
    assert not re.search(r"https?://(?!www\.w3\.org)", whole.text)
    assert "default-src 'none'; style-src 'unsafe-inline'" in whole.text
    assert HOSTILE not in whole.text


def test_a_run_alone_has_its_own_pages(kept_log):
    """Its phases and their texts, and nobody else's."""
    found = export(kept_log, run_id="nightly")

    assert "<a>second</a>" not in found.text
    assert ["nightly", "works"] == re.findall(r"<h1>(.*?)</h1>", found.text)[:2]
    assert found.pages == 1 + 4 + 2

    with pytest.raises(RunMissingError):
        export(kept_log, run_id="nightlly")


def test_its_size_is_bounded(kept_log, whole):
    """What no longer fits is left out, and the file says how much."""
    small = export(kept_log, size_most=len(whole.text) // 3)

    assert 0 < small.pages < whole.pages
    assert len(small.text) < len(whole.text) // 3 + 40_000
    assert f"{small.left_out} pages left out" in small.text


def test_the_command_writes_it_once(tmp_path):
    """A file that is there is left alone."""
    path = tmp_path / "work.db"
    with autopack.create_log(path) as log:
        autopack.create_run(log, "r", [autopack.PhaseSpec("one")])
    asked = ["--log", str(path), "serve", "--export", str(tmp_path / "out.html")]
    first, again = (CliRunner().invoke(command, asked) for _ in range(2))
    alone = CliRunner().invoke(command, ["--log", str(path), "serve", "--run-id", "r"])

    assert ([0, 2, 2], True) == (
        [one.exit_code for one in (first, again, alone)],
        "Wrote 8 pages" in first.output,
    )
    assert "<h1>one</h1>" in (tmp_path / "out.html").read_text("utf-8")


def test_each_view_is_folded_once_for_all_pages(monkeypatch):
    """However many they are, and whatever is persisted of the log."""
    steps = Counter()

    def counted(journal, fold, **told):
        steps[fold.projection.name] += 1
        views.fold_pages(journal, fold, **told)

    with made() as log:
        views.persisted.folded(journal_of(log), RUNS, journal_of(log).backend)
        monkeypatch.setattr(views.persisted, "fold_pages", counted)
        pages = export(log).pages

    assert pages > 10
    assert {"phases": 1, "attempts": 1, "accounts": 1, "usage": 1} == steps
