"""How far an attempt came: durable, of this phase alone, and for whoever goes on."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta

import pytest

from autopack import (
    Completed,
    Failed,
    attempt,
    cancel,
    create_log,
    create_run,
    drain,
    open_log,
    prune_artifacts,
    requeue,
    skip,
)
from autopack.draining.attempts.checkpoints import CHECKPOINT_MOST
from autopack.errors import InvalidInputError, LeaseLostError
from autopack.log.log import journal_of
from autopack.ports.log import from_us
from drains import found, specs

COUNTS = """
    import os, sys, time
    import autopack

    log = autopack.open_log(sys.argv[1], readonly=False)
    with autopack.attempt(log, "r/p1") as attempt:
        last = attempt.last_checkpoint
        start = 0 if last is None else int(last.text)
        for n in range(start + 1, 11):
            with open(sys.argv[2], "a") as done:
                done.write(f"{n}\\n")
            attempt.checkpoint("counted", str(n))
            if n == int(sys.argv[3]):
                print("there", flush=True)
                time.sleep(60)
"""


def test_a_killed_loop_goes_on_where_it_was(tmp_path):
    """Killed at 6 of 10, the next process does 7 to 10: nothing twice, and nothing left out."""
    path, done, script = tmp_path / "a.db", tmp_path / "done", tmp_path / "counts.py"
    script.write_text(textwrap.dedent(COUNTS).replace(", readonly=False", ""))
    with create_log(path) as log:
        create_run(log, "r", specs("p1"))

    def begin(stops_at):
        arguments = [sys.executable, str(script), str(path), str(done), str(stops_at)]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)

    first = begin(6)
    with first.stdout:
        assert "there" == first.stdout.readline().strip()
        os.kill(first.pid, signal.SIGKILL)
    first.wait(30)
    with open_log(path) as log:
        requeue(log, "r/p1", why="its worker was killed")
    second = begin(0)
    with second.stdout:
        second.stdout.read()

    assert 0 == second.wait(60)
    assert [str(n) for n in range(1, 11)] == done.read_text().split()
    with open_log(path) as log:
        assert [(n, 1 if n <= 6 else 2) for n in range(1, 11)] == [
            (number, one.attempt)
            for number, one in enumerate(found(log, "phase.checkpointed"), start=1)
        ]
        assert log.verify().is_clean


class TestWhatIsKept:
    """The last one is that of the phase, by whichever attempt."""

    def test_the_next_attempt_is_shown_what_the_last_one_kept(self, log):
        """Name, text, the attempt's number, and when; at first there is nothing."""
        seen = []

        def execute(phase, live):
            seen.append(live.last_checkpoint)
            live.checkpoint("step", f"{phase.phase_id} {live.number}")
            if live.number == 1:
                return Failed("x", "no", retryable=True, retry_after_s=0.001)
            return Completed()

        drain(log, executor=execute, backoff_base_s=0.001, backoff_cap_s=0.001)
        later = [one for one in seen if one is not None]

        assert 2 == len([one for one in seen if one is None])
        assert {"p1 1", "p2 1"} == {one.text for one in later}
        assert [("step", 1), ("step", 1)] == [(one.name, one.attempt) for one in later]
        assert all(one.at.tzinfo is not None for one in later)

    def test_the_last_of_all_names_is_the_last(self, log):
        """A name is for people, and for who keeps several."""
        with attempt(log, "r/p1") as live:
            digest = live.checkpoint("a", "1")
            live.checkpoint("b", "2")
            live.checkpoint("a", "3")

            assert ("a", "3", 1) == (
                live.last_checkpoint.name, live.last_checkpoint.text, live.last_checkpoint.attempt,
            )  # fmt: skip
            assert "2" == live.checkpoint_of("b").text
            assert live.checkpoint_of("c") is None
            assert [("b", "2"), ("a", "3")] == [(k, v.text) for k, v in live.checkpoints.items()]
            assert "1" == log.artifacts.get(digest)

    def test_each_name_is_there_for_the_next_attempt_of_any_process(self, log, another):
        """Who keeps a note beside the page finds the page."""
        with attempt(log, "r/p1") as live:
            assert {} == live.checkpoints
            live.checkpoint("page", "6")
            live.checkpoint("note", "the scanner is slow")
            live.fail("x", "no")
        requeue(log, "r/p1", why="again")
        with attempt(another(), "r/p1") as live:
            found = live.checkpoints

        assert ("6", 1) == (found["page"].text, found["page"].attempt)
        assert ["page", "note"] == list(found)

    def test_it_is_there_before_the_attempt_ends_and_for_any_process(self, log, another):
        """Durable once the call returns."""
        with attempt(log, "r/p1") as live:
            live.checkpoint("step", "half")
            reopened = another()
            (kept,) = found(reopened, "phase.checkpointed")

            assert "half" == reopened.artifacts.get(kept.digest)

    def test_an_async_executor_awaits_it(self, log):
        """The loop goes on meanwhile, and what was kept is kept, even if the task is cancelled."""

        async def execute(_phase, live):
            await live.acheckpoint("step", "1")
            await asyncio.gather(*(live.acheckpoint("step", str(n)) for n in range(2, 6)))
            return

        drain(log, executor=execute, run_id="r", phase_id="p1")

        assert 5 == len(found(log, "phase.checkpointed"))

    def test_threads_of_one_attempt_keep_each_their_own(self, log):
        """None is lost, and the last one recorded is the last."""
        with attempt(log, "r/p1") as live:
            threads = [
                threading.Thread(target=live.checkpoint, args=("n", str(n))) for n in range(12)
            ]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
            last = log.artifacts.get(found(log, "phase.checkpointed")[-1].digest)

            assert 12 == len(found(log, "phase.checkpointed"))
            assert last == live.last_checkpoint.text

    def test_another_phase_has_none_of_it(self, log):
        """Not even one of the same run."""
        with attempt(log, "r/p1") as live:
            live.checkpoint("step", "1")
        with attempt(log, "r/p2") as live:
            assert live.last_checkpoint is None


