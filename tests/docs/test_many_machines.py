"""The how-to from one machine to many, as it stands: a real server, and workers in two homes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.postgres_server import need_postgres, new_url

from autopack import open_log, status
from autopack.events import PhaseClaimed
from docs.running import blocks_of, run_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "many_machines.md"
ADDRESS = "postgresql://autopack@db.example.org/work?schema=nightly"


@pytest.mark.slow
def test_a_script_moves_from_one_machine_to_many(tmp_path, monkeypatch):
    """Only address and flag differ; a worker of the command line and the script share the work."""
    need_postgres()
    address = new_url()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    monkeypatch.setenv("PATH", path)
    monkeypatch.chdir(tmp_path)
    run_page(PAGE, tmp_path)  # on one machine
    copy, queue, script, worker, shown = [
        _quickly(block.text).replace(ADDRESS, address)
        for block in blocks_of(PAGE)
        if block.language == "shown"
    ]
    monkeypatch.setenv("AUTOPACK_LOG", address)
    _run(copy + queue, tmp_path)
    homes = [tmp_path / name for name in ("north", "south")]
    for home in homes:
        home.mkdir()
        code = _quickly((tmp_path / "nightly.py").read_text("utf-8"))
        (home / "nightly.py").write_text(code, "utf-8")
    both = [
        subprocess.Popen(
            ["sh", "-ec", text], cwd=home, env={**os.environ, "HOME": str(home)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for text, home in zip((script, worker), homes, strict=True)
    ]  # fmt: skip
    said = [one.communicate(timeout=120)[0] for one in both]
    told = _run(shown, tmp_path)
    with open_log(address) as log:
        states = status(log).phases_by_state
        claims = [recorded.event for recorded in log.read_all(types=[PhaseClaimed])]

    assert [0, 0] == [one.returncode for one in both], said
    assert {"COMPLETE": 6} == states
    assert 6 == len(claims)
    assert 3 == sum(map(_completed, said)), said
    assert "6 complete" in told.lower()


def _quickly(text):
    """Return a text in which nobody is idle for ten minutes."""
    return text.replace("600}", "2}").replace("--idle 10m", "--idle 2s")


def _completed(said):
    return int(re.search(r"(\d+) completed", said)[1])


def _run(text, folder):
    done = subprocess.run(
        ["sh", "-ec", text], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout
