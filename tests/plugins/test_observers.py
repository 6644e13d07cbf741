"""Observers are told after the commit, and nothing that they raise comes back to the writer."""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest
from structlog.testing import capture_logs

from autopack import create_run
from autopack.log.log import journal_of
from autopack.plugins.observers import Observers, answer_of
from drains import specs
from programs import heeds_ctrl_c

RAISED = [
    ValueError("x"), BrokenPipeError(32, "gone"), SystemExit(3), KeyboardInterrupt(),
    GeneratorExit(), asyncio.CancelledError(), RecursionError(), MemoryError(),
]  # fmt: skip


def raising(fault, at="phase.claimed"):
    """An observer that raises at one type of events."""

    def observe(recorded):
        if recorded.type == at:
            raise fault

    return observe


@pytest.mark.parametrize("fault", RAISED, ids=lambda fault: type(fault).__name__)
def test_what_an_observer_raises_does_not_reach_who_appends(sqlite_log, fault):
    """The append returns, the next observer is told, and the fault is counted and logged."""
    seen = []
    journal_of(sqlite_log).observers.extend(
        [raising(fault, "run.created"), lambda r: seen.append(r.type)]
    )
    with capture_logs() as logged:
        create_run(sqlite_log, "s", specs("a"))
        create_run(sqlite_log, "t", specs("a"))

    assert ["run.created", "phase.queued"] * 2 == seen
    assert [(2, type(fault).__name__)] == [
        (n, who.rpartition(": ")[2]) for who, n in sqlite_log.observer_faults.items()
    ]
    assert ["observer failed"] == [one["event"] for one in logged]


def test_an_observer_that_leaves_while_it_is_told_harms_nobody():
    """Each of those who were there is told."""
    told = []
    observers = Observers([lambda _one: observers.clear(), told.append])
    observers.tell(["a", "b"])

    assert ["a"] == told


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX has them")
def test_a_real_ctrl_c_is_no_fault_of_the_observer():
    """It comes through, with whatever handler stands there, and the handler stays."""
    before = signal.getsignal(signal.SIGINT)
    for handler in (signal.default_int_handler, _python_handler):
        signal.signal(signal.SIGINT, handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                answer_of(lambda: answer_of(signal.raise_signal, signal.SIGINT))
            assert handler is signal.getsignal(signal.SIGINT)
        finally:
            signal.signal(signal.SIGINT, before)


def _python_handler(_number, _frame):
    raise KeyboardInterrupt


def test_a_handler_that_the_plugin_sets_stays():
    """Only our own is taken away again."""
    before = signal.getsignal(signal.SIGINT)
    try:
        answer_of(signal.signal, signal.SIGINT, _python_handler)
        assert _python_handler is signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_a_thread_no_handler_is_touched():
    """Only the main thread may set one, and only there a Ctrl-C arrives."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(answer_of(_python_handler, 2, None)))
    thread.start()
    thread.join()

    assert [KeyboardInterrupt] == [type(answer) for answer in answers]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX has them")
def test_ctrl_c_ends_a_program_that_is_held_up_by_its_observer(log_path):
    """An observer that waits for ever is interrupted as anything else is."""
    program = (
        "import signal, sys, time, autopack\n"
        "from autopack.log.log import journal_of\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "log = autopack.open_log(sys.argv[1])\n"
        "journal_of(log).observers.append(lambda r: (print('told', flush=True), time.sleep(600)))\n"
        "autopack.create_run(log, 'r', [])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(log_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heeds_ctrl_c,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "told\n" == process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _out, said = process.communicate(timeout=60)

    assert -signal.SIGINT == process.returncode
    assert "KeyboardInterrupt" in said
