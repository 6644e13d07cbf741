"""Lines of the files that clients keep of their sessions, read within bounds."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from autopack.draining.executors.json_objects import json_object

FILES_MOST: Final = 200
"""How many files of one session are read."""

_BYTES_MOST: Final = 256 * 2**20
_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,199}", re.ASCII)


def is_plain(session_id: str | None) -> bool:
    """Tell whether an id can be part of a file's name and of nothing else."""
    return session_id is not None and _ID.fullmatch(session_id) is not None


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a file, line by line; a file that cannot be read has none."""
    left = _BYTES_MOST
    try:
        with path.open("rb") as file:
            while left > 0 and (line := file.readline(left)):
                left -= len(line)
                if (found := json_object(line.decode("utf-8", "replace"))) is not None:
                    yield found
    except OSError:
        return


def found(folder: Path, pattern: str) -> list[Path]:
    """Return the ordinary files of a folder by a pattern, in order."""
    try:
        paths = sorted(path for path in folder.glob(pattern) if path.is_file())
    except OSError:
        return []
    return paths[:FILES_MOST]
