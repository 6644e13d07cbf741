"""Where a plugin went wrong: in its own lines, if an error has any."""

import traceback
from pathlib import Path
from typing import Final

_LIBRARY: Final = str(Path(__file__).parents[1])


def said_with_place(fault: BaseException) -> str:
    """Return what an error says, and the file and the line of the plugin that it came from."""
    frames = traceback.extract_tb(fault.__traceback__)
    own = [f for f in frames if Path(f.filename).is_file() and not f.filename.startswith(_LIBRARY)]
    says = f"{type(fault).__name__}: {fault}"
    if not (own or frames):
        return says
    last = (own or frames)[-1]
    return f"{says} ({Path(last.filename).name}, line {last.lineno})"
