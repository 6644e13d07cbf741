"""What a run starts from is captured once, by one worker."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from autopack import Drain, Prepared, create_run, drain
from autopack.draining.attempts.claims import Claims
from autopack.log.log import handler_of, journal_of
from drains import end_leases, found, specs, states, works


class Preparing:
    """Counts its preparations."""

    def __init__(self, result=None):
        self.runs = []
        self.result = result

    def prepare(self, run):
        self.runs.append(run.run_id)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    def execute(self, phase, attempt):
        return works(phase, attempt)


def test_a_run_is_prepared_once_and_it_is_an_event(log):
    """Two phases, two drains: one preparation, with commit, texts and how long it took."""
    executor = Preparing(Prepared(commit="abc", artifacts={"tests.txt": "2 failed"}, summary="s"))
    drain(log, executor=executor, max_phases=1)
    drain(log, executor=executor)
    (prepared,) = found(log, "run.prepared")

    assert ["r"] == executor.runs
    assert ("abc", "s") == (prepared.commit, prepared.summary)
    assert "2 failed" == log.artifacts.get(prepared.artifacts["tests.txt"])
    assert [] == journal_of(log).backend.leases()


def test_a_run_that_cannot_be_prepared_gives_no_phase(log):
    """The failure is an event with its text; phases of other runs are taken."""
    create_run(log, "s", specs("q1"))

    class Picky(Preparing):
        def prepare(self, run):
            if run.run_id == "r":
                raise OSError("no such branch")

    report = drain(log, executor=Picky())
    (failed,) = found(log, "run.prepare_failed")

    assert "OSError: no such branch" == failed.message
    assert {"p1": "QUEUED", "p2": "QUEUED", "q1": "COMPLETE"} == states(log)
    assert ("blocked", "2 queued phases may not be taken") == (report.reason, report.detail)


def test_the_next_drain_tries_again(log):
    """A failed preparation is not remembered as done."""
    drain(log, executor=Preparing(OSError("offline")))
    report = drain(log, executor=Preparing())

    assert 2 == report.completed
    assert 1 == len(found(log, "run.prepared"))


class Slow(Preparing):
    """Prepares one run until it is let go; all others at once."""

    def __init__(self, run_id="r"):
        super().__init__()
        self.run_id, self.began, self.go = run_id, threading.Event(), threading.Event()

    def prepare(self, run):
        super().prepare(run)
        if run.run_id == self.run_id:
            self.began.set()
            self.go.wait(60)


def test_two_workers_do_not_prepare_at_once(log, another):
    """While one worker prepares, another one waits for it, and says so; it is done once."""
    slow, quick = Slow(), Preparing()
    with ThreadPoolExecutor(2) as pool, capture_logs() as logged:
        first = pool.submit(drain, log, executor=slow)
        slow.began.wait(60)
        second = pool.submit(drain, another(), executor=quick)
        until_told(logged, "a run is waited for")
        slow.go.set()
        reports = [first.result(60), second.result(60)]

    assert (["r"], []) == (slow.runs, quick.runs)
    assert 2 == sum(report.completed for report in reports)
    assert 1 == len(found(log, "run.prepared"))
    assert any("is being prepared by" in event.reason for event in found(log, "drain.passed_over"))


def until_told(logged, event):
    """Wait until something was logged."""
    until = time.monotonic() + 60
    while not any(one["event"] == event for one in logged) and time.monotonic() < until:
        time.sleep(0.005)


def test_a_preparation_keeps_its_lease(log, another):
    """However long it takes: another worker waits, far beyond the length of a lease."""
    slow, quick, claims = Slow(), Preparing(), []
    with ThreadPoolExecutor(2) as pool, capture_logs():
        first = pool.submit(drain, log, executor=slow, lease_s=1.0)
        slow.began.wait(60)
        second = pool.submit(drain, another(), executor=quick, lease_s=1.0)
        renewals = set()
        while len(renewals) < 5:  # more than a whole lease
            renewals |= {
                x.expires_at for x in journal_of(log).backend.leases() if x.key == "prepare r"
            }
            time.sleep(0.01)
        claims += found(log, "phase.claimed")
        slow.go.set()
        first.result(60)
        second.result(60)

    assert (["r"], []) == (slow.runs, quick.runs)
    assert [] == claims


def test_a_dead_preparation_is_taken_over(log, another):
    """A worker that was killed keeps nobody waiting for longer than its lease."""
    dead = another()
    token = Claims(handler_of(dead), worker="dead", lease_s=600).hold("prepare r")
    with capture_logs() as logged, ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(drain, log, executor=(quick := Preparing()))
        until = time.monotonic() + 60
        while not _waits(logged) and time.monotonic() < until:
            time.sleep(0.01)
        begun = list(quick.runs)
        end_leases(dead)
        report = waiting.result(60)

    assert token is not None
    assert ([], ["r"], 2) == (begun, quick.runs, report.completed)
    assert ["its run is being prepared by dead"] == _waits(logged)


def _waits(logged):
    return [one["why"] for one in logged if one["event"] == "a run is waited for"]


def test_a_preparation_whose_lease_is_lost_counts_for_nothing(log):
    """Another worker has begun it anew meanwhile, and what that finds is what counts."""

    class Loses(Preparing):
        def prepare(self, run):
            super().prepare(run)
            if len(self.runs) == 1:
                with journal_of(log).backend.transaction() as store:
                    lease = store.lease("prepare r")
                    store.drop_lease(lease.key, lease.token)
            return Prepared(summary=f"number {len(self.runs)}")

    with capture_logs() as logged:
        report = drain(log, executor=Loses(), lease_s=30)

    assert ["number 2"] == [event.summary for event in found(log, "run.prepared")]
    assert 2 == report.completed
    assert ["a run was prepared for nothing: its lease had ended meanwhile"] == [
        one["event"] for one in logged if one["log_level"] == "warning"
    ]


def test_other_runs_go_on_while_one_is_prepared(log):
    """Their phases are claimed, and their ends recorded, before it is ready."""
    create_run(log, "s", specs("q1", "q2"))
    slow = Slow()
    journal_of(log).observers.append(
        lambda r: slow.go.set() if r.type == "run.finished" and r.event.run_id == "s" else None
    )

    report = drain(log, executor=slow)

    assert 4 == report.completed
    finished = [event.run_id for event in found(log, "run.finished")]
    assert ["s", "r"] == finished
    assert {} == report.passed_over


def test_few_runs_are_prepared_at_once(any_log):
    """One more than there are workers; and each of them once."""
    for n in range(6):
        create_run(any_log, f"r{n}", specs("p"))
    at_once, most, lock = [], [], threading.Lock()

    class Counting(Preparing):
        def prepare(self, run):
            with lock:
                at_once.append(run.run_id)
                most.append(len(at_once))
            time.sleep(0.02)
            super().prepare(run)
            with lock:
                at_once.remove(run.run_id)

    executor = Counting()
    report = drain(any_log, executor=executor, workers=2)

    assert (6, sorted(f"r{n}" for n in range(6))) == (report.completed, sorted(executor.runs))
    assert max(most) <= 3


@pytest.mark.parametrize("grace_s", [None, 0])
def test_a_stop_is_heard_while_a_run_is_prepared(log, grace_s):
    """The drain ends at once; the preparation is left to itself, and its lease to its end."""
    slow = Slow()
    engine = Drain(log, executor=slow)
    with ThreadPoolExecutor(1) as pool:
        draining = pool.submit(engine.run)
        slow.began.wait(60)
        engine.stop(grace_s)
        report = draining.result(60)
        is_still_preparing = not slow.go.is_set()
        leases = [lease.key for lease in journal_of(log).backend.leases()]
        slow.go.set()
    until = time.monotonic() + 60
    while journal_of(log).backend.leases() and time.monotonic() < until:
        time.sleep(0.005)

    assert ("stopped", True, ["prepare r"]) == (report.reason, is_still_preparing, leases)
    assert [] == journal_of(log).backend.leases()
    assert {"p1": "QUEUED", "p2": "QUEUED"} == states(log)


@pytest.mark.parametrize("fault", [SystemExit(3), KeyboardInterrupt(), ValueError("x")])
def test_whatever_a_preparation_raises_is_its_failure(log, fault):
    """It ends no drain."""
    report = drain(log, executor=Preparing(fault))

    assert ("blocked", 1) == (report.reason, len(found(log, "run.prepare_failed")))
    assert type(fault).__name__ in found(log, "run.prepare_failed")[0].message


PREPARES = """\
import time
from pathlib import Path


