"""``--check``: what a text on the command line stands for, and what is refused beforehand."""

import sys
from pathlib import Path

import pytest

import autopack
from drains import found

PASSES = f"{sys.executable} -c pass"


@pytest.fixture
def checked(cli, run_log, tmp_path, monkeypatch):
    """Drain with checks; return the result, and the names and verdicts of what was checked."""
    monkeypatch.chdir(tmp_path)
    Path("own checks.py").write_text("def good(work):\n    return True\n")
    Path("mine.py").write_text(
        "import autopack\n\n\ndef good(work):\n    return True\n\n\n"
        "def execute(phase, attempt):\n"
        "    return autopack.Completed(dict.fromkeys(phase.deliverables, 'text'))\n"
    )

    def drain(*texts):
        options = [one for text in texts for one in ("--check", text)]
        line = ("drain", "--max-phases", "1", "--executor", "mine.py:execute")
        result = cli("--log", run_log, *line, *options)
        with autopack.open_log(run_log) as log:
            return result, [(e.check, e.verdict) for e in found(log, "phase.checked")]

    return drain


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["deliverables"], ["deliverables"]),
        (["mine.py:good"], ["mine.py:good"]),
        (["own checks.py:good"], ["own checks.py:good"]),
        (["deliverables", "mine.py:good"], ["deliverables", "mine.py:good"]),
        (["deliverables", PASSES], ["deliverables", "python -c pass"]),
        ([f'["{sys.executable}", "-c", "pass"]'], ["python -c pass"]),
        (['{"name": "mine", "use": "mine.py:good"}', "true"], ["mine", "true"]),
        (['[["true"], "deliverables"]'], ["true", "deliverables"]),
        (["grep -q good mine.py"], ["grep -q good mine.py"]),
        (["[]"], []),
    ],
)
def test_each_text_is_the_check_that_it_names(checked, texts, names):
    """A registered name, a file and a name, JSON, or a program; one, or several in their order."""
    result, judged = checked(*texts)

    assert 0 == result.exit_code, result.stderr
    assert [(name, "passed") for name in names] == judged


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["mine.py:nosuch"], "defines no 'nosuch'"),
        (["none.py:good"], "There is no file"),
        (["mine.py"], "name the check in it"),
        (["deliverables", "mine.py:nosuch"], "defines no 'nosuch'"),
        (["deliverables", "deliverables"], "Two checks are called 'deliverables'"),
        (["no-such-program x.py"], "There is no program 'no-such-program'"),
        (["sh -c 'echo {goal}'"], "stands in the text that sh reads"),
        (["true 'x"], "No closing quotation"),
        ([" "], "--check is empty"),
    ],
)
def test_what_could_never_judge_is_refused_before_anything_is_done(
    checked, run_log, events_of, texts, says
):
    """Exit 2, and the log is as it was."""
    before = events_of(run_log)
    result, judged = checked(*texts)

    assert (2, []) == (result.exit_code, judged)
    assert says in " ".join(result.stderr.split())
    assert before == events_of(run_log)
