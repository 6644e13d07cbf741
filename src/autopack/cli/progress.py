"""A drain's progress on stderr: a line for each step, and a running count on a terminal."""

import sys
import threading
from typing import Any, Final, Self

import click

_SHOWN: Final = frozenset(
    {
        "drain.started", "run.prepared", "run.prepare_failed", "run.finished", "phase.claimed",
        "phase.completed", "phase.failed", "phase.timed_out", "phase.gated", "phase.requeued",
        "phase.released", "phase.reclaimed", "phase.result_late", "budget.escalated",
        "drain.stopped",
    }
)  # fmt: skip
_ENDS: Final = frozenset({"phase.completed", "phase.failed", "phase.timed_out", "phase.gated"})


class DrainProgress:
    """Shows each event that a drain appends, from whichever thread it comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = 0
        self._tokens = 0
        self._live: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            self._live = Progress(
                SpinnerColumn("line"),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._live.add_task("starting", total=None)
            self._live.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, recorded: Any) -> None:
        """Show one event."""
        from autopack.report.history import history_line

        with self._lock:
            if recorded.type == "llm.usage_recorded":
                self._tokens += recorded.event.total_tokens or 0
            self._ended += recorded.type in _ENDS
            if recorded.type in _SHOWN:
                self._print(history_line(recorded))
            if self._live is not None:
                text = f"{self._ended} attempts ended, {self._tokens} tokens"
                self._live.update(self._task, description=text)

    def _print(self, line: str) -> None:
        if self._live is None:
            click.echo(line, err=True)
        else:
            self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)
