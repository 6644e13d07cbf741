"""What is judged of a program that gives no outputs: what it printed, then and afterwards."""

import sys

import pytest

import autopack
from autopack import CommandExecutor, Completed, PhaseSpec, create_run, drain, recheck
from drains import found, states

USAGE = '{"type": "autopack.usage", "model": "m", "input_tokens": 3, "output_tokens": 4}'
PRINTS = f"print('{USAGE}'); print('[1, 2]')"


def printing(script):
    """Return an executor of a program that gives no output but what it prints."""
    return CommandExecutor([sys.executable, "-c", script])


@pytest.mark.parametrize(
    "check",
    ["json", "deliverables", ["grep", "-qx", r"\[1, 2\]", "{outputs}/stdout"]],
)
def test_what_a_program_printed_is_judged(any_log, check):
    """By any check, without the lines that were meant for Autopack; and so it is again."""
    create_run(any_log, "c", [PhaseSpec("p")], check=check)
    drain(any_log, executor=printing(PRINTS))
    (again,) = recheck(any_log, "c")
    seen = []
    recheck(any_log, "c", check=lambda work: seen.append(dict(work.outputs)) or True)

    assert {"p": "COMPLETE"} == states(any_log)
    assert "passed" == again.verdict
    assert [{"stdout": "[1, 2]\n"}] == seen
    (ended,) = found(any_log, "phase.completed")
    checked = found(any_log, "phase.checked")[0]
    assert ({}, {"stdout": ended.artifacts["stdout"]}) == (ended.outputs, checked.outputs)


def test_what_was_printed_wrong_has_failed(any_log):
    """And may be judged again, as kept outputs may."""
    create_run(any_log, "c", [PhaseSpec("p", max_attempts=1)], check="json")
    drain(any_log, executor=printing("print('no json')"))
    (again,) = recheck(any_log, "c", check=["grep", "-q", "no json", "{outputs}/stdout"])

    assert {"p": "FAILED"} == states(any_log)
    assert ("wrong", "passed") == (again.before, again.verdict)


def test_outputs_go_before_what_was_printed(any_log):
    """What is printed besides is no output, and a program that is silent gave none."""
    seen = []

    def execute(_phase, attempt):
        attempt.attach("stdout", "chatter")
        return Completed({"a.md": "text"})

    def look(work):
        seen.append(dict(work.outputs))
        return True

    create_run(any_log, "c", [PhaseSpec("p")])
    autopack.drain(any_log, executor=execute, check=look)
    create_run(any_log, "d", [PhaseSpec("p")])
    autopack.drain(any_log, executor=printing("pass"), check=look)

    assert [{"a.md": "text"}, {}] == seen
