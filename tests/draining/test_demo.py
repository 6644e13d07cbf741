"""``autopack demo``: the main job from nothing to a report."""

import subprocess
import sys

import pytest

from autopack import open_log

MAIN = "import sys; from autopack.cli.main import main; main()"


def demo(folder):
    """Run the command in a folder."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, "demo"],
        cwd=folder, capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip


@pytest.mark.slow
def test_the_demo_shows_the_whole_job_and_overwrites_nothing(tmp_path):
    """Six steps and what to type next; a second call takes a folder of its own."""
    first = demo(tmp_path)
    before = (tmp_path / "autopack-demo" / "autopack.db").read_bytes()
    second = demo(tmp_path)

    assert (0, 0) == (first.returncode, second.returncode)
    assert [f"{n}." for n in range(1, 7)] == [
        line[:2] for line in first.stdout.splitlines() if line[:1].isdigit() and line[1:2] == "."
    ]
    for told in ("25 phases", "completed without any call", "position", "wrote ", "log verify"):
        assert told in first.stdout
    assert before == (tmp_path / "autopack-demo" / "autopack.db").read_bytes()
    with open_log(tmp_path / "autopack-demo-2" / "autopack.db") as log:
        assert log.verify().is_clean
