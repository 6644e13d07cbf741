"""What a shell completes."""

import os
import subprocess
import sys

import pytest

MAIN = "import sys; from autopack.cli.main import main; main()"


def completed(*words, log=None):
    """Return what bash would be offered for the last of the words."""
    environ = {name: value for name, value in os.environ.items() if name != "AUTOPACK_LOG"}
    environ |= {"_AUTOPACK_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words),
                "COMP_CWORD": str(len(words) - 1)}  # fmt: skip
    environ |= {} if log is None else {"AUTOPACK_LOG": str(log)}
    done = subprocess.run(
        [sys.executable, "-c", MAIN],
        env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "" == done.stderr
    return [line.partition(",")[2] for line in done.stdout.split()]


@pytest.mark.parametrize(
    "words", [("run", "show", ""), ("history", "r"), ("drain", "--run-id", "")]
)
def test_runs_are_those_of_the_log(run_log, words):
    """By the variable, or by the option before the command."""
    assert ["r"] == completed("autopack", *words, log=run_log)
    assert ["r"] == completed("autopack", "--log", str(run_log), *words)


def test_without_a_log_there_is_nothing_to_offer(run_log, tmp_path):
    """Nor where there is none at its place, or no run begins so; and nothing is said."""
    assert [] == completed("autopack", "run", "show", "")
    assert [] == completed("autopack", "run", "show", "", log=tmp_path / "none.db")
    assert [] == completed("autopack", "run", "show", "x", log=run_log)
