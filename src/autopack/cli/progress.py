"""A drain's progress on stderr: a line for each step, and a live view on a terminal."""

import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Self

from autopack.cli.lines_above_view import LinesAbove
from autopack.cli.output import say

SHOWN: Final = frozenset(
    {
        "drain.started", "run.prepared", "run.prepare_failed", "run.finished", "phase.claimed",
        "phase.completed", "phase.failed", "phase.timed_out", "phase.gated", "phase.requeued",
        "phase.released", "phase.reclaimed", "phase.result_late", "budget.escalated",
        "drain.breaker_tripped", "drain.request_answered", "drain.stopped", "lane.rested",
        "lane.opened",
    }
)  # fmt: skip
_FAILURES: Final = frozenset({"phase.failed", "phase.timed_out"})
_REFRESH_S: Final = 0.25


class DrainProgress:
    """
    Shows each event that a drain appends, from whichever thread it comes.

    On a terminal a live view stands below the lines; give it the drain as :attr:`engine`. What
    others print meanwhile, warnings above all, is printed above the view: drawing and printing at
    once would leave parts of it behind.

    Args:
        also: Told of each event too, before it is shown.
        shown: The types of the events that get a line.
    """

    def __init__(
        self, also: Callable[[Any], None] | None = None, *, shown: frozenset[str] = SHOWN
    ) -> None:
        self._shown = shown
        self.engine: Any = None
        self._also = also
        self._lock = threading.RLock()
        self._above: dict[str, LinesAbove] = {}
        self._failures: Counter[str] = Counter()
        self._live: Any = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                console=Console(file=sys.stderr),
                get_renderable=self._picture,
                auto_refresh=False,  # rich's own thread would draw into a line that is printed
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
            self._stand_in()
            self._thread = threading.Thread(target=self._refresh, name="live view", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        if self._live is not None and self._thread is not None:
            self._ended.set()
            self._thread.join()
            for name, above in self._above.items():
                setattr(sys, name, above.stream)
                above.finish()
            self._live.stop()

    def __call__(self, recorded: Any) -> None:
        """Show one event."""
        from autopack.report.history import history_line

        if self._also is not None:
            self._also(recorded)
        with self._lock:
            if recorded.type in _FAILURES:
                event = recorded.event
                self._failures[getattr(event, "fingerprint", None) or "timed_out"] += 1
            if recorded.type in self._shown:
                self._print(history_line(recorded))

    def line(self, text: str) -> None:
        """Show a line of somebody else's."""
        with self._lock:
            self._print(text)

    def _stand_in(self) -> None:
        for name in ("stderr", "stdout"):
            stream = getattr(sys, name)
            if stream.isatty():
                self._above[name] = LinesAbove(stream, self._show)
                setattr(sys, name, self._above[name])

    def _show(self, lines: str) -> None:
        with self._lock:
            self._print(lines)

    def _print(self, line: str) -> None:
        if self._live is None:
            say(line, err=True)
        else:
            self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _refresh(self) -> None:
        while not self._ended.wait(_REFRESH_S):
            with self._lock:
                self._live.refresh()

    def _picture(self) -> Any:
        from autopack.cli.live_view import picture

        if self.engine is None:
            return ""
        return picture(self.engine.status(), dict(self._failures.most_common(3)))
