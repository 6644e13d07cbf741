"""Launchers that break one promise each."""

import os
import signal
from collections.abc import Sequence

import attrs

from autopack.draining.engine.local_launcher import LocalLauncher, worker_processes
from autopack.errors import AutopackError
from autopack.ports.launchers import Launched, WorkerOrder


class Processes(LocalLauncher):
    """Starts processes of this machine, and breaks no promise."""


class SharesAnId(Processes):
    """Calls all workers of an order by one id."""

    def start(self, order: WorkerOrder, n: int) -> list[str]:
        """Return the first one's."""
        return super().start(order, n)[:1] * n


class RemembersItself(Processes):
    """Knows what it has started itself, and asks nobody."""

    def __init__(self) -> None:
        super().__init__()
        self._started: set[str] = set()

    def start(self, order: WorkerOrder, n: int) -> list[str]:
        """Note which there are."""
        ids = super().start(order, n)
        self._started.update(ids)
        return ids

    def running(self, log_id: str) -> list[Launched]:
        """Return those alone."""
        return [one for one in super().running(log_id) if one.id in self._started]


class SeesAllLogs(Processes):
    """Takes the workers of other logs for those of this one."""

    def __init__(self) -> None:
        super().__init__()
        self._names: set[str] = set()

    def start(self, order: WorkerOrder, n: int) -> list[str]:
        """Note their name."""
        self._names.add(order.name)
        return super().start(order, n)

    def running(self, log_id: str) -> list[Launched]:
        """Return those of any log."""
        found = worker_processes()
        return [Launched(id=pid, name=name) for pid, name in found if name in self._names]


class ThroughAShell(Processes):
    """Makes one line of the command, and has a shell read it."""

    def start(self, order: WorkerOrder, n: int) -> list[str]:
        """Put the parts side by side."""
        line = " ".join(order.command)
        return super().start(attrs.evolve(order, command=("/bin/sh", "-c", line)), n)


class Kills(Processes):
    """Gives a worker no time."""

    def stop(self, ids: Sequence[str]) -> None:
        """End each at once."""
        for one in ids:
            os.kill(int(one), signal.SIGKILL)


class StopsThemAll(Processes):
    """Ends more than it was asked to."""

    def stop(self, ids: Sequence[str]) -> None:
        """Stop all that have the name of one that is meant."""
        there = dict(worker_processes())
        names = {there[one] for one in ids if one in there}
        super().stop([one for one, name in there.items() if name in names])


class ToldTwice(Processes):
    """Takes the end of what has ended for an error."""

    def stop(self, ids: Sequence[str]) -> None:
        """Refuse ids that are not known."""
        there = dict(worker_processes())
        if gone := [one for one in ids if one not in there]:
            raise AutopackError(f"There is no worker {gone[0]}.")
        super().stop(ids)
