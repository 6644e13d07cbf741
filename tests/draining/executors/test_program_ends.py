"""How a program's end is taken: results without an end, exit codes, caps that are met at last."""

import json

import pytest

from autopack import CommandExecutor, PhaseSpec, create_run, drain
from autopack.draining.executors.exits import exit_failure
from autopack.events import PhaseCompleted, PhaseFailed
from autopack.log.log import Log
from programs import CODEX_START, INIT, RESULT, codex_turn, gone, printing, script

HANG = "import time; time.sleep(600)"
DONE = {"type": "autopack.completed", "summary": "done"}


@pytest.fixture
def log(sqlite_log: Log) -> Log:
    """A log with the run ``r`` of one phase ``p``."""
    create_run(sqlite_log, "r", [PhaseSpec("p", category="x", complexity="low", max_attempts=2)])
    return sqlite_log


def ends(log: Log) -> list:
    """How its attempts ended."""
    return [r.event for r in log.read_all(types=[PhaseCompleted, PhaseFailed])]


@pytest.mark.parametrize(
    ("preset", "lines"),
    [
        ("claude", [INIT, RESULT]),
        ("codex", [CODEX_START, *codex_turn()]),
        (None, [{"type": "autopack.usage", "model": "m", "output_tokens": 5}, DONE]),
    ],
)
def test_a_program_that_does_not_end_after_its_result_is_ended(log, tmp_path, preset, lines):
    """Its result holds, and is paid once."""
    then = f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); {HANG}"
    command = printing(tmp_path, *lines, then=then)
    report = drain(log, executor=CommandExecutor(command, preset=preset, result_grace_s=0.3))

    assert (1, 1) == (report.completed, report.attempts)
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_deadline_does_not_undo_what_is_done(log, tmp_path):
    """A program that goes on after its result is ended before."""
    command = printing(tmp_path, INIT, RESULT, then=HANG)
    executor = CommandExecutor(command, preset="claude", result_grace_s=600, grace_s=0.5)
    report = drain(log, executor=executor, timeout_s=8)

    assert (1, 1, 0) == (report.completed, report.attempts, report.timed_out)


def test_a_session_with_more_to_come_is_not_cut(log, tmp_path):
    """The grace counts from its last line, and not while something runs behind."""
    tasks = {"type": "system", "subtype": "background_tasks_changed", "tasks": [{"task_id": "a"}]}
    last = {**RESULT, "model_usage_since_last_result": {}, "result": "all of it"}
    then = (
        "import time; time.sleep(1.5)\n"
        f"print({json.dumps({**tasks, 'tasks': []})!r}); print({json.dumps(last)!r})"
    )
    command = printing(tmp_path, INIT, tasks, RESULT, then=then)
    drain(log, executor=CommandExecutor(command, preset="claude", result_grace_s=0.2))

    assert ["all of it"] == [end.summary for end in ends(log)]


@pytest.mark.parametrize("caps", [{"tokens": 1_000_000}, {"usd": "0.01"}])
@pytest.mark.parametrize("then", ["", HANG])
def test_the_call_that_fills_a_cap_does_not_undo_finished_work(sqlite_log, tmp_path, then, caps):
    """The session was over when it told what it used; nothing more is begun."""
    specs = [PhaseSpec(f"p{n}", category="x", complexity="low") for n in (1, 2)]
    create_run(sqlite_log, "r", specs, caps=caps)
    command = printing(tmp_path, INIT, RESULT, then=then)
    report = drain(
        sqlite_log, executor=CommandExecutor(command, preset="claude"), allow_unknown_price=True
    )

    assert (1, 0, 1) == (report.completed, report.failed, report.attempts)


