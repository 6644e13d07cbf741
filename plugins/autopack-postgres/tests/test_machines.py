"""Workers on several machines with one log: killed, late, called alike, with wrong clocks."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from tests.postgres_server import new_url

import autopack
from autopack.log.log import journal_of
from autopack_postgres.database_address import parsed

pytestmark = pytest.mark.slow

EXECUTOR = '''\
"""Makes a call, says so, goes on once it may; makes another one, and is done once it may."""

import contextlib
import os
import select
from pathlib import Path

from autopack.errors import LeaseLostError

HERE, ME = Path(__file__).parent, os.environ["MACHINE"]


def execute(phase, attempt):
    for n in (1, 2):
        name = f"{phase.phase_id}-{ME}-{n}"
        with contextlib.suppress(LeaseLostError):  # it is recorded all the same
            attempt.record_usage(model="m", input_tokens=10, output_tokens=20, call_id=name)
        (HERE / name).touch()
        while not any((HERE / f"go-{what}").exists() for what in (ME, name)):
            select.select([], [], [], 0.01)  # libfaketime breaks time.sleep
'''
MAIN = "from autopack.cli.main import main; main()"
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
AS_ROOT = ("--user", "--map-root-user") if os.geteuid() else ()
IN_NAMESPACES = ("unshare", *AS_ROOT, "-m", "--uts", "--pid", "--fork", "--kill-child", "sh", "-c")


class Fleet:
    """A log on the server, and the machines that drain it, each with what it is to do."""

    def __init__(self, folder, *phases):
        self.folder, self.url, self._alive = folder, new_url(), []
        (folder / "executor.py").write_text(EXECUTOR, encoding="utf-8")
        self.log = autopack.create_log(self.url)
        autopack.create_run(self.log, "r", [autopack.PhaseSpec(name) for name in phases])

    def drain(
        self, machine, *, lease_s=2.0, phase=None, n_phases=None, host=None, boot=None, clock=None
    ):
        """
        Start a drain on a machine, or a worker that ends after *n_phases*.

        Args:
            phase: The one that it takes; without, whatever is there.
            host: What the machine says that it is called, in namespaces of its own, where the
                drain's process has the number 1.
            boot: What it says that its boot is called.
            clock: By how much its clock is wrong, as libfaketime says it.
        """
        call = [
            sys.executable, "-c", MAIN, "--log", self.url,
            *(("worker", "--max-phases", str(n_phases)) if n_phases else ("drain",)),
            "--run-id", "r", "--executor", f"{self.folder / 'executor.py'}:execute",
            "--lease-s", str(lease_s), *(("--phase-id", phase) if phase else ()),
        ]  # fmt: skip
        environment = {**os.environ, "MACHINE": machine}
        if clock is not None:
            environment |= {"FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        if host is not None:
            script = f"hostname {host}"
            if boot is not None:
                (self.folder / machine).write_text(f"{boot}\n", encoding="ascii")
                script += (
                    f" && mount --bind {self.folder / machine} /proc/sys/kernel/random/boot_id"
                )
            preload = f"LD_PRELOAD={FAKETIME}" if clock is not None else ""
            call = [*IN_NAMESPACES, f'{script} && exec env {preload} "$@"', "sh", *call]
        with (self.folder / f"said-{machine}.txt").open("wb") as said:
            process = subprocess.Popen(call, env=environment, stdout=said, stderr=said)
        self._alive.append(process)
        return process

    def let_go(self, *what):
        """Let machines go on after each call, or after a call."""
        for one in what:
            (self.folder / f"go-{one}").touch()

    def wait_for(self, *marks):
        """Return when calls were made."""
        wait_until(lambda: all((self.folder / mark).exists() for mark in marks), self)

    def said(self):
        """Return what the machines said."""
        return "\n".join(file.read_text("utf-8") for file in self.folder.glob("said-*.txt"))

    def found(self, type_name):
        """Return every event of a type, in order."""
        return [recorded for recorded in self.log.read_all() if recorded.type == type_name]

    def calls(self):
        """Return the calls that are recorded, in order, and whether each was late."""
        return {r.event.call_id: r.event.late for r in self.found("llm.usage_recorded")}

    def check(self):
        """Each phase is complete, once; each call counts once; nothing is held any more."""
        board, usage = autopack.replay(self.log, "phases"), autopack.replay(self.log, "attempts")
        made = {file.name for file in self.folder.glob("p*-*-*")}
        assert {"COMPLETE"} == set(board.total.by_state())
        assert len(board.rows) == len(self.found("phase.completed"))
        assert made == set(self.calls())
        assert 30 * len(made) == usage.total.all.use.total_tokens
        assert [] == journal_of(self.log).backend.leases()
        assert self.log.verify().is_clean

    def close(self):
        """End what still runs."""
        for process in self._alive:
            process.kill()
            process.wait()
        self.log.close()


def wait_until(is_so, fleet):
    """Return when something is so."""
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until, fleet.said()
        time.sleep(0.02)


@pytest.fixture
def fleet(tmp_path):
    """Makes a fleet of so many phases."""
    made = []

    def make(*phases):
        made.append(Fleet(tmp_path, *phases))
        return made[-1]

    yield make
    for one in made:
        one.close()


def namespaces():
    """Skip a test, saying so, where a process may not have namespaces of its own."""
    asked = [*IN_NAMESPACES, "hostname mine && mount --bind /dev/null /proc/sys/kernel/random/uuid"]
    is_there = shutil.which("unshare") is not None
    if not is_there or subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("nobody may make namespaces here: unshare --mount --uts --pid")


def test_a_worker_that_is_killed_between_its_return_and_its_commit_has_ended_nothing(fleet):
    """Its calls count, its phase is done anew at once, and it ends once."""
    log = fleet("p1")
    log.let_go("p1-first-1", "second")
    first = log.drain("first", lease_s=600)
    log.wait_for("p1-first-2")
    lock = f"{parsed(log.url).schema}.append_lock"
    waits = f"SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '{lock}'::regclass"
    with psycopg.connect(parsed(log.url).conninfo) as connection:
        connection.execute(f"LOCK TABLE {lock} IN EXCLUSIVE MODE")
        log.let_go("first")
        wait_until(lambda: connection.execute(waits).fetchone(), log)
        first.kill()
        first.wait()
    second = log.drain("second", lease_s=600, n_phases=1).wait(60)
    calls = [f"p1-{machine}-{n}" for machine in ("first", "second") for n in (1, 2)]

    assert 0 == second
    assert dict.fromkeys(calls, False) == log.calls()
    assert 1 == len(log.found("phase.reclaimed"))
    log.check()


def test_an_old_worker_that_comes_back_late_ends_nothing(fleet):
    """Its phase was taken over: its result does not count, and what it used since is recorded."""
    log = fleet("p1", "p2")
    first = log.drain("first")
    log.wait_for("p1-first-1")
    first.send_signal(signal.SIGSTOP)
    log.let_go("second")
    second = log.drain("second", phase="p1").wait(60)
    first.send_signal(signal.SIGCONT)
    log.wait_for("p2-first-1")
    log.let_go("p1-first-1", "p1-first-2")
    wait_until(lambda: log.found("phase.result_late"), log)
    log.let_go("first")

    assert (0, 0) == (second, first.wait(60))
    assert ["p1-first-2"] == [call for call, is_late in log.calls().items() if is_late]
    assert 1 == len(log.found("phase.reclaimed"))
    log.check()


def test_machines_of_one_name_are_two(fleet):
    """Nor does it matter that their processes have one number: each is judged by its own lease."""
    namespaces()
    log = fleet("p1", "p2")
    first = log.drain("first", host="build")
    log.wait_for("p1-first-1")
    log.let_go("second")
    second = log.drain("second", host="build", n_phases=2)
    log.wait_for("p2-second-2")
    time.sleep(3)  # longer than a lease, which the living one renews
    taken = len(log.found("phase.reclaimed"))
    first.kill()
    ended = second.wait(60)
    workers = {recorded.event.worker for recorded in log.found("phase.claimed")}

    assert (0, 0, 1) == (taken, ended, len(log.found("phase.reclaimed")))
    assert 2 == len(workers)
    assert all(worker.startswith("build-1-") for worker in workers)
    log.check()


def test_clocks_an_hour_off_take_nothing_and_hold_nothing_up(fleet):
    """One is ahead and one behind: each keeps what it renews, and is taken back once it is gone."""
    namespaces()
    if FAKETIME is None:
        why = "libfaketime is not installed here: apt-get install libfaketime"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
    log = fleet("p1", "p2", "p3")
    off = [
        log.drain(machine, phase=phase, host=machine, boot=f"of {machine}", clock=clock)
        for machine, phase, clock in (("ahead", "p1", "+1h"), ("behind", "p2", "-1h"))
    ]
    log.wait_for("p1-ahead-1", "p2-behind-1")
    right = log.drain("right", host="right", boot="of right", n_phases=3)
    log.wait_for("p3-right-1")
    time.sleep(3)  # longer than a lease
    taken = len(log.found("phase.reclaimed"))
    for process in off:
        process.kill()
    log.let_go("right")
    ended = right.wait(60)
    now = time.time()

    assert (0, 0, 2) == (taken, ended, len(log.found("phase.reclaimed")))
    assert all(abs(now - r.recorded_at.timestamp()) < 600 for r in log.log.read_all())
    assert all(r.event.duration_s < 600 for r in log.found("phase.reclaimed"))
    log.check()


def test_two_starters_at_once_double_nothing(fleet):
    """Four drains that two of them start in one moment share the phases, each of them once."""
    log = fleet(*(f"p{n}" for n in range(20)))
    drains = [log.drain(f"m{n}") for n in range(4)]
    log.let_go("m0", "m1", "m2", "m3")

    assert [0, 0, 0, 0] == [drain.wait(60) for drain in drains]
    assert 20 == len(log.found("phase.claimed"))
    log.check()
