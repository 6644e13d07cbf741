"""A remote that is reached by git's own protocol, or by ssh, as one in a folder is."""

import socket
import subprocess
import threading
import time

import pytest
from tests.repositories import branches, files_at, git, merged_phases, write

import autopack
from autopack import Completed, PhaseSpec
from autopack.errors import InvalidInputError
from autopack.events import WorkspaceIntegrated
from autopack_git import Worktrees

# It is handed what ssh is: the host, and one command for the shell there.
_SSH = """#!/bin/sh
while [ "$1" != git.example.org ]; do shift; done
shift
exec /bin/sh -c "$*"
"""


QUICK = {"backoff_base_s": 0.01, "backoff_cap_s": 0.05}


def drained(log, keeper, work):
    return autopack.drain(log, executor=work, workspace=keeper, run_id="r", **QUICK)


class Daemon:
    """``git daemon`` on a port of its own, which takes pushes."""

    def __init__(self, folder):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        self._folder = folder
        self.start()

    def start(self):
        program = f"{git(self._folder, '--exec-path').strip()}/git-daemon"
        options = ["--listen=127.0.0.1", f"--port={self.port}", "--reuseaddr", "--export-all"]
        places = [f"--base-path={self._folder}", "--enable=receive-pack", str(self._folder)]
        self._process = subprocess.Popen([program, *options, *places], stderr=subprocess.DEVNULL)
        ends_s = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except OSError:
                if time.monotonic() > ends_s:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self):
        self._process.terminate()
        self._process.wait()


@pytest.fixture
def remote(tmp_path, repository):
    """A bare repository."""
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "remote.git")
    return tmp_path / "remote.git"


@pytest.fixture
def daemon(remote):
    """Who hands it out."""
    made = Daemon(remote.parent)
    yield made
    made.stop()


@pytest.fixture(params=["git", "ssh", "short for ssh"])
def address(request, remote, tmp_path, monkeypatch):
    """How machines name it."""
    if request.param == "git":
        return f"git://127.0.0.1:{request.getfixturevalue('daemon').port}/remote.git"
    program = tmp_path / "ssh"
    program.write_text(_SSH)
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    if request.param == "ssh":
        return f"ssh://git.example.org{remote}"
    return f"git.example.org:{remote}"


def writes_all_in_one(phase, attempt):
    """Append to a file that all phases change, and to one that none else does."""
    write(attempt.workspace, {f"{phase.phase_id}.txt": f"{phase.phase_id}\n"})
    return Completed(summary="written")


def test_machines_share_the_work(log, remote, address, tmp_path):
    """Each phase is merged once, whichever machine did it; at the remote is what all did."""
    names = [f"p{n}" for n in range(4)]
    autopack.create_run(log, "r", [PhaseSpec(one) for one in names])

    def work(place):
        keeper = Worktrees(remote=address, repository=tmp_path / f"{place}.git")
        drained(log, keeper, writes_all_in_one)

    both = [threading.Thread(target=work, args=(place,)) for place in ("north", "south")]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert {"COMPLETE"} == {autopack.get_phase(log, f"r/{one}").status for one in names}
    assert sorted(names) == sorted(merged_phases(remote))
    assert {"a.txt", *(f"{one}.txt" for one in names)} == set(files_at(remote, "autopack/r"))
    assert ["autopack/r", "main"] == branches(remote)
    assert 4 == len(list(log.read_all(types=[WorkspaceIntegrated])))


def test_a_conflict_is_done_anew_on_what_is_there(log, remote, daemon, tmp_path):
    """Two machines change one line: whoever comes second begins again with what was merged."""
    address = f"git://127.0.0.1:{daemon.port}/remote.git"
    meets, seen = threading.Barrier(2), []

    def work(phase, attempt):
        path = attempt.workspace / "a.txt"
        seen.append((phase.phase_id, before := path.read_text()))
        if not before.startswith("p"):
            meets.wait(60)
        write(attempt.workspace, {"a.txt": f"{phase.phase_id} after {before}"})
        return Completed()

    autopack.create_run(log, "r", [PhaseSpec("p1"), PhaseSpec("p2")])
    keepers = [
        Worktrees(remote=address, repository=tmp_path / f"{place}.git")
        for place in ("north", "south")
    ]
    both = [threading.Thread(target=drained, args=(log, one, work)) for one in keepers]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert {"COMPLETE"} == {autopack.get_phase(log, f"r/{one}").status for one in ("p1", "p2")}
    assert 3 == len(seen)
    assert seen[2][1].startswith("p")
    assert files_at(remote, "autopack/r")["a.txt"].startswith(f"{seen[2][0]} after p")


def test_a_daemon_that_went_away_is_waited_for(log, remote, daemon, tmp_path):
    """Work that is done meanwhile is pushed once it is back; who never saw it is refused."""
    address = f"git://127.0.0.1:{daemon.port}/remote.git"
    back = threading.Timer(1.0, daemon.start)

    def work(phase, attempt):
        if phase.phase_id == "p2":
            daemon.stop()
            back.start()
        return writes_all_in_one(phase, attempt)

    keeper = Worktrees(remote=address, repository=tmp_path / "north.git")
    autopack.create_run(log, "r", [PhaseSpec("p1"), PhaseSpec("p2", after=["p1"])])
    drained(log, keeper, work)
    back.join()
    daemon.stop()
    autopack.queue_phases(log, "r", [PhaseSpec("p3")])
    with pytest.raises(InvalidInputError, match=r"git://127\.0\.0\.1.*cannot be reached"):
        drained(log, Worktrees(remote=address, repository=tmp_path / "south.git"), work)

    assert ["p1", "p2"] == merged_phases(remote)
