"""The launcher ``local``: workers as processes of this machine, known by their environment."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from autopack.errors import InvalidInputError, PluginError
from autopack.ports.launchers import Launched, WorkerOrder

_VARIABLE: Final = "AUTOPACK_WORKER"
_SHELL: Final = "/bin/sh"
_BEGIN: Final = f'{_VARIABLE}="$1 $$"; export {_VARIABLE}; shift; exec "$@"'
"""Becomes the program; its number tells it from those that it starts, and that inherit the text."""
_APART: Final = '"$0" -c "$@" >&2 & echo $!'
"""Leaves the program to the system, so that nobody needs to wait for its end."""
_SEEN_WITHIN_S: Final = 5.0
_LOOK_S: Final = 0.005
_PROCESSES: Final = Path("/proc")
_MARK: Final = re.compile(rf"{_VARIABLE}=(?P<name>autopack-[a-z0-9-]+) (?P<pid>[1-9][0-9]*)")


class LocalLauncher:
    """
    Starts workers on this machine, each a process that outlives whoever has started it.

    They are told by a variable of their environment, so only this user's are seen.

    Args:
        output: The folder for what they say, a file for each; it is left out without one.
    """

    name = "local"

    def __init__(self, *, output: str | os.PathLike[str] | None = None) -> None:
        self._output = None if output is None else Path(output).absolute()

    def running(self, log_id: str) -> list[Launched]:
        """Return the processes that say themselves that they are workers of the log."""
        found = (Launched(id=pid, name=name) for pid, name in worker_processes())
        return [one for one in found if one.is_of(log_id)]

    def start(self, order: WorkerOrder, n: int) -> list[str]:
        """Start processes in sessions of their own; each can be seen by then, or has ended."""
        ids = [self._begun(order) for _ in range(n)]
        ends_s = time.monotonic() + _SEEN_WITHIN_S
        while not {*ids} <= {pid for pid, _ in worker_processes()} | {*filter(_is_gone, ids)}:
            if time.monotonic() > ends_s:
                break
            time.sleep(_LOOK_S)
        return ids

    def stop(self, ids: Sequence[str]) -> None:
        """Ask each that is a worker still; a number may be another process's by now."""
        wanted = set(ids)
        for pid, _name in worker_processes():
            if pid in wanted:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)

    def _begun(self, order: WorkerOrder) -> str:
        command = [_SHELL, "-c", _APART, _SHELL, _BEGIN, "sh", order.name, *order.command]
        path = None if self._output is None else _new_file(self._output, order.name)
        with open(os.devnull if path is None else path, "ab") as said:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
                check=True,
            )
        return done.stdout.decode().strip()


def worker_processes() -> Iterator[tuple[str, str]]:
    """Yield the number and name of each worker of this user that is at work on this machine."""
    for pid, environment in _environments():
        for mark in _MARK.finditer(environment):
            if mark["pid"] == pid:
                yield pid, mark["name"]


def _is_gone(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    return False


def _environments() -> Iterator[tuple[str, str]]:
    """Yield each process's number and environment, as far as this user may read it."""
    if not (_PROCESSES / "self" / "environ").exists():
        yield from _told_by_ps()
        return
    for path in _PROCESSES.glob("[1-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is somebody else's
            yield path.name, (path / "environ").read_bytes().decode(errors="replace")


def _told_by_ps() -> Iterator[tuple[str, str]]:
    """Yield the same where there is no such folder."""
    command = ["ps", "axeww", "-o", "pid=,command="]
    try:
        told = subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as fault:
        what = f"nobody says which processes run: there is no {_PROCESSES}, and ps fails: {fault}"
        raise PluginError(LocalLauncher.name, what) from fault
    for line in told.decode(errors="replace").splitlines():
        pid, _blank, rest = line.strip().partition(" ")
        yield pid, rest


def _new_file(folder: Path, name: str) -> Path:
    """Return a new file in a folder that is there, for its owner alone."""
    for n in range(1, 10_000):
        path = folder / f"{name}.{n}.txt"
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            continue
        except OSError as fault:
            raise InvalidInputError(
                f"Nothing can be written into {folder}: {fault}", name="output", value=folder
            ) from fault
        return path
    raise InvalidInputError(
        f"There are ten thousand files like {path}: take some away.", name="output", value=folder
    )
