"""A log is not carried over a fork: the child is told so at once, and the parent goes on."""

import contextlib
import os
import signal
import threading
import warnings
from functools import partial

import pytest

from autopack import create_log, create_run, open_log, status
from autopack.errors import LogForkedError
from autopack.log.log import journal_of
from autopack.ports.log import ANY
from autopack.ports.prediction import PhaseSpec
from autopack.testing.facts import paused

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def in_a_child(work, *, leave=os._exit):
    """Return what *work* returns in a forked process, and the status with which that ended."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(30)  # a child that hangs is killed, and tells nothing
        try:
            told = work()
        except BaseException as fault:
            told = f"{type(fault).__name__}: {fault}"
        os.write(writing, repr(told).encode())
        leave(0)
    os.close(writing)
    with open(reading, "rb") as stream:
        told = stream.read().decode()
    return told, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture(params=["file", "memory"])
def log(request, log_path):
    """An open log of each kind, with an event that was read."""
    with open_log(log_path) if request.param == "file" else create_log("memory:") as log:
        log.append("s", [paused()], expected_version=0)
        list(log.read_all())
        yield log


def refused(ask):
    """Return whether a question was refused as one from a forked process."""
    with contextlib.suppress(LogForkedError):
        ask()
        return False
    return True


ASKS = {
    "append": lambda log: log.append("s", [paused()], expected_version=ANY),
    "transaction": lambda log: journal_of(log).transaction().__enter__(),
    "read": lambda log: list(log.read("s")),
    "read_all": lambda log: list(log.read_all()),
    "head": lambda log: log.head(),
    "snapshot": lambda log: journal_of(log).backend.snapshot().__enter__(),
    "leases": lambda log: journal_of(log).backend.leases(),
    "follow": lambda log: next(log.follow()),
    "subscribe": lambda log: log.subscribe("mail", print),
    "artifacts": lambda log: log.artifacts.put("text"),
    "info": lambda log: log.info(),
    "status": status,
    "verify": lambda log: log.verify(),
    "refresh": lambda log: log.refresh_views(),
    "create_run": lambda log: create_run(
        log, "r", [PhaseSpec("a", category="docs", complexity="low")]
    ),
}


def answered(log):
    """Return what was asked of a log and not refused as from a forked process."""
    return [name for name, ask in ASKS.items() if not refused(partial(ask, log))]


def test_whatever_the_child_asks_is_refused_by_name(log):
    """Nothing is read, written or waited for; the parent's log goes on."""
    told, ended = in_a_child(lambda: answered(log))
    (recorded,) = log.append("s", [paused()], expected_version=1)

    assert ("[]", 0) == (told, ended)
    assert 2 == recorded.position
    assert log.verify().is_clean


def test_locks_that_others_held_are_not_waited_for(log):
    """A child of a process whose other threads read, write and wait answers at once."""
    inside, is_done = threading.Event(), threading.Event()

    def write():
        event = journal_of(log).redacted(paused())
        with journal_of(log).transaction() as transaction, journal_of(log).backend.snapshot():
            transaction.append_batch([("s", [event], 1)])
            inside.set()
            assert is_done.wait(60)

    def follow():
        list(log.follow(until=is_done.is_set))

    threads = [threading.Thread(target=work) for work in (write, follow)]
    for thread in threads:
        thread.start()
    assert inside.wait(60)
    journal_of(log)._news.acquire()
    told, ended = in_a_child(lambda: (answered(log), log.close()))
    journal_of(log)._news.release()
    is_done.set()
    for thread in threads:
        thread.join(60)

    assert ("([], None)", 0) == (told, ended)
    assert 2 == log.head().position


def test_a_child_may_open_the_log_again(log_path):
    """What it opens itself is its own."""
    with open_log(log_path) as log:
        log.append("s", [paused()], expected_version=0)

        def work():
            with open_log(log_path) as own:
                return own.append("s", [paused()], expected_version=1)[0].position

        assert ("2", 0) == in_a_child(work)
        assert 2 == len(list(log.read_all()))


def test_a_child_of_a_child_is_one_too(log):
    """Each fork counts."""
    told, _ended = in_a_child(lambda: in_a_child(lambda: refused(lambda: log.head())))

    assert "('True', 0)" == told


def test_a_child_that_drops_or_ends_touches_none_of_the_parents_files(log_path):
    """Its end removes no WAL and lets go of no lock, also where it lets the log fall."""
    held = [open_log(log_path)]
    held[0].append("s", [paused()], expected_version=0)

    def work():
        held.clear()
        return "dropped"

    assert ("'dropped'", 0) == in_a_child(work)

    beside = sorted(path.name for path in log_path.parent.iterdir())
    held[0].append("s", [paused()], expected_version=1)
    held[0].close()

    assert ["log.db", "log.db-shm", "log.db-wal"] == beside
    with open_log(log_path) as again:
        assert 2 == again.verify().events


def test_a_parent_that_closes_leaves_nothing_for_a_child_to_spoil(log_path):
    """A child that lives on, and ends when others use the log, removes nothing of theirs."""
    log = open_log(log_path)
    log.append("s", [paused()], expected_version=0)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os.read(reading, 1)
        del log
        os._exit(0)
    log.close()
    with open_log(log_path) as other:
        other.append("s", [paused()], expected_version=1)
        os.write(writing, b"x")
        os.waitpid(child, 0)
        other.append("s", [paused()], expected_version=2)
    with open_log(log_path) as again:
        assert 3 == again.verify().events
        assert again.verify().is_clean
