"""Whether a process is the one that opened a log, or was forked from it."""

import os
import sqlite3
import weakref
from typing import Final

from autopack.errors import LogForkedError

_opened: Final = weakref.WeakSet["LogConnection"]()
_forks = 0


class LogConnection(sqlite3.Connection):
    """A connection to a log file, known to the process that opened it."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        _opened.add(self)


class Opener:
    """The process that opened a log: only there its locks and connections are what they say."""

    def __init__(self) -> None:
        self._forks = _forks

    @property
    def is_here(self) -> bool:
        """Whether this is that process."""
        return self._forks == _forks

    def check(self, target: str) -> None:
        """
        Return if this is that process.

        Raises:
            LogForkedError: It was forked from it.
        """
        if self._forks != _forks:
            raise LogForkedError(target)


def _forked() -> None:
    """Tell a child that it is one; it never closes what its parent opened."""
    global _forks
    _forks += 1
    if _opened:
        import ctypes

        # SQLite would let go of locks and remove files that are the parent's, so the child keeps
        # the connections to its end, and no finalizer reaches them.
        for connection in list(_opened):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
