"""Files that are made whole or not at all: written beside their place, then put there."""

import contextlib
import errno
import hashlib
import os
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from autopack.errors import InvalidInputError, LogError, LogExistsError, LogFullError

BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file."""

_PRIVATE: Final = 0o600
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_SUCH_SYNC: Final = (
    errno.EINVAL, errno.EBADF, errno.EACCES, errno.EPERM, errno.ENOTSUP, errno.EISDIR,
)  # fmt: skip
_STALE_S: Final = 24 * 3600.0


@contextlib.contextmanager
def publishing(path: Path) -> Iterator[Path]:
    """
    Yield an empty file of ours alone in the same folder; it becomes *path* if nothing raised.

    What killed processes left behind on the way to that path is removed first.

    Raises:
        LogExistsError: Something is at that path; it is left as it is.
        InvalidInputError: Its folder does not exist, or another database left files there.
        LogFullError, LogError: The system refused; nothing is at that path.
    """
    with told_of(path):
        _check_free(path)
    _clear(path)
    scratch = path.with_name(f".{path.name}.{_here()}-{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        with told_of(path):
            os.close(os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE))
        yield scratch
        with told_of(path):
            _sync(scratch)
            _put(scratch, path)
            _sync_folder(path)
    finally:
        with contextlib.suppress(OSError):
            _remove(scratch)


@contextlib.contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Let what the system refuses be an error of ours that names *path*."""
    try:
        yield
    except OSError as fault:
        if fault.errno in _FULL:
            raise LogFullError(str(path)) from fault
        why = fault.strerror or fault
        raise LogError(
            f"{path} cannot be made: {why}. Nothing is there. Check the folder's permissions and "
            "its disk, or choose another path."
        ) from fault


def _put(scratch: Path, path: Path) -> None:
    """Give a file its name, if nothing has it."""
    try:
        try:
            os.link(scratch, path)  # fails if something is there, in one step
        except FileExistsError:
            raise
        except (OSError, AttributeError, NotImplementedError):  # a system without hard links
            _put_without_link(scratch, path)
    except FileExistsError:
        raise LogExistsError(str(path)) from None


def _put_without_link(scratch: Path, path: Path) -> None:
    if os.name == "nt":
        os.rename(scratch, path)  # there it replaces nothing
        return
    # The name is taken first, so that what is replaced is our own empty file and no other.
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE))
    try:
        os.replace(scratch, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(path: Path) -> None:
    """Make a name last; where folders cannot be synced, the system does it by itself."""
    try:
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as fault:
        if fault.errno not in _NO_SUCH_SYNC:
            path.unlink(missing_ok=True)
            raise


def _check_free(path: Path) -> None:
    if "\0" in str(path):
        raise InvalidInputError(
            f"{str(path)!r} cannot be a path: it holds a character of code 0.",
            name="path",
            value=path,
        )
    if os.path.isdir(path):
        raise InvalidInputError(
            f"{path} is a folder; nothing was created. Name a file in it, like work.db.",
            name="path",
            value=path,
        )
    if os.path.lexists(path):
        raise LogExistsError(str(path))
    if not os.path.isdir(path.parent):
        raise InvalidInputError(
            f"The folder {path.parent} does not exist; nothing was created. Make it first.",
            name="path",
            value=path,
        )
    for ending in BESIDE:
        beside = path.with_name(path.name + ending)
        if os.path.lexists(beside):  # SQLite would take what it holds for the new file's
            raise InvalidInputError(
                f"{beside} is left from another database; nothing was created. Move it away, or "
                "choose another path.",
                name="path",
                value=beside,
            )


def _clear(path: Path) -> None:
    """Remove what processes that are gone left on their way to a path."""
    name = re.escape(path.name)
    ours = re.compile(rf"\.{name}\.([0-9a-f]{{8}})-(\d+)-[0-9a-f]{{8}}\.tmp")
    with contextlib.suppress(OSError):
        for entry in list(path.parent.iterdir()):
            found = ours.fullmatch(entry.name)
            if found and _is_stale(entry, found[1], int(found[2])):
                _remove(entry)


def _is_stale(scratch: Path, where: str, process: int) -> bool:
    """Tell whether nobody works on a file any more: its process is gone, or has long been."""
    if where == _here() and not _is_alive(process):
        return True
    return time.time() - scratch.stat().st_mtime > _STALE_S


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # there, asking ends it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@cache
def _here() -> str:
    """Return what tells this machine, since it was started, from others: process ids mean this."""
    import socket  # which reading does without

    told = [socket.gethostname()]
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with contextlib.suppress(OSError):
            told.append(os.readlink(place) if "ns" in place else Path(place).read_text("utf-8"))
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:8]


def _remove(scratch: Path) -> None:
    for ending in ("", *BESIDE):
        scratch.with_name(scratch.name + ending).unlink(missing_ok=True)
