"""How far an import is, in one line that is drawn over and over; silent but on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from autopack.cli.live_region import LiveRegion, can_draw
from autopack.cli.output import is_quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopack.ports.importing import ImportReport

_FILES: Final = "files"


@contextmanager
def import_progress() -> "Iterator[Callable[[ImportReport], None] | None]":
    """Give what shows an import's progress until the end of the block; None where nobody looks."""
    if is_quiet() or not can_draw(sys.stderr):
        yield None
        return
    region = LiveRegion(sys.stderr)

    def show(report: "ImportReport") -> None:
        line = progress_line(report)[: region.size[0]]
        region.draw([line], [len(line)])

    try:
        yield show
    finally:
        region.clear()


def progress_line(report: "ImportReport") -> str:
    """Return what an import has done by now."""
    files = report.findings.get(_FILES)
    of_files = f" from {files:,} files" if isinstance(files, int) and files > 1 else ""
    return f"{report.read:,} events read{of_files}, {report.added:,} added"
