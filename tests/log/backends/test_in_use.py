"""What is said of a log while other processes write to it: it is sound, and of one moment."""

import subprocess
import sys

import pytest

from autopack import PhaseSpec, create_run, diagnose, open_log, replay, restore_log, status
from autopack.log.log import journal_of

_WRITER = """
import sys
from autopack import create_run, open_log
from autopack.ports.prediction import PhaseSpec
name, number = sys.argv[2], 0
spec = PhaseSpec("a", category="docs", complexity="low")
with open_log(sys.argv[1]) as log:
    while True:
        create_run(log, f"{name}-{number}", [spec])
        log.subscribe("mail", lambda recorded: None)
        if number % 10 == 0:
            log.refresh_views(rebuild=number % 30 == 0)
            print(number, flush=True)
        number += 1
"""


@pytest.fixture
def busy(log_path):
    """An open log to which two processes append, persist views and save a subscription's place."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(log_path), name],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    for writer in writers:
        writer.stdout.readline()
    with open_log(log_path) as log:
        yield log
    still_wrote = [writer.poll() is None for writer in writers]
    for writer in writers:
        writer.kill()
        writer.communicate()

    assert [True, True] == still_wrote


def test_a_log_in_use_is_not_called_damaged(busy):
    """Whatever is written meanwhile, events, storage and views are compared as of one moment."""
    found, checked, last = [], 0, busy.head().position
    while checked < 8 or busy.head().position < last + 100:
        found += busy.verify(views=True).faults
        found += [check for check in diagnose(busy.target, full=checked % 2).checks
                  if check.verdict == "fault"]  # fmt: skip
        checked += 1

    assert [] == found


def test_what_info_and_status_say_is_of_one_moment(busy):
    """Each run here is two events, so that all counts of an answer follow from one."""
    answers, last = [], busy.head().position
    while len(answers) < 40 or busy.head().position < last + 100:
        info, standing = busy.info(), status(busy)
        answers += [
            (info["events"], info["runs"], info["phases"]),
            (standing.events, standing.runs, sum(standing.phases_by_state.values())),
        ]

    assert [(2 * runs, runs, runs) for _events, runs, _phases in answers] == answers


def test_a_restore_of_a_log_in_use_hands_out_every_event_after_it(busy, tmp_path):
    """Subscriptions' places are those of the moment that is copied, so none is past the head."""
    for number in range(3):
        with restore_log(busy.target, tmp_path / f"{number}.db") as copy:
            place = journal_of(copy).backend.checkpoint("subscription:mail")

            assert place.position <= copy.head().position
            assert copy.verify(views=True).is_clean


def test_a_log_opened_twice_in_a_process_keeps_its_files(log_path):
    """POSIX drops a process's locks with the first handle that it closes on a file."""
    once = "import sys, autopack; autopack.open_log(sys.argv[1]).close()"
    with open_log(log_path) as log:
        create_run(log, "r", [PhaseSpec("a")])
        open_log(log_path).close()
        subprocess.run([sys.executable, "-c", once, str(log_path)], check=True)
        create_run(log, "s", [PhaseSpec("a")])

        assert ["r", "s"] == [run.run_id for run in replay(log, "runs").rows.values()]
