"""The launcher ``slurm``: workers as tasks of job arrays, known to Slurm by their names."""

import re
import shlex
import subprocess
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from autopack.errors import InvalidInputError, PluginError
from autopack.types import Launched, WorkerOrder
from autopack_slurm.resources import asked

_FORMAT: Final = "%i|%T|%j|%r"
_ENDED: Final = frozenset(
    {
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
        "TIMEOUT",
    }
)  # fmt: skip
_ENDING: Final = "COMPLETING"
"""It ends, or is about to be requeued: which of them, Slurm does not say before it is over."""
_BEGUN: Final = frozenset(
    {_ENDING, "CONFIGURING", "RESIZING", "RUNNING", "SIGNALING", "STAGE_OUT", "SUSPENDED"}
)
_WAYS: Final = (
    (frozenset({"PENDING", "REQUEUE_HOLD", "REQUEUED", "SPECIAL_EXIT"}), ("--state=PENDING",)),
    (_BEGUN - {_ENDING}, ("--signal=TERM", "--batch")),
)
"""How ``scancel`` is told to end what is in which states."""
_ARRAY_MOST: Final = re.compile(r"^MaxArraySize\s*=\s*(\d+)$", re.MULTILINE)
_ARRAY_USUAL: Final = 1000
_PATIENCE_S: Final = 60.0


class _Job(NamedTuple):
    """A task of a job array, as ``squeue`` tells it."""

    id: str
    state: str
    name: str
    reason: str


class SlurmLauncher:
    """
    Starts workers by ``sbatch``, asks ``squeue`` which there are, and ends them by ``scancel``.

    A job that is requeued begins as a new worker; 90 seconds before its time is up it is told to
    end, and gives back what it cannot end.

    Args:
        partition, account, qos, time: As ``sbatch`` has them.
        output: Where a worker's words go, with Slurm's patterns, as ``logs/%x-%A_%a.txt``; they are
            left out without it.
        asks: How to ask for what workers offer, by its name, as
            ``{"tpu": "--gres=tpu:{}"}``; ``gpu``, ``cpus``, ``memory_gb``, ``partition`` and
            ``label`` (a constraint) are known.
        options: Further options of ``sbatch``.
    """

    name = "slurm"

    def __init__(
        self,
        *,
        partition: str | None = None,
        account: str | None = None,
        qos: str | None = None,
        time: str | None = None,
        output: str = "/dev/null",
        asks: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        if isinstance(options, str) or not all(isinstance(one, str) for one in options):
            raise InvalidInputError(
                f'options is {options!r}; give a list of texts, as ["--exclusive"].',
                name="options",
                value=options,
            )
        given = {"partition": partition, "account": account, "qos": qos, "time": time}
        self._options = [f"--{name}={value}" for name, value in given.items() if value is not None]
        self._options += [f"--output={output}", *options]
        self._asks = dict(asks or {})

    def running(self, log_id: str) -> list[Launched]:
        """Return the tasks of a log's workers that wait or run."""
        return [one for one in map(_launched, _jobs()) if one.is_of(log_id)]

    def start(self, order: WorkerOrder, n: int) -> list[str]:
        """Submit a task for each worker, in as few arrays as Slurm's longest allows."""
        ids: list[str] = []
        most = _tasks_most() if n > 1 else 1
        while len(ids) < n:
            try:
                ids += self._submitted(order, min(most, n - len(ids)))
            except PluginError:
                if not ids:
                    raise
                break  # it says so at the next look, if that is why then, too
        return ids

    def _submitted(self, order: WorkerOrder, n: int) -> list[str]:
        """Submit one array."""
        script = f"#!/bin/sh\nexec {shlex.join(order.command)}\n"
        command = [
            "sbatch", "--parsable", f"--array=1-{n}", "--requeue", "--signal=B:TERM@90",
            "--open-mode=append", f"--job-name={order.name}", *self._options,
            *asked(order.offers, self._asks),
        ]  # fmt: skip
        job = _told(command, script).strip().partition(";")[0]
        return [f"{job}_{task}" for task in range(1, n + 1)]

    def stop(self, ids: Sequence[str]) -> None:
        """Cancel those that wait; those that run are sent SIGTERM, and no SIGKILL after it."""
        for states, options in _WAYS:  # the second way meets those that have begun meanwhile
            wanted = _those(ids, states)
            try:
                if wanted:
                    _told(["scancel", "--quiet", *options, *wanted])
            except PluginError:
                if wanted == _those(ids, states):
                    raise  # else some had begun, or ended, since they were looked at


def _tasks_most() -> int:
    """Return how many tasks an array may have: as many as numbers from 1 below the limit."""
    found = _ARRAY_MOST.search(_told(["scontrol", "show", "config"]))
    return max(1, int(found[1]) - 1) if found else _ARRAY_USUAL


def _those(ids: Sequence[str], states: Container[str]) -> list[str]:
    """Return which of some tasks are in one of these states."""
    return [job.id for job in _jobs() if job.id in ids and job.state in states]


def _launched(job: _Job) -> Launched:
    has_begun = job.state in _BEGUN
    why = None if has_begun else job.reason
    return Launched(id=job.id, name=job.name, is_waiting=not has_begun, why=why)


def _jobs() -> Iterator[_Job]:
    """Yield the tasks that Slurm has and that have not ended, one by one."""
    told = _told(["squeue", "--noheader", "--array", f"--format={_FORMAT}"])
    for line in told.splitlines():
        job = _Job(*line.split("|", 3))
        if job.state not in _ENDED:
            yield job


def _told(command: Sequence[str], given: str = "") -> str:
    """Return what a command of Slurm's prints; raises what it says where it fails."""
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except FileNotFoundError as fault:
        what = f"there is no {command[0]} here: install Slurm's clients, as slurm-client"
        raise PluginError(SlurmLauncher.name, what) from fault
    except subprocess.TimeoutExpired as fault:
        what = f"{command[0]} gave no answer within {_PATIENCE_S:g} s"
        raise PluginError(SlurmLauncher.name, what) from fault
    if done.returncode != 0:
        why = " ".join(done.stderr.split()) or f"exit {done.returncode}"
        raise PluginError(SlurmLauncher.name, f"{command[0]} says: {why}")
    return done.stdout
