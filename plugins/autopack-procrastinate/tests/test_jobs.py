"""Workers as jobs of a real procrastinate worker, on a real PostgreSQL."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import attrs
import psycopg
import pytest
from tests.postgres_server import need_postgres, new_url, shared_server

import autopack
from autopack import create_run, scale
from autopack.errors import PluginError
from autopack.log.log import journal_of
from autopack.testing.launchers import LauncherContract, ordered
from autopack_procrastinate.app import VARIABLE, app_at
from autopack_procrastinate.jobs import ProcrastinateLauncher, queue_of
from drains import specs
from launched import EXECUTOR
from workers import rows_of, wait_for


def conninfo(database="jobs"):
    """Return the address of a database on the shared server, as libpq has it."""
    return f"postgresql:///{database}?host={shared_server().folder}&user=autopack"


def new_database(name):
    """Make an empty database in place of one that an earlier test has left."""
    with psycopg.connect(conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")


def asked(do):
    """Return what an open app answers."""

    async def answered():
        async with app_at(conninfo()).open_async() as app:
            return await do(app)

    return asyncio.run(answered())


@contextlib.contextmanager
def at_work(place, *options):
    """A worker of procrastinate, which takes jobs until the test is over."""
    command = ["-m", "procrastinate", "--app", "autopack_procrastinate.app.app", "worker"]
    process = subprocess.Popen(
        [sys.executable, *command, "--concurrency", "4", "--fetch-job-polling-interval", "0.5",
         "--abort-job-polling-interval", "0.2", *options],
        env={**os.environ, VARIABLE: conninfo(), "AUTOPACK_TEST_PLACE": str(place)},
        cwd=place,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(timeout=60)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """The tables of procrastinate, and one worker of it."""
    place = tmp_path_factory.mktemp("jobs")
    (place / "work.py").write_text(EXECUTOR, encoding="utf-8")
    new_database("jobs")
    asked(lambda app: app.schema_manager.apply_schema_async())
    with at_work(place, "--queues", "autopack"):
        yield place


@pytest.mark.slow
class TestContract(LauncherContract):
    """It keeps the promises of every launcher."""

    @pytest.fixture(autouse=True)
    def _database(self, database):
        """Have somebody who takes jobs."""

    def make(self, folder):
        return ProcrastinateLauncher(conninfo=conninfo())


@pytest.mark.slow
def test_a_job_that_is_delivered_twice_does_its_phase_once(database, monkeypatch):
    """The second delivery finds the attempt claimed, and returns; the first one goes on."""
    monkeypatch.chdir(database)
    address = new_url()
    command = [
        sys.executable, "-m", "autopack", "--log", address, "worker",
        "--executor", "work.py:execute", "--idle", "0.2s",
    ]  # fmt: skip
    launcher = ProcrastinateLauncher(conninfo=conninfo())

    def status(job):
        return asked(lambda app: app.job_manager.get_job_status_async(int(job))).value

    def redelivered(job):
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return asked(lambda app: app.job_manager.retry_job_by_id_async(int(job), retry_at=at))

    def scaled(log):
        return scale(log, launcher=launcher, most=3, command=command, executor="work.py:execute")

    with autopack.create_log(address) as log:
        create_run(log, "r", specs("a"))
        (job,) = scaled(log).started
        wait_for((database / "began-a-1").exists)
        redelivered(job)
        wait_for(lambda: "succeeded" == status(job))
        at_work_still = rows_of(log)["a"].status
        (database / "go-a").touch()
        wait_for(lambda: "COMPLETE" == rows_of(log)["a"].status)
        row, use = rows_of(log)["a"], autopack.status(log)
        wait_for(lambda: not launcher.running(journal_of(log).log_id))

        assert "nothing is queued" in scaled(log).stands
    assert ("RUNNING", 1, 1) == (at_work_still, row.attempts, row.attempts_spent)
    assert (1, 30) == (use.calls, use.total_tokens)


@pytest.mark.slow
def test_a_queue_that_nobody_works_on_is_said(database):
    """Workers that offer something wait in a queue of their own, until they are taken back."""
    launcher = ProcrastinateLauncher(conninfo=conninfo())
    order = attrs.evolve(ordered("true"), offers={"gpu": 1, "label": ["eu", "x"]})
    (job,) = launcher.start(order, 1)
    (there,) = launcher.running(order.log_id)
    launcher.stop([job])

    assert there.is_waiting
    assert (
        "no worker of procrastinate has taken it from autopack-gpu-1-label-eu-label-x" == there.why
    )
    assert [] == launcher.running(order.log_id)


@pytest.mark.slow
def test_a_worker_that_fails_fails_its_job(database):
    """As procrastinate tells of it."""
    launcher, order = ProcrastinateLauncher(conninfo=conninfo()), ordered("/bin/sh", "-c", "exit 3")
    (job,) = launcher.start(order, 1)
    wait_for(lambda: not launcher.running(order.log_id))
    status = asked(lambda app: app.job_manager.get_job_status_async(int(job)))

    assert "failed" == status.value


@pytest.mark.slow
def test_a_job_whose_machine_is_gone_is_none(database, tmp_path):
    """It is stalled, as procrastinate says, and another may be started in its place."""
    launcher, order = (
        ProcrastinateLauncher(conninfo=conninfo(), queue="lost"),
        ordered("sleep", "1"),
    )
    with contextlib.suppress(AssertionError), at_work(tmp_path, "--queues", "lost") as lost:
        launcher.start(order, 1)
        wait_for(lambda: not launcher.running(order.log_id)[0].is_waiting)
        lost.kill()
    before = launcher.running(order.log_id)
    with psycopg.connect(conninfo()) as connection:  # as if half a minute had gone by
        connection.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 s' WHERE id = "
            "(SELECT worker_id FROM procrastinate_jobs WHERE id = %s)",
            [int(before[0].id)],
        )

    assert 1 == len(before)
    assert [] == launcher.running(order.log_id)


def test_a_database_that_does_not_answer_is_an_error(tmp_path):
    """And nobody is started."""
    launcher = ProcrastinateLauncher(conninfo=f"host={tmp_path}")
    with pytest.raises(PluginError, match=r"its database refuses: connection .* failed"):
        launcher.running("x")


@pytest.mark.slow
def test_tables_that_were_never_made_are_named():
    """With the command that makes them."""
    need_postgres()
    new_database("jobless")
    launcher = ProcrastinateLauncher(conninfo=conninfo("jobless"))
    for ask in (lambda: launcher.running("x"), lambda: launcher.start(ordered("true"), 1)):
        with pytest.raises(PluginError, match=r"does not exist.*app\.app schema --apply"):
            ask()


def test_none_is_started_where_none_is_asked_for(tmp_path):
    """Nobody is asked."""
    assert [] == ProcrastinateLauncher(conninfo=f"host={tmp_path}").start(ordered("true"), 0)


def test_a_queue_is_named_by_what_its_workers_offer():
    """Amounts and words, in one order."""
    order = ordered("true")

    assert "q" == queue_of("q", order)
    assert "q-a-eu-a-x-gpu-2" == queue_of(
        "q", attrs.evolve(order, offers={"gpu": 2.0, "a": ("eu", "x")})
    )
