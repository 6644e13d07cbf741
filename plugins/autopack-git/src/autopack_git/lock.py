"""A lock across processes: the kernel's, so that whoever dies gives it back."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOOK_S: Final = 0.02
_CONFIRM_S: Final = 2.0


@contextmanager
def locked(path: Path, confirm: Callable[[], object] = lambda: None) -> Iterator[None]:
    """
    Hold the lock of a file while the block runs; threads of one process wait for each other too.

    Args:
        confirm: Asked now and then while somebody else has it; what it raises ends the wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        asked = time.monotonic()
        while not _is_taken(file):
            if time.monotonic() - asked > _CONFIRM_S:
                confirm()
                asked = time.monotonic()
            time.sleep(_LOOK_S)
        yield
    finally:
        os.close(file)


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock of a file while the block runs, or tell that somebody else has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        yield _is_taken(file)
    finally:
        os.close(file)


def _is_taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