def test_a_cap_ends_a_program_that_is_not_done(sqlite_log, tmp_path):
    """As it does where the program tells its calls as it goes."""
    create_run(sqlite_log, "r", [PhaseSpec("p", category="x", complexity="low", max_attempts=1)],
               caps={"tokens": 10_000})  # fmt: skip
    usage = {"type": "autopack.usage", "model": "m", "output_tokens": 20_000}
    command = printing(tmp_path, usage, then=HANG)
    drain(sqlite_log, executor=CommandExecutor(command, grace_s=0.2))

    assert [] == [end for end in ends(sqlite_log) if isinstance(end, PhaseCompleted)]


@pytest.mark.parametrize(
    ("code", "name"),
    [(137, "signal_SIGKILL"), (143, "signal_SIGTERM"), (130, "signal_SIGINT"),
     (145, "exit_145"), (144, "exit_144"), (148, "exit_148"), (-17, "signal_SIGCHLD"),
     (255, "exit_255")],
)  # fmt: skip
def test_a_code_stands_for_a_signal_that_ends_programs_only(code, name):
    """Some exit with an HTTP status modulo 256, which is another number over 128."""
    failure = exit_failure("x", code, "")

    assert name == failure.code
    assert (True if name.startswith("signal_") else None) == failure.retryable


@pytest.mark.parametrize("how", ["os.kill(os.getpid(), 9)", "os.kill(os.getpid(), 15)",
                                 "os.abort()", "sys.exit(137)"])  # fmt: skip
def test_a_program_that_a_signal_ended_is_tried_again(log, tmp_path, how):
    """Nobody knows that the work is to blame; its attempts are spent as by any failure."""
    once = "import os, sys\nif not os.path.exists('once'):\n    open('once', 'w').close()\n    "
    command = script(tmp_path, once + how)
    executor = CommandExecutor(command, cwd=tmp_path)
    report = drain(log, executor=executor, backoff_base_s=0.001)
    failed, done = ends(log)

    assert ("execution", True, 1) == (failed.failure_class, failed.retryable, failed.attempt)
    assert (PhaseCompleted, 2, True) == (type(done), done.attempt, report.is_clean)


def test_a_program_that_a_signal_always_ends_fails_in_the_end(log, tmp_path):
    """After the phase's attempts."""
    command = script(tmp_path, "import os; os.kill(os.getpid(), 9)")
    report = drain(log, executor=CommandExecutor(command), backoff_base_s=0.001)

    assert [1, 2] == [end.attempt for end in ends(log)]
    assert 1 == report.left_failed


def test_the_facts_of_the_last_trouble_are_kept(log, tmp_path):
    """A client that gives up without a result has said why it tried again."""
    retry = {"type": "system", "subtype": "api_retry", "attempt": 10, "max_retries": 10,
             "error_status": 529, "error": "overloaded"}  # fmt: skip
    executor = CommandExecutor(
        printing(tmp_path, INIT, retry, code=1), preset="claude", env={"HOME": str(tmp_path)}
    )
    drain(log, executor=executor, max_phases=1)

    session = {"session_id": INIT["session_id"]}
    assert {"http_status": 529, "error": "overloaded", **session} == ends(log)[0].source_fields


def test_a_program_is_told_what_it_is_for(sqlite_log, tmp_path):
    """In variables, so that no text has to go through a shell; what was wrong before too."""
    spec = PhaseSpec("p", category="x", complexity="low", goal="it's $HOME", model="m1",
                     max_attempts=2)  # fmt: skip
    create_run(sqlite_log, "r", [spec])
    text = (
        "import os, sys\n"
        "names = ('AUTOPACK_GOAL', 'AUTOPACK_MODEL', 'AUTOPACK_FEEDBACK')\n"
        "told = [os.environ.get(name) for name in names]\n"
        'print(\'{"type": "autopack.failed", "code": "x", "message": "two tests fail",'
        ' "retryable": true}\' if told[2] is None else told)\n'
    )
    drain(sqlite_log, executor=CommandExecutor(script(tmp_path, text)), backoff_base_s=0)
    done = ends(sqlite_log)[-1]

    assert "[\"it's $HOME\", 'm1', 'two tests fail']" == (
        sqlite_log.artifacts.get(done.artifacts["stdout"]).strip()
    )
