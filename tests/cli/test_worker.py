"""``autopack worker`` in processes of its own: it waits, is stopped, and loses nothing."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgres_server import PostgresServer, need_postgres, new_url

from autopack import create_log, create_run, diagnose, open_log, queue_phases, read_text, status
from autopack.report.status import status_text
from drains import found, specs
from workers import begun_worker, is_at_work, rows_of, told, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX has them"),
]


@pytest.fixture(params=["file", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a new log, in a file or on a server."""
    if request.param == "file":
        yield str(tmp_path / "work.db")
        return
    need_postgres()
    yield new_url()


def test_a_worker_waits_for_work_and_gives_back_what_it_cannot_end(
    address: str, tmp_path: Path
) -> None:
    """What is queued meanwhile begins within a second; another worker goes on after SIGTERM."""
    with create_log(address) as log:
        worker = begun_worker(address, tmp_path, "--grace", "0.3")
        wait_for(is_at_work(log))
        create_run(log, "r", specs("a"))
        wait_for((tmp_path / "began-a-1").exists)
        code, _said = told(worker)
        left = rows_of(log)["a"]
        (released,) = found(log, "phase.released")
        (tmp_path / "go-a").touch()
        second = begun_worker(address, tmp_path, "--idle", "0.5")
        second_code, said = told(second, None)
        done = rows_of(log)["a"]
        queued, claimed = (
            next(recorded.recorded_at for recorded in log.read_all() if recorded.type == name)
            for name in ("phase.queued", "phase.claimed")
        )

    assert (0, 0) == (code, second_code)
    assert ("QUEUED", 0) == (left.status, left.attempts_spent)
    assert "the drain was stopped before the phase had ended" == released.why
    assert ("COMPLETE", 1) == (done.status, done.attempts_spent)
    assert (claimed - queued).total_seconds() < 1
    assert "seconds without work" in said


def test_work_that_ends_within_the_grace_is_complete(tmp_path: Path) -> None:
    """And nothing more is taken."""
    path = tmp_path / "work.db"
    with create_log(path) as log:
        create_run(log, "r", specs("a", "b"))
    worker = begun_worker(path, tmp_path)
    wait_for((tmp_path / "began-a-1").exists)
    worker.send_signal(signal.SIGTERM)
    with open_log(path) as log:
        queue_phases(log, "r", specs("c"))
        (tmp_path / "go-a").touch()
        code, _said = told(worker, None)
        rows = rows_of(log)

    assert 0 == code
    assert ["COMPLETE", "QUEUED", "QUEUED"] == [rows[name].status for name in "abc"]


def test_what_waits_is_told_once(tmp_path: Path) -> None:
    """On stderr and as a line of JSON: why nothing is taken, though phases are queued."""
    path = tmp_path / "work.db"
    with create_log(path) as log:
        create_run(log, "r", [*specs("g", requires={"gpu": 1}), *specs("z", after=["g"])])
        code, said = told(begun_worker(path, tmp_path, "--idle", "2", "--json"), None)
        events = log.head().position
    idle = "waiting for work; 2 phases waiting: 1 x it requires gpu 1, and this drain offers no gpu"

    assert 0 == code
    assert 2 == said.count(idle)
    assert 1 == said.count(f'{{"idle": "{idle}')
    assert 7 == events  # of the run; the drain's begin and end, and each that it passed over


def test_two_machines_share_the_work_and_its_texts(tmp_path: Path) -> None:
    """One is killed: its phase goes to the other, which reads what the first had completed."""
    need_postgres()
    address, options = new_url(), ("--lease-s", "1.5", "--offers", "label=eu")
    with create_log(address) as log:
        create_run(log, "r", [*specs("a"), *specs("b", after=["a"])])
        north = begun_worker(address, tmp_path, *options, home="north", is_far=True)
        wait_for((tmp_path / "began-a-1").exists)
        (tmp_path / "go-a").touch()
        wait_for((tmp_path / "began-b-1").exists)
        south = begun_worker(address, tmp_path, *options, home="south", is_far=True)
        wait_for(lambda: len(status(log).drains) == 2)
        shown, looked_at = status_text(status(log)), diagnose(address).checks
        killed, _said = told(north, signal.SIGKILL)
        (tmp_path / "go-b").touch()
        wait_for(lambda: rows_of(log)["b"].status == "COMPLETE")
        code, _said = told(south)
        text, (reclaimed,) = read_text(log, "r/b", "told.txt"), found(log, "phase.reclaimed")

    assert (-signal.SIGKILL, 0) == (killed, code)
    assert "a in north, b in south" == text
    assert "the lease of worker north-" in reclaimed.why
    assert re.search(r"at work by north-\S+ \(label eu\)$", shown, re.MULTILINE)
    assert re.search(r"at work by south-\S+ \(label eu; idle\)$", shown, re.MULTILINE)
    assert ["2 live"] == [one.found[:6] for one in looked_at if one.name == "workers"]


def test_a_worker_with_nothing_to_do_asks_a_server_little(tmp_path: Path) -> None:
    """News comes by itself: what it looks at, and that it lives, is some 66 statements a minute."""
    need_postgres()
    server = PostgresServer(settings="log_statement = 'all'")
    try:
        with create_log(server.url()) as log:
            worker = begun_worker(server.url(), tmp_path)
            wait_for(lambda: status(log).drains)
        time.sleep(2)
        lines, began_s = server.told(), time.monotonic()
        time.sleep(5)
        asked = sum("execute" in line for line in server.told()[len(lines) :])
        per_minute = 60 * asked / (time.monotonic() - began_s)
        code, _said = told(worker)
    finally:
        server.remove()

    assert 0 == code
    assert per_minute < 140


def test_a_worker_that_is_stopped_as_it_begins_takes_nothing(tmp_path: Path) -> None:
    """Whoever starts workers may have thought better of it before the executor was loaded."""
    path, home = tmp_path / "work.db", tmp_path / "stopped"
    with create_log(path) as log:
        create_run(log, "r", specs("a"))
        home.mkdir()
        code = "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\ndef execute(*_): pass\n"
        (home / "early.py").write_text(code, encoding="utf-8")
        code, said = told(
            begun_worker(path, tmp_path, "--executor", "early.py:execute", home="stopped"), None
        )

        assert (0, "QUEUED") == (code, rows_of(log)["a"].status), said
