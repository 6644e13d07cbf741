"""What is printed while a live view stands: whole lines, above it."""

import threading
from collections.abc import Callable, Iterable
from typing import Any


class LinesAbove:
    """
    Stands in for stderr or stdout: each line that is complete goes to *show*, in one piece.

    A line is what one thread wrote, so that the pieces of several do not mix; of one that is
    written over again and again, as progress bars do, the last is kept.

    Args:
        stream: What it stands in for; has the answer to every other question.
        show: Prints lines above the live view.
    """

    def __init__(self, stream: Any, show: Callable[[str], None]) -> None:
        self.stream, self._show = stream, show
        self._begun: dict[int, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Take a piece; print the lines that it ends."""
        if not isinstance(text, str):
            raise TypeError(f"write() takes a text, not {type(text).__name__}")
        me = threading.get_ident()
        *lines, begun = (self._begun.pop(me, "") + text).split("\n")
        if begun := _last_written(begun):
            self._begun[me] = begun
        if lines:
            self._show("\n".join(map(_last_written, lines)))
        return len(text)

    def writelines(self, texts: Iterable[str]) -> None:
        """Take several pieces."""
        for text in texts:
            self.write(text)

    def finish(self) -> None:
        """Print what was begun and never ended."""
        for begun in self._begun.values():
            self._show(begun)
        self._begun.clear()


def _last_written(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]
