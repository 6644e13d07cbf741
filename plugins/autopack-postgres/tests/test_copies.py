"""A log goes to a server and back, and is the same at each step."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.postgres_server import new_url

import autopack
from autopack.cli.main import autopack as cli

ROOT = Path(__file__).resolve().parents[3]
DATA = os.environ.get("AUTOPACK_REAL_DATA")


def _there_and_back(source, folder):
    url = new_url()
    for taken, given in ((source, url), (url, str(folder / "back.db"))):
        done = CliRunner().invoke(cli, ["log", "copy", str(taken), given])
        assert 0 == done.exit_code, done.output
    found = []
    for target in (source, url, folder / "back.db"):
        with autopack.open_log(target) as log:
            told = log.verify()
            assert told.is_clean
            found.append((told.events, told.head_hash, [r.row for r in log.read_all()]))
    assert found[0] == found[1] == found[2]
    return found[0][0]


def test_a_recorded_log_goes_to_a_server_and_back(tmp_path):
    """Rows and hashes of a release's log are equal at each step, and verified."""
    autopack.restore_log(ROOT / "tests/logs/0.1.0.ndjson.gz", tmp_path / "old.db").close()

    assert _there_and_back(tmp_path / "old.db", tmp_path) > 100


@pytest.mark.real
@pytest.mark.skipif(DATA is None, reason="AUTOPACK_REAL_DATA names no folder")
def test_an_imported_legacy_log_goes_to_a_server_and_back(tmp_path):
    """A history of years is the same on a server, and when it comes back."""
    with autopack.create_log(tmp_path / "legacy.db") as log:
        autopack.import_history(log, "autopack-legacy", Path(DATA, "autopack_legacy.db"))

    assert _there_and_back(tmp_path / "legacy.db", tmp_path) > 1000
