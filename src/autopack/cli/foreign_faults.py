"""What a user's own file raises: one line that names file and line, instead of our traceback."""

import sysconfig
import traceback
from pathlib import Path
from typing import Final

_OURS: Final = str(Path(__file__).parents[1])
_INSTALLED: Final = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")} - {None, ""}
)


def said_of(fault: Exception) -> str | None:
    """
    Return ``FILE:LINE: KIND: what it says`` of a fault that a user's own code raised.

    None if no frame of a user's file stands below the last one of this library: then it is a fault
    of ours, and its traceback is wanted.
    """
    below: traceback.FrameSummary | None = None
    for frame in traceback.extract_tb(fault.__traceback__):
        if frame.filename.startswith(_OURS):
            below = None
        elif not frame.filename.startswith(_INSTALLED) and frame.filename[:1] != "<":
            below = frame
    if below is None:
        return None
    said = " ".join(f"{type(fault).__name__}: {fault}".split())
    return f"{below.filename}:{below.lineno}: {said} (autopack -v shows the traceback)"
