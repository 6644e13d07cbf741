"""``autopack scale`` with processes of this machine: two at once, staying, and what is refused."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import autopack
from autopack import create_log, create_run, open_log
from autopack.cli.main import autopack as command
from autopack.draining.engine.local_launcher import LocalLauncher
from autopack.log.log import journal_of
from drains import specs
from launched import EXECUTOR
from workers import rows_of, wait_for

IDS = ("a", "b", "c")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="workers are asked to end by SIGTERM")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a log of three phases, and an executor that is told when to end."""
    (tmp_path / "work.py").write_text(EXECUTOR, encoding="utf-8")
    monkeypatch.setenv("AUTOPACK_TEST_PLACE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with create_log("work.db") as log:
        create_run(log, "r", specs(*IDS))
        log_id = journal_of(log).log_id
    yield tmp_path
    launcher = LocalLauncher()
    wait_for(lambda: not launcher.stop([w.id for w in there(log_id)]) and not there(log_id))


def there(log_id):
    return LocalLauncher().running(log_id)


def line(*options, most=2):
    """Return what is typed for a scaler of workers with an executor of ours."""
    return [
        "--log", "work.db", "scale", "--launcher", "local", "--max", str(most), *options,
        "--", "--executor", "work.py:execute", "--grace", "0.1",
    ]  # fmt: skip


def begun(*arguments):
    """Begin ``autopack`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "autopack", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_two_at_once_start_nobody_twice(place):
    """The second waits for the first, and finds its workers; these do what is queued."""
    scalers = [begun(*line("--once", "--json", most=5)) for _ in range(2)]
    looks = [json.loads(scaler.communicate(timeout=60)[0]) for scaler in scalers]
    with open_log("work.db") as log:
        wait_for(lambda: all((place / f"began-{name}-1").exists() for name in IDS))
        n_there = len(there(journal_of(log).log_id))
        for name in IDS:
            (place / f"go-{name}").touch()
        wait_for(lambda: {"COMPLETE"} == {row.status for row in rows_of(log).values()})
        (drain,) = autopack.list_drains(log)

    assert [0, 3] == sorted(len(look["started"]) for look in looks)
    assert ([3, 3], 3) == ([look["there"] for look in looks], n_there)
    assert "local-workers" == drain.drain_id


@pytest.mark.slow
def test_one_that_stays_follows_the_queue(place):
    """What is queued later has a worker too; told to end it leaves the workers at work."""
    scaler = begun(*line("--every", "0.2s", most=4))
    with open_log("work.db") as log:
        log_id = journal_of(log).log_id
        wait_for(lambda: 3 == len(there(log_id)))
        autopack.queue_phases(log, "r", specs("d"))
        wait_for(lambda: 4 == len(there(log_id)))
    scaler.send_signal(signal.SIGTERM)
    said, _notes = scaler.communicate(timeout=60)
    last = CliRunner().invoke(command, line("--once", most=0))

    assert (0, 0) == (scaler.returncode, last.exit_code)
    assert said.startswith("local: started 3 workers\n3 of 4: each phase that is ready has one\n")
    assert "local: started 1 worker\n4 of 4\n" in said
    assert "local: stopped 4 workers\n0 of 0" in last.stdout
    assert [] == list(Path().glob("go-*"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (line("--once")[:-5], "After -- say how each works"),
        ([*line("--once"), "--nope"], "There is no option --nope"),
        ([*line("--once"), "--max-usd", "5"], "Name it with: --drain NAME"),
        ([*line("--once"), "--executor", "none.py:execute"], "none.py"),
        (line("--once", "-l", "colour=red"), "has no option colour"),
        ([*line("--once"), "--nope"], "Try 'autopack worker --help'"),
        (line("--once", "--max", "10001"), "'--max': 10001 is above 10000"),
        (line("--once", "--max", "-1"), "'--max': -1 is below 0"),
    ],
)
def test_what_no_worker_could_be_started_with_is_refused(place, arguments, says):
    """Before one is: exit 2."""
    told = CliRunner().invoke(command, arguments)
    with open_log("work.db") as log:
        n = len(there(journal_of(log).log_id))

    assert (2, 0) == (told.exit_code, n)
    assert says in told.stderr


@pytest.mark.slow
def test_an_engine_that_is_away_for_a_while_ends_nothing(place):
    """The first look is refused; a later one is told of, and made again."""
    (place / "engines").mkdir()
    (place / "engines" / "shaky.py").write_text(
        "import autopack, itertools\n\n\n"
        "class Shaky:\n    name = 'shaky'\n    looks = itertools.count()\n\n"
        "    def running(self, log_id):\n"
        "        if next(self.looks) == 1:\n"
        "            raise autopack.AutopackError('The engine is away.')\n"
        "        return []\n\n"
        "    def start(self, order, n):\n        return ['x'] * n\n\n"
        "    def stop(self, ids):\n        pass\n\n\n"
        "@autopack.hookimpl\ndef autopack_register_launchers(register):\n"
        "    register('shaky', Shaky)\n"
    )
    options = line("--every", "0.1s")
    options[options.index("local")] = "shaky"
    scaler = begun("--plugins-dir", "engines", *options)
    looks = [scaler.stdout.readline() for _ in range(4)]
    scaler.send_signal(signal.SIGINT)
    _said, notes = scaler.communicate(timeout=60)

    assert ["shaky: started 2 workers\n"] * 2 == looks[::2]
    assert (0, 1) == (scaler.returncode, notes.count("autopack: The engine is away."))
