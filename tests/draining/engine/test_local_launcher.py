"""Workers as processes of this machine: the contract, what they say, and without ``/proc``."""

import time

import pytest

from autopack.draining.engine import local_launcher
from autopack.draining.engine.local_launcher import LocalLauncher, worker_processes
from autopack.errors import InvalidInputError, PluginError
from autopack.testing.launchers import LauncherContract, ordered, working


class TestLocal(LauncherContract):
    """It keeps the promises of every launcher."""

    def make(self, folder):
        return LocalLauncher()


def wait_for(is_so):
    ends_s = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < ends_s
        time.sleep(0.01)


def test_what_a_worker_says_goes_into_a_file_of_its_own(tmp_path):
    """Both streams, for its owner alone, and never over another one's."""
    order = ordered("/bin/sh", "-c", "echo said; echo warned >&2")
    launcher = LocalLauncher(output=tmp_path)
    launcher.start(order, 2)
    files = [tmp_path / f"{order.name}.{n}.txt" for n in (1, 2)]
    wait_for(lambda: not launcher.running(order.log_id))

    assert ["said\nwarned\n"] * 2 == [path.read_text() for path in files]
    assert {0o600} == {path.stat().st_mode & 0o777 for path in files}


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    """By name, and no worker is started."""
    order = ordered("/bin/sh", "-c", "sleep 60")
    with pytest.raises(InvalidInputError, match="Nothing can be written") as refused:
        LocalLauncher(output=tmp_path / "none").start(order, 1)

    assert "output" == refused.value.name
    assert [] == LocalLauncher().running(order.log_id)


def test_what_a_worker_starts_is_no_worker(tmp_path):
    """Its programs have its environment, in sessions of their own or not."""
    script = (
        'setsid sleep 60 & a=$!; sleep 60 & b=$!; trap "kill $a $b; exit 0" TERM; : >"$1"; wait'
    )
    order = ordered("/bin/sh", "-c", script, "sh", str(tmp_path / "begun"))
    launcher = LocalLauncher()
    ids = launcher.start(order, 1)
    wait_for((tmp_path / "begun").exists)
    there = [pid for pid, name in worker_processes() if name == order.name]
    launcher.stop(ids)
    wait_for(lambda: not launcher.running(order.log_id))

    assert ids == there


def test_processes_are_told_by_ps_where_there_is_no_proc(monkeypatch, tmp_path):
    """As on macOS."""
    monkeypatch.setattr(local_launcher, "_PROCESSES", tmp_path)
    launcher, order = LocalLauncher(), working(tmp_path)
    ids = launcher.start(order, 1)
    there = [one.id for one in launcher.running(order.log_id)]
    launcher.stop(ids)
    wait_for(lambda: not launcher.running(order.log_id))

    assert ids == there


def test_a_machine_that_tells_nothing_is_an_error(monkeypatch, tmp_path):
    """Nobody is to be started twice because nobody could be seen."""
    monkeypatch.setattr(local_launcher, "_PROCESSES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PluginError, match="nobody says which processes run"):
        LocalLauncher().running("x")


def test_a_name_is_of_log_and_offers():
    """Alike orders have one name; small letters, digits and hyphens fit every engine."""
    from autopack.ports.launchers import WorkerOrder

    def name(**offers):
        return WorkerOrder(log_id="01ABC", command=("x",), offers=offers).name

    assert name(a=1, b=["x"]) == name(b=["x"], a=1)
    assert 3 == len({name(), name(a=1), name(a=2)})
    assert name().startswith("autopack-01abc-")
    assert 63 >= len(working("x").name)
