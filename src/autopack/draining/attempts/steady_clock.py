"""What this machine knows of a worker: its steady clock, and whether its process is there."""

import contextlib
import os
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from autopack.draining.attempts.lease_keys import worker_key
from autopack.ports.backend import Lease

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_PROCESSES: Final = Path("/proc/self/ns/pid")
_WORKER: Final = re.compile(r"-(?P<pid>[1-9][0-9]{0,9})-[0-9a-f]{8}")


@attrs.frozen
class Machine:
    """
    Which boot of which machine this is, and how long it has been up.

    Two processes with the same ``boot`` read the same steady clock, so that one can tell when
    the other renewed its leases, whatever happened to the wall clock in between.

    Args:
        boot: Names the boot, and behind a space the space of process numbers; None where the
            system does not say.
        uptime_s: Seconds since then; never set back, the same for all processes.
    """

    boot: str | None = None
    uptime_s: Callable[[], float] = time.monotonic

    def lease_of(self, worker: str, *, expires_at: int, lease_s: float) -> Lease:
        """Return the row by which a worker's leases are judged, here and on other machines."""
        now_us = int(self.uptime_s() * 1e6)
        return Lease(
            key=worker_key(worker),
            token=worker,
            worker=worker,
            expires_at=expires_at,
            boot=self.boot,
            renewed_uptime=now_us,
            expires_uptime=now_us + int(lease_s * 1e6),
        )

    def is_other(self, alive: Lease) -> bool:
        """Tell whether a worker's row is of another machine, or of another boot of this one."""
        return self._is_told(alive) and not self._is_same(alive)

    def is_gone(self, alive: Lease | None) -> bool:
        """
        Tell whether the process of a worker is surely no more.

        Only where its number means the same process here: the same boot, the same space of
        process numbers, and a name that this library made up. A number that was given anew looks
        alive, and then its lease decides.
        """
        if alive is None or self.boot is None or alive.boot != self.boot or " " not in self.boot:
            return False
        host = platform.node() or "host"
        found = _WORKER.fullmatch(alive.worker.removeprefix(host))
        return found is not None and _is_no_process(int(found["pid"]))

    def over_s(self, lease: Lease, alive: Lease | None) -> float | None:
        """
        Return how long ago a lease ended by the steady clock, negative if it has not.

        None where the steady clock cannot say: another machine, or another boot of this one.
        """
        if alive is None or not self._is_same(alive):
            return None
        # A lease that is renewed no longer lags behind its worker's row. One that is ahead of it
        # was taken since; by more than its length only if the wall clock was set in between.
        length_us = (alive.expires_uptime or 0) - (alive.renewed_uptime or 0)
        behind_us = max(alive.expires_at - lease.expires_at, -length_us)
        return self.uptime_s() - ((alive.expires_uptime or 0) - behind_us) / 1e6

    def _is_told(self, alive: Lease) -> bool:
        return self.boot is not None and alive.boot is not None

    def _is_same(self, alive: Lease) -> bool:
        told = self._is_told(alive)
        return told and str(alive.boot).partition(" ")[0] == str(self.boot).partition(" ")[0]


def this_machine() -> Machine:
    """Return the machine that this process runs on."""
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:  # not Linux: the wall clock decides
        return Machine(None)
    with contextlib.suppress(OSError):
        boot = f"{boot} {_PROCESSES.readlink()}"
    return Machine(boot or None)


def _is_no_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # it is somebody else's
        return False
    try:  # one that ended, but that its parent has not asked for
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1] in (b"Z", b"X")
    except OSError:
        return False