class Executor:
    def prepare(self, run):
        with Path(__file__).with_name("prepared").open("a") as file:
            file.write("x")
        while not Path(__file__).with_name("go").exists():
            time.sleep(0.01)

    def execute(self, phase, attempt):
        pass
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX has them")
def test_a_drain_that_is_killed_in_a_preparation_keeps_nobody_waiting(filed, log_path, tmp_path):
    """The next one takes it over as soon as the lease has ended."""
    (tmp_path / "mine.py").write_text(PREPARES, encoding="utf-8")
    line = [
        sys.executable, "-m", "autopack", "--log", str(log_path), "drain",
        "--executor", f"{tmp_path / 'mine.py'}:Executor", "--lease-s", "1",
    ]  # fmt: skip
    first = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    prepared = tmp_path / "prepared"
    while not (prepared.exists() and prepared.read_text()) and time.monotonic() < until:
        time.sleep(0.01)
    first.kill()
    first.wait()
    (tmp_path / "go").touch()
    second = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)

    assert (0, "xx") == (second.returncode, prepared.read_text())
    assert {"p1": "COMPLETE", "p2": "COMPLETE"} == states(filed)


def test_an_executor_reads_what_the_phases_have_in_common(log):
    """The run's settings are there for its preparation and in each attempt."""
    create_run(log, "s", specs("a"), settings={"image": "py312"})
    told = []

    class Reading:
        def prepare(self, run):
            told.append(run.settings)

        def execute(self, phase, attempt):
            told.append(attempt.settings)

    drain(log, executor=Reading(), run_id="s")

    assert [{"image": "py312"}, {"image": "py312"}] == told
