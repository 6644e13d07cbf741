"""A program's keeper: ends it when the process that started it is gone, however it went."""

import contextlib
import math
import os
import subprocess
from typing import Final, Self

from autopack.draining.attempts.machine_faults import NOT_TO_BE_HAD
from autopack.errors import MachineFaultError
from autopack.plugins.narrator import Narrator

_NAME: Final = "program-keeper"  # who kills all that is named autopack means the drains
_SHELL: Final = "/bin/sh"
_SCRIPT: Final = (
    'while read -r told; do group=$told; done; [ "$group" ] || exit 0; '
    'kill -s TERM -- "-$group" || exit 0; '
    'while [ "$1" -gt 0 ] && kill -s 0 -- "-$group"; do sleep 1; set -- "$(($1 - 1))"; done; '
    'kill -s KILL -- "-$group"'
)
"""
Reads the group's number from a pipe whose other end our process holds, and the launcher until it is
the program, and waits for the pipe's end, which comes when both are gone. ``$1`` is the grace, in
seconds.
"""


class Keeper:
    """
    Watches over one program from a process of its own, which no signal to ours reaches.

    Without it a drain that was killed with SIGKILL would leave its programs at work, and their
    phases would be done a second time meanwhile.

    Args:
        grace_s: How long the program may take to end once it was asked to.
    """

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._end: int | None = None
        self._shell: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        theirs, ours = os.pipe()
        try:
            self._shell = subprocess.Popen(
                [_SHELL, "-c", _SCRIPT, _NAME, str(math.ceil(self._grace_s))],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.defpath},
                start_new_session=True,
            )
            self._end = ours
        except OSError as fault:
            os.close(ours)
            if fault.errno in NOT_TO_BE_HAD:
                raise MachineFaultError("a program's keeper could not be started", fault) from fault
            _warn(fault)
        finally:
            os.close(theirs)
        return self

    @property
    def pipe(self) -> int | None:
        """Where a launcher tells the group's number itself; None without a keeper."""
        return self._end

    def keep(self, group: int) -> None:
        """End this process group when our process is gone; a launcher may have told it before."""
        if self._end is not None:
            with contextlib.suppress(BrokenPipeError):  # somebody killed the keeper
                os.write(self._end, f"{group}\n".encode())

    def __exit__(self, *_fault: object) -> None:
        """Let the program be: it has ended."""
        if self._end is not None and self._shell is not None:
            self._shell.kill()  # before the pipe's end, which would set it to work
            self._shell.wait()
            os.close(self._end)
            self._end = None


def _warn(fault: OSError) -> None:
    Narrator("autopack.command").warning(
        "a program would outlive a drain that is killed: its keeper could not be started",
        why=str(fault),
    )
