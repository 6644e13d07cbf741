"""Each example runs as it stands, and prints what it is there to show."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

SHOWN = {
    "quick_start.py": ["1 completed, 1 failed", " phase.failed", "checks FAILED 2 of 14"],
    "own_loop.py": ["retry: the answer holds no code; recorded", "2 COMPLETE, 1 FAILED"],
    "custom_projection.py": ["failed attempts: ", "recorded-model: "],
    "time_travel.py": ["now:        COMPLETE", "on Tuesday: FAILED - missing", "Thu 09:00 phase."],
    "one_file_strategy.py": ["low-1 - low complexity comes first\nlow-2"],
}


def run(name, folder):
    """Run an example in a folder of its own and return what it did."""
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SHOWN))
def test_an_example_runs(name, tmp_path):
    """It ends well, and what it shows is there."""
    done = run(name, tmp_path)

    assert (0, "") == (done.returncode, done.stderr)
    assert [] == [text for text in SHOWN[name] if text not in done.stdout], done.stdout


def test_every_example_is_run():
    """No example is left out; the service has a test of its own."""
    assert sorted(p.name for p in EXAMPLES.glob("*.py")) == sorted([*SHOWN, "service.py"])


@pytest.mark.slow
def test_an_example_does_not_overwrite(tmp_path):
    """Run twice in one folder, an example refuses instead of touching the first log."""
    run("quick_start.py", tmp_path)
    before = (tmp_path / "quick_start.db").read_bytes()

    done = run("quick_start.py", tmp_path)

    assert "LogExistsError" in done.stderr
    assert before == (tmp_path / "quick_start.db").read_bytes()
