"""Replaying: with envelopes, by named types without, and the memory that it takes."""

import contextlib
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tests.benchmarks.filling import history
from tests.benchmarks.measuring import (
    OURS,
    PEER,
    RAW,
    Row,
    compared_row,
    in_child,
    in_turns,
    most_row,
)
from tests.benchmarks.peer import PeerLog, peer_class, same_events

from autopack import open_log
from autopack.events import LlmUsageRecorded
from autopack.log import views
from autopack.log.log import journal_of
from autopack.ports.log import Recorded
from autopack.ports.projection import projection

_ALL = "SELECT * FROM events ORDER BY position"
_USAGE = "SELECT * FROM events WHERE type = 'llm.usage_recorded' ORDER BY position"
_TURNS = 5
_PAGE = 10_000


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


def rows(path: Path, n: int) -> list[Row]:
    """Measure both replays of the log at *path*, which holds the first *n* events of history."""
    usage = sum(isinstance(event, LlmUsageRecorded) for _stream, event in history(n))
    with (
        open_log(path) as log,
        contextlib.closing(sqlite3.connect(path)) as raw,
        contextlib.closing(_peer_log(path.with_name("peer.db"), n)) as peer,
    ):
        whole = in_turns(
            {
                OURS: lambda _turn: views.replay(journal_of(log), output_in_order),
                RAW: lambda _turn: _step_through(raw, _ALL),
                PEER: lambda _turn: _peer_output(peer.read_all()),
            },
            _TURNS,
        )
        of_calls = in_turns(
            {
                OURS: lambda _turn: views.replay(journal_of(log), output_of_calls),
                RAW: lambda _turn: _step_through(raw, _USAGE),
                PEER: lambda _turn: _peer_output(peer.read_all(peer_class(LlmUsageRecorded))),
            },
            _TURNS,
        )
    return [
        compared_row(
            "typed replay with envelopes, decode and fold",
            whole,
            n=n,
            least={RAW: 0.45, PEER: 4},
        ),
        compared_row("replay by named types, no envelope", of_calls, n=usage, least={RAW: 0.7}),
    ]


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


def _peer_log(path: Path, n: int) -> PeerLog:
    log = PeerLog(path)
    events = same_events(history(n))
    while some := list(islice(events, _PAGE)):
        log.append(some)
    return log


def _peer_output(events: Iterator[Any]) -> int:
    calls, total = peer_class(LlmUsageRecorded), 0
    for event in events:
        if isinstance(event, calls):
            total += event.output_tokens or 0
    return total


def _step_through(connection: sqlite3.Connection, sql: str) -> None:
    for _row in connection.execute(sql):
        pass
