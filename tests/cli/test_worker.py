"""``autopack worker`` in processes of its own: it waits, is stopped, and loses nothing."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from autopack import create_log, create_run, open_log, queue_phases
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
    from postgres_server import need_postgres, new_url

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
