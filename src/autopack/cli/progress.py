"""A drain's progress on stderr: a line for each phase that ended, and a live view on a terminal."""

import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Self

from autopack.cli.lines_above_view import LinesAbove
from autopack.cli.live_region import LiveRegion, can_draw
from autopack.cli.output import is_quiet, note

if TYPE_CHECKING:
    from autopack.cli.live_view import Spans
    from autopack.report.drain_lines import DrainLine

_REFRESH_S: Final = 0.2


class DrainProgress:
    """
    Shows what a drain does; give it the drain as :attr:`engine`. Whoever is to be told of each
    event at once is :attr:`also`, and of what a drain waits for :attr:`when_idle`.

    It is told of each event by whichever thread appends it, and only takes note: a thread of its
    own makes lines of them and draws. What others print meanwhile, warnings above all, is printed
    above the view: drawing and printing at once would leave parts of it behind.

    Args:
        names: What phases are called, by ``RUN/PHASE``.
        with_ends: Whether phases that ended get a line; else :meth:`line` tells of them.
        before: How many were over before, and count as done.
        may_draw: Whether a live view may stand on the terminal.
    """

    def __init__(
        self,
        *,
        names: Mapping[str, str] | None = None,
        with_ends: bool = True,
        before: int = 0,
        may_draw: bool = True,
    ) -> None:
        from autopack.cli.live_view import DrainScreen, colours, signs_for
        from autopack.report.drain_lines import DrainLines

        self.engine: Any = None
        self.also: Callable[[Any], None] | None = None
        self.when_idle: Callable[[str], object] | None = None
        self._idle: str | None = None
        self._told: SimpleQueue[Any] = SimpleQueue()
        self._lock = threading.RLock()
        self._above: dict[str, LinesAbove] = {}
        self._region = (
            LiveRegion(sys.stderr) if may_draw and not is_quiet() and can_draw(sys.stderr) else None
        )
        self._signs, self._has_colours = signs_for(sys.stderr.encoding), colours()
        self._lines = DrainLines(names, with_ends=with_ends)
        self._view = DrainScreen(self._lines, self._signs, before=before)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if self._region is not None:
            self._stand_in()
        self._thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._ended.set()
        self._thread.join()
        for name, above in self._above.items():
            setattr(sys, name, above.stream)
            above.finish()
        if self._region is not None:
            self._region.clear()

    def __call__(self, recorded: Any) -> None:
        """Take note of an event."""
        if self.also is not None:
            self.also(recorded)
        self._told.put(recorded)

    def line(self, line: "DrainLine") -> None:
        """Take note of a line of somebody else's."""
        self._told.put(line)

    def _stand_in(self) -> None:
        for name in ("stderr", "stdout"):
            stream = getattr(sys, name)
            if stream.isatty():
                self._above[name] = LinesAbove(stream, self._print)
                setattr(sys, name, self._above[name])

    def _print(self, lines: str) -> None:
        if self._region is not None:
            with self._lock:
                self._region.above(f"{lines}\n")

    def _work(self) -> None:
        while not self._ended.wait(_REFRESH_S):
            self._show()
        self._show()

    def _show(self) -> None:
        # What is over is taken after the status: what ended between is counted once at least.
        status = None if self.engine is None else self.engine.status()
        self._note_idle(None if status is None else status["idle"])
        lines = list(self._lines.lines_of(self._taken()))
        if self._region is None:
            from autopack.cli.live_view import plain_line

            for line in lines:
                note(plain_line(line, self._signs))
            return
        with self._lock:
            width, height = self._region.size
            told = [self._view.ended(line, width) for line in lines if line.mark != "aside"]
            above = "".join(f"{self._painted(line)}\n" for line in told)
            frame: list[Spans] = []
            if status is not None:
                now = datetime.now(UTC)  # noqa: TID251 - the screen's own time, for people
                frame = self._view.frame(status, (width, height), now)
            self._draw(frame, above)

    def _note_idle(self, idle: str | None) -> None:
        """Take note once of what a drain waits for."""
        if idle is not None and idle != self._idle:
            from autopack.report.drain_lines import DrainLine

            now = datetime.now(UTC)  # noqa: TID251 - the screen's own time, for people
            self.line(DrainLine(mark="aside", subject=idle, state="", at=now))
            if self.when_idle is not None:
                self.when_idle(idle)
        self._idle = idle

    def _taken(self) -> list[Any]:
        found: list[Any] = []
        try:
            while True:
                found.append(self._told.get_nowait())
        except Empty:
            return found

    def _draw(self, frame: list["Spans"], above: str) -> None:
        from autopack.report.cells import cells

        assert self._region is not None
        widths = [sum(cells(text) for text, _style in line) for line in frame]
        self._region.draw([self._painted(line) for line in frame], widths, above)

    def _painted(self, line: "Spans") -> str:
        from autopack.cli.live_view import painted

        return painted(line, has_colours=self._has_colours)
