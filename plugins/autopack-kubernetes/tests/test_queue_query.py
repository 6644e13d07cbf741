"""What KEDA asks, on a real PostgreSQL; and the command that writes it."""

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from tests.postgres_server import new_url

import autopack
from autopack import Failed, PhaseSpec, create_run
from autopack.cli.main import autopack as command
from autopack_kubernetes.queue_query import queue_query
from autopack_postgres.database_address import parsed
from drains import specs

GPU = {"gpu": 1, "label": ["e'u"]}


@pytest.fixture
def address():
    """The address of a new log on a server."""
    url = new_url()
    autopack.create_log(url).close()
    return url


def counted(address, requires, run_id=None, query=None):
    """Return what the query answers a reader whose connection names no schema."""
    at = parsed(address)
    with psycopg.connect(at.conninfo) as connection:
        role = f"reader_of_{at.schema}"
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
            connection.execute(f"CREATE ROLE {role}".encode())
            connection.execute(f"SELECT {at.schema}.grant_reader('{role}')".encode())
        connection.execute(f"SET ROLE {role}".encode())
        text = query or queue_query(at.schema, requires, run_id)
        return connection.execute(text.encode()).fetchone()[0]


def test_it_counts_what_is_in_work_or_could_be(address):
    """Not what waits for others, for a person, for long, or is done; nor what requires more."""
    seen = []

    def work(phase, _attempt):
        seen.append(counted(address, {}))
        if phase.phase_id == "gated":
            return autopack.NeedsPerson("Is it so?")
        wait_s = 3600 if phase.phase_id == "late" else 20
        is_again = phase.phase_id in ("late", "soon")
        return Failed("busy", "later", retryable=True, retry_after_s=wait_s) if is_again else None

    with autopack.open_log(address) as log:
        create_run(log, "r", [*specs("a"), *specs("b", after=("a",)), *specs("c", after=("b",))])
        create_run(log, "o", specs("gated", "late", "soon"))
        create_run(log, "p", specs("x"))
        create_run(log, "g", [PhaseSpec("g", requires=GPU), PhaseSpec("h", requires=GPU)])
        autopack.pause_run(log, "p", why="too dear")
        first = counted(address, {})
        autopack.drain(log, executor=work, run_id="o", max_phases=3)
        backing_off = counted(address, {})
        autopack.drain(log, executor=work, run_id="r", max_phases=1)

        assert (4, [4, 3, 2, 2]) == (first, seen)
        assert (2, 2) == (backing_off, counted(address, {}))
        assert (2, 1) == (counted(address, GPU), counted(address, {}, "r"))
        assert 0 == counted(address, {"gpu": 1})


def test_it_counts_phases_whose_texts_hold_any_character(address):
    """One that PostgreSQL's JSON has not, in one phase, would keep KEDA from asking at all."""
    with autopack.open_log(address) as log:
        create_run(log, "r", [*specs("a"), PhaseSpec("b", labels={"note": "nothing: \0"})])

    assert 2 == counted(address, {})


@pytest.mark.parametrize("image", ["", " ", "work:1 --evil"])
def test_what_names_no_image_is_refused(address, image):
    """No cluster would say so before it starts a pod."""
    arguments = ["--log", address, "kubernetes", "--image", image, "--max", "9"]
    told = CliRunner().invoke(command, [*arguments, "--", "--executor", "recorded"])

    assert (2, "") == (told.exit_code, told.stdout)
    assert f"{image!r} names no image" in told.stderr


def test_the_command_writes_one_for_each_thing_required(address):
    """Its query counts what each is for, and a worker is told what to offer."""
    with autopack.open_log(address) as log:
        create_run(log, "r", [*specs("a", "b"), PhaseSpec("g", requires={"gpu": 1})])
    arguments = ["--log", address, "kubernetes", "--image", "work:1", "--max", "9"]
    worker = ["--", "--executor", "recorded", "--workers", "2"]
    told = CliRunner().invoke(command, [*arguments, *worker])
    jobs = CliRunner().invoke(command, [*arguments, "--jobs", *worker])
    plain, gpu = yaml.safe_load_all(told.stdout)
    triggers = [one["spec"]["triggers"][0]["metadata"] for one in (plain, gpu)]
    ours = [one["spec"]["jobTargetRef"]["template"]["spec"]["containers"][0]["command"]
            for one in (plain, gpu)]  # fmt: skip

    assert (0, 0) == (told.exit_code, jobs.exit_code)
    assert ["2", "1"] == [one["targetQueryValue"] for one in triggers]
    assert [2, 1] == [counted(address, {}, query=one["query"]) for one in triggers]
    assert ["--drain", "kubernetes-workers", "--offers", "gpu=1"] == ours[1][-4:]
    assert ["autopack", "worker", "--idle", "5m", "--executor"] == ours[0][:5]
    assert [("Job", 1), ("Job", 1)] == [
        (one["kind"], one["spec"]["parallelism"]) for one in yaml.safe_load_all(jobs.stdout)
    ]
    assert "each phase that is ready has one" in jobs.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--offers", "gpu=1"], "Leave --offers out"),
        (["--max-usd", "5"], "needs the name of their --drain"),
    ],
)
def test_what_cannot_be_written_is_refused(address, options, says):
    """Before anything is printed."""
    arguments = ["--log", address, "kubernetes", "--image", "w", "--max", "9", "--"]
    told = CliRunner().invoke(command, [*arguments, "--executor", "recorded", *options])

    assert (2, "") == (told.exit_code, told.stdout)
    assert says in told.stderr


def test_a_log_in_a_file_is_for_no_cluster(tmp_path):
    """It is said where it can be moved; an empty queue needs nothing."""
    path = str(tmp_path / "work.db")
    with autopack.create_log(path):
        pass
    arguments = ["--log", path, "kubernetes", "--image", "w", "--max", "9"]
    worker = ["--", "--executor", "recorded"]
    refused = CliRunner().invoke(command, [*arguments, *worker])
    empty = CliRunner().invoke(command, [*arguments, "--jobs", *worker])

    assert (2, 0) == (refused.exit_code, empty.exit_code)
    assert "autopack log copy" in refused.stderr
    assert "There is nothing to do" in empty.stderr
