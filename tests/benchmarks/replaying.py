"""Replaying: with envelopes, by named types without, and the memory that it takes."""

import contextlib
import sqlite3
from pathlib import Path

from tests.benchmarks.measuring import Row, best_of, in_child, most_row, ratio_row

from autopack import open_log, views
from autopack.events import LlmUsageRecorded
from autopack.ports.log import Recorded
from autopack.ports.projection import projection

_ALL = "SELECT * FROM events ORDER BY position"
_USAGE = "SELECT * FROM events WHERE type = 'llm.usage_recorded' ORDER BY position"


@projection(initial=0)
def output_in_order(total: int, recorded: Recorded) -> int:
    """Sum output tokens, with every event's envelope at hand."""
    event = recorded.event
    if isinstance(event, LlmUsageRecorded):
        return total + (event.output_tokens or 0)
    return total


@projection(initial=0, types=(LlmUsageRecorded,), envelope=False)
def output_of_calls(total: int, event: LlmUsageRecorded) -> int:
    """Sum output tokens over the calls alone."""
    return total + (event.output_tokens or 0)


def rows(path: Path) -> list[Row]:
    """Measure both replays of the log at *path*."""
    measured = []
    with open_log(path) as log:
        for what, chosen, sql, least in (
            ("typed replay with envelopes, decode and fold", output_in_order, _ALL, 0.35),
            ("replay by named types, no envelope", output_of_calls, _USAGE, 0.7),
        ):
            n, raw_s = _raw(path, sql)
            ours_s = best_of(3, lambda chosen=chosen: views.replay(log, chosen))
            measured.append(
                ratio_row(what, n=n, ours_s=ours_s, raw_s=raw_s, least=least, raw="raw SELECT")
            )
    return measured


def memory_row(path: Path) -> Row:
    """Measure the memory that a process takes to replay the whole log."""
    part, whole = (in_child("replay", path, share)["peak_mb"] for share in (0.1, 1))
    return most_row(
        "memory while replaying it all",
        whole,
        "MB",
        most=120,
        beside=f"{part:,.0f} MB for a tenth",
    )


def _raw(path: Path, sql: str) -> tuple[int, float]:
    with contextlib.closing(sqlite3.connect(path)) as connection:

        def work() -> None:
            for _row in connection.execute(sql):
                pass

        n = len(connection.execute(sql.replace("*", "position")).fetchall())
        return n, best_of(3, work)
