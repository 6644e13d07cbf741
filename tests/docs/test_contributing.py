"""What CONTRIBUTING.md and the versioning page say is true of this tree."""

import re
from pathlib import Path

from autopack.format import chain
from autopack.ports.backend import LOG_FORMAT

ROOT = Path(__file__).resolve().parents[2]


def read_text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_path_exists():
    """A file or folder that CONTRIBUTING.md names is there."""
    told = read_text("CONTRIBUTING.md")
    named = set(re.findall(r"(?:plugins|tests|docs|src|\.ci)/[\w./-]+\w/?", told))

    assert len(named) > 4
    assert [] == sorted(path for path in named if not (ROOT / path).exists())


def test_every_check_is_run_by_ci():
    """The checks that CONTRIBUTING.md lists are those that `.ci/run` runs."""
    script = read_text(".ci/run")

    for check in ("pytest", "ruff check", "ruff format", "mypy", "lint-imports", "sphinx-build -W"):
        assert check in script


def test_the_changelog_states_the_log_format():
    """A new format or a new hash chain is told where users look for it."""
    assert f"Format {LOG_FORMAT}, hash chain version {chain.VERSION}:" in read_text("CHANGELOG.md")
