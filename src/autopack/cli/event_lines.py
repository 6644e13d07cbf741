"""What a drain does, for machines: a line of JSON for each event, on stdout."""

import sys
from typing import Any, Final, Self

from autopack.cli.lasting_stderr import LastingRaw

_LEFT_OUT: Final = b'{"left_out_bytes": %d}\n'


class EventLines:
    """
    Prints each event that a drain appends, from whichever thread it comes, while the block runs.

    Whoever reads them holds nobody up: what is not read in time is left out, and a line says so.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._raw = LastingRaw(sys.stdout, left_out=_LEFT_OUT)

    def __enter__(self) -> Self:
        self._raw.begin()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._raw.end()

    def __call__(self, recorded: Any) -> None:
        """Print one event."""
        from autopack.format.codec import plain
        from autopack.report.history import event_json
        from autopack.values.json_text import json_line

        self._raw.write(f"{json_line(plain(event_json(recorded)))}\n".encode())

    def idle(self, words: str) -> None:
        """Print what a drain waits for that has nothing to do."""
        from autopack.values.json_text import json_line

        self._raw.write(f"{json_line({'idle': words})}\n".encode())
