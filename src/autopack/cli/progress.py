"""A drain's progress on stderr: a line for each step, and a live view on a terminal."""

import sys
import threading
from collections import Counter
from typing import Any, Final, Self

import click

_SHOWN: Final = frozenset(
    {
        "drain.started", "run.prepared", "run.prepare_failed", "run.finished", "phase.claimed",
        "phase.completed", "phase.failed", "phase.timed_out", "phase.gated", "phase.requeued",
        "phase.released", "phase.reclaimed", "phase.result_late", "budget.escalated",
        "drain.breaker_tripped", "drain.stopped",
    }
)  # fmt: skip
_FAILURES: Final = frozenset({"phase.failed", "phase.timed_out"})
_REFRESH_S: Final = 0.25


class DrainProgress:
    """
    Shows each event that a drain appends, from whichever thread it comes.

    On a terminal a live view stands below the lines; give it the drain as :attr:`engine`.
    """

    def __init__(self) -> None:
        self.engine: Any = None
        self._lock = threading.Lock()
        self._failures: Counter[str] = Counter()
        self._live: Any = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                console=Console(stderr=True),
                get_renderable=self._picture,
                auto_refresh=False,  # rich's own thread would draw into a line that is printed
                transient=True,
                redirect_stdout=False,
            )
            self._live.start()
            self._thread = threading.Thread(target=self._refresh, name="live view", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        if self._live is not None and self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._live.stop()

    def __call__(self, recorded: Any) -> None:
        """Show one event."""
        from autopack.report.history import history_line

        with self._lock:
            if recorded.type in _FAILURES:
                event = recorded.event
                self._failures[getattr(event, "fingerprint", None) or "timed_out"] += 1
            if recorded.type in _SHOWN:
                self._print(history_line(recorded))

    def _print(self, line: str) -> None:
        if self._live is None:
            click.echo(line, err=True)
        else:
            self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _refresh(self) -> None:
        while not self._ended.wait(_REFRESH_S):
            with self._lock:
                self._live.refresh()

    def _picture(self) -> Any:
        from autopack.cli.liveview import picture

        if self.engine is None:
            return ""
        return picture(self.engine.status(), dict(self._failures.most_common(3)))