class TestWhatIsRefused:
    """By name, and nothing is kept."""

    def test_a_lost_lease_keeps_nothing(self, log):
        """Somebody else goes on from what was kept before."""
        with pytest.raises(LeaseLostError), attempt(log, "r/p1") as live:
            live.checkpoint("step", "1")
            cancel(log, "r/p1", why="no more")
            live.checkpoint("step", "2")

        assert 1 == len(found(log, "phase.checkpointed"))

    @pytest.mark.parametrize(
        ("name", "text"),
        [("", "x"), (3, "x"), ("n" * 201, "x"), ("n", 3), ("n", None),
         ("n", "x" * (CHECKPOINT_MOST + 1))],
    )  # fmt: skip
    def test_what_cannot_be_one(self, log, name, text):
        """A name and a text, each of a size that a log may keep."""
        with attempt(log, "r/p1") as live:
            with pytest.raises(InvalidInputError):
                live.checkpoint(name, text)

            assert live.last_checkpoint is None

    def test_half_characters_are_kept_as_marks(self, log):
        """What no file can hold is no reason to lose how far it came."""
        with attempt(log, "r/p1") as live:
            live.checkpoint("a\ud800", "b\ud800")

            assert "\ud800" not in live.last_checkpoint.text + live.last_checkpoint.name


class TestAFreshStart:
    """What a person who puts a phase back decides."""

    def failing(self, log):
        """Let an attempt fail that kept something."""

        def execute(_phase, live):
            live.checkpoint("step", "7")
            return Failed("x", "no", retryable=False)

        drain(log, executor=execute, run_id="r", phase_id="p1")

    @pytest.mark.parametrize(("fresh", "text"), [(False, "7"), (True, None)])
    def test_what_was_kept_counts_unless_it_is_said(self, log, another, fresh, text):
        """By default it is gone on with, in this process and in any other."""
        self.failing(log)
        requeue(log, "r/p1", why="again", fresh=fresh)
        with attempt(another(), "r/p1") as live:
            last = live.last_checkpoint

            assert text == (None if last is None else last.text)

    def test_what_is_kept_after_that_counts_again(self, log):
        """The start is where it begins, not where it stays."""
        self.failing(log)
        requeue(log, "r/p1", why="again", fresh=True)
        with attempt(log, "r/p1") as live:
            live.checkpoint("step", "1")

            assert ("1", 2) == (live.last_checkpoint.text, live.last_checkpoint.attempt)


class TestPruning:
    """What can still be gone on with stays."""

    def prune(self, log):
        """Remove every text that is old enough, which all are."""
        later = from_us(journal_of(log).now_us()) + timedelta(days=1)
        return prune_artifacts(log, why="room", named_before=later).texts.keys()

    def test_the_last_one_of_a_phase_that_may_go_on_stays(self, log):
        """Those before it go; so does the last one of a phase that is done or left out."""
        digests = {}
        for name in ("p1", "p2"):
            with attempt(log, f"r/{name}") as live:
                digests[name] = [live.checkpoint("step", f"{name} {n}") for n in range(3)]
                if name == "p1":
                    live.fail("x", "no")
        pruned = self.prune(log)

        assert set(digests["p1"][:2]) <= pruned
        assert digests["p1"][2] not in pruned
        assert digests["p2"][2] in pruned
        requeue(log, "r/p1", why="again")
        with attempt(log, "r/p1") as live:
            assert "p1 2" == live.last_checkpoint.text

    def test_what_a_fresh_start_has_dropped_goes(self, log):
        """Nobody will ask for it."""
        with attempt(log, "r/p1") as live:
            digest = live.checkpoint("step", "1")
            live.fail("x", "no")
        requeue(log, "r/p1", why="again", fresh=True)

        assert digest in self.prune(log)

    def test_what_is_left_undone_goes(self, log):
        """A phase that was skipped on purpose needs nothing."""
        with attempt(log, "r/p1") as live:
            digest = live.checkpoint("step", "1")
            live.fail("x", "no")
        skip(log, "r/p1", why="not needed")

        assert digest in self.prune(log)
