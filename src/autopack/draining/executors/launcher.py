"""How a program is started so that its keeper knows it before it is a program."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, Self

_LAUNCHER: Final = """\
import os, signal, sys
keeper, fault, has_locale, *argv = sys.argv[1:]
keeper, fault = int(keeper), int(fault)
os.set_inheritable(keeper, False)
os.set_inheritable(fault, False)
try:
    os.write(keeper, b"%d\\n" % os.getpid())
except OSError:
    pass
for name in ("SIGPIPE", "SIGXFSZ"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
if has_locale == "0":
    os.environ.pop("LC_CTYPE", None)
try:
    os.execvpe(argv[0], argv, os.environ)
except OSError as error:
    os.write(fault, b"%d" % error.errno)
    os._exit(127)
"""
"""
Tells the keeper its own number and becomes the program.

It holds the keeper's pipe open until then: a drain that is killed at any moment before leaves a
keeper that still waits for the number. A shell would be quicker to start, but some drop variables
whose names they do not like, and add their own. Python itself may add LC_CTYPE and ignores two
signals; both are undone.
"""


class Launch:
    """
    One start of a program through the launcher.

    Args:
        keeper: The keeper's pipe, to write the group's number to.
    """

    def __init__(self, keeper: int) -> None:
        self._keeper = keeper

    def __enter__(self) -> Self:
        self._faults, self._theirs = os.pipe()
        return self

    def __exit__(self, *_fault: object) -> None:
        os.close(self._faults)
        self._let_go()

    @property
    def pass_fds(self) -> tuple[int, int]:
        """What the launcher needs open."""
        return self._keeper, self._theirs

    def argv(self, argv: Sequence[str], env: Mapping[str, str] | None) -> list[str]:
        """Return the launcher's own argument list for a program."""
        has_locale = "LC_CTYPE" in (os.environ if env is None else env)
        told = [str(self._keeper), str(self._theirs), str(int(has_locale))]
        return [sys.executable, "-I", "-S", "-c", _LAUNCHER, *told, *argv]

    async def check(self, program: str) -> None:
        """
        Return once the launcher has become the program.

        Raises:
            OSError: It could not, as ``exec`` says.
        """
        self._let_go()
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._faults, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._faults)
        if number := os.read(self._faults, 20):
            raise OSError(int(number), os.strerror(int(number)), program)

    def _let_go(self) -> None:
        if self._theirs >= 0:
            with contextlib.suppress(OSError):
                os.close(self._theirs)
            self._theirs = -1


def can_launch() -> bool:
    """Return whether there is a Python to be the launcher; a frozen application has none."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)
