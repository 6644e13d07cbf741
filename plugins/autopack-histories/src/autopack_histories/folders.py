"""The files below a folder: each once, whatever links lead there, the oldest first."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from autopack_histories.notes import Notes


def files_below(root: Path, is_meant: Callable[[str], bool], notes: Notes) -> list[str]:
    """
    Return the ordinary files whose name is meant, in the order in which they were last written.

    There may be hundreds of thousands, so these are texts: a path takes ten times the memory.

    Links are followed, and no folder or file is met twice, so that a loop of links ends.
    """
    found: list[tuple[float, str]] = []
    seen: set[tuple[int, int]] = set()
    for path in _walk(str(root), seen, notes):
        if not is_meant(os.path.basename(path)):
            continue
        try:
            state = os.stat(path)
        except OSError:
            notes.set_aside("files that could not be looked at")
            continue
        key = (state.st_dev, state.st_ino)
        if key in seen or not os.path.isfile(path):
            continue
        seen.add(key)
        found.append((state.st_mtime, path))
    return [path for _at, path in sorted(found)]


def _walk(root: str, seen: set[tuple[int, int]], notes: Notes) -> Iterator[str]:
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            state = os.stat(folder)
            if (state.st_dev, state.st_ino) in seen:
                continue
            seen.add((state.st_dev, state.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir():
                        waiting.append(entry.path)
                    else:
                        yield entry.path
        except OSError:
            notes.set_aside("folders that could not be read")
