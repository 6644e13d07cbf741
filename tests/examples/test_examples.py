"""Each example runs as it stands, and prints what it is there to show."""

import subprocess
import sys
from pathlib import Path

import pytest

from autopack import create_log

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

SHOWN = {
    "analysis.py": [
        "implementation m-large measured     20       119,331         39,777     0.597 ",
        "          docs m-small measured     15        32,835         10,945         - ",
        "ratio_p10  ratio_p50  ratio_p90",
        "    10      10 2026-03-02T22:00:00.000Z 2026-03-06T22:00:00.000Z tests_failed ",
        "2026-03-04     10         10,218     0.085         10       0",
    ],
    "quick_start.py": ["1 completed, 1 failed", " phase.failed", "checks FAILED 2 of 14"],
    "own_loop.py": ["retry: the answer holds no code; recorded", "2 COMPLETE, 1 FAILED"],
    "custom_projection.py": ["failed attempts: ", "recorded-model: "],
    "time_travel.py": ["now:        COMPLETE", "on Tuesday: FAILED - missing", "Thu 09:00 phase."],
    "one_file_strategy.py": ["low-1 - low complexity comes first\nlow-2"],
}


def run(name, folder, *arguments):
    """Run an example in a folder of its own and return what it did."""
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
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


def test_every_example_is_named_in_the_readme():
    """Who reads the first page finds each of them."""
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")

    assert [] == [p.name for p in EXAMPLES.iterdir() if p.is_file() and p.name not in readme]


@pytest.mark.slow
def test_an_example_does_not_overwrite(tmp_path):
    """Run twice in one folder, an example refuses instead of touching the first log."""
    run("quick_start.py", tmp_path)
    before = (tmp_path / "quick_start.db").read_bytes()

    done = run("quick_start.py", tmp_path)

    assert "LogExistsError" in done.stderr
    assert before == (tmp_path / "quick_start.db").read_bytes()


@pytest.mark.slow
def test_a_log_of_ones_own_is_analysed_and_not_touched(tmp_path):
    """A log that is named is read, also one with nothing in it; one that is absent is not made."""
    create_log(tmp_path / "mine.db").close()
    before = (tmp_path / "mine.db").read_bytes()

    done = run("analysis.py", tmp_path, "mine.db")
    absent = run("analysis.py", tmp_path, "absent.db")

    assert (0, "") == (done.returncode, done.stderr)
    assert 4 == done.stdout.count("(nothing yet)")
    assert before == (tmp_path / "mine.db").read_bytes()
    assert not (tmp_path / "absent.db").exists()
    assert absent.stderr.startswith("analysis.py: ")
    assert "Traceback" not in absent.stderr


@pytest.mark.slow
def test_the_analysis_of_a_made_up_week_can_be_had_again(tmp_path):
    """A second time reads the log of the first; a file that is no log is told in a line."""
    first, second = run("analysis.py", tmp_path), run("analysis.py", tmp_path)
    (tmp_path / "notes.txt").write_text("no log")
    wrong = run("analysis.py", tmp_path, "notes.txt")

    assert (0, first.stdout) == (second.returncode, second.stdout)
    assert 1 == wrong.returncode
    assert wrong.stderr.startswith("analysis.py: ")
    assert "Traceback" not in wrong.stderr
