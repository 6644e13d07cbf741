"""The last lines of a terminal, drawn over and over; whatever else is written stands above."""

import os
from typing import Any, Final

_SIZE: Final = (80, 24)
_CLEAR_BELOW: Final = "\x1b[J"


class LiveRegion:
    """
    Lines at the bottom of a terminal.

    The cursor stands below them, so that what is typed meanwhile spoils none of them. All that a
    change takes is written at once.

    Args:
        stream: The terminal.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._widths: list[int] = []

    @property
    def size(self) -> tuple[int, int]:
        """How many columns and rows the terminal has now; a line leaves the last column free."""
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, rows = 0, 0
        return (columns or _SIZE[0]) - 1, rows or _SIZE[1]

    def draw(self, lines: list[str], widths: list[int], above: str = "") -> None:
        """
        Write *above* for good, and the lines below it.

        Args:
            widths: How many cells each line takes.
            above: Whole lines.
        """
        if not above and lines == self._lines:
            return
        text = f"{self._home()}{_CLEAR_BELOW}{above}" if self._lines else above
        self._lines, self._widths = lines, widths
        self._stream.write(text + "".join(f"{line}\n" for line in lines))
        self._stream.flush()

    def above(self, text: str) -> None:
        """Write whole lines above those that stand."""
        self.draw(self._lines, self._widths, text)

    def clear(self) -> None:
        """Take the lines away."""
        self.draw([], [])

    def _home(self) -> str:
        """Return what leads to the first line, also if a narrower terminal has folded them."""
        columns = self.size[0] + 1
        rows = sum(max(1, -(-width // columns)) for width in self._widths)
        return f"\r\x1b[{rows}A" if rows else "\r"


def can_draw(stream: Any) -> bool:
    """Tell whether a stream is a terminal whose cursor obeys."""
    is_obeyed = os.name != "nt" or "WT_SESSION" in os.environ
    return bool(stream.isatty()) and is_obeyed and os.environ.get("TERM", "") != "dumb"
