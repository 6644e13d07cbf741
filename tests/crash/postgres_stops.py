"""
A server that is stopped as if it had crashed, again and again, while others append and follow.

``python -m tests.long postgres`` runs the whole of it. What it must not find: an event that was
acknowledged and is gone, one that a follower was given and is gone or another, a gap, a follower
that was given anything out of order. Faults that are built in on purpose must be found.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator

import attrs
from tests.postgres_server import PostgresServer

from autopack.errors import AutopackError
from autopack.log.log import Log
from autopack.ports.log import ANY
from autopack.testing.facts import paused
from autopack_postgres.append_function import AT_ONCE, FUNCTIONS, LOCK, READ
from autopack_postgres.connections import PostgresConnection
from autopack_postgres.database_address import DatabaseAddress, parsed
from autopack_postgres.log_schemas import create_schema
from autopack_postgres.store import PostgresBackend

Position = tuple[int, bytes]


@attrs.define
class Seen:
    """What was acknowledged, and what each follower was given: positions with their hashes."""

    acknowledged: list[Position] = attrs.Factory(list)
    followed: list[list[Position]] = attrs.Factory(list)
    refused: int = 0
    stops: int = 0

    def faults(self, log: Log) -> list[str]:
        """Return what must not be, as the log stands now."""
        rows = {r.position: r.hash for r in log.read_all()}
        found = [
            f"{what}: {sum(rows.get(at) != digest for at, digest in some)} of {len(some)}"
            for what, some in (
                ("acknowledged and gone", self.acknowledged),
                *(("followed and gone", one) for one in self.followed),
            )
            if any(rows.get(at) != digest for at, digest in some)
        ]
        found += [
            f"a follower was given {at} at place {place}"
            for one in self.followed
            for place, (at, _digest) in enumerate(one, start=1)
            if at != place
        ][:3]
        if list(rows) != list(range(1, len(rows) + 1)):
            found.append("the log has gaps")
        if self.refused:
            found.append(f"{self.refused} appends were refused")
        return found + [f"{fault.position}: {fault.what}" for fault in log.verify().faults][:3]


def stopped_again_and_again(
    server: PostgresServer,
    *,
    schema: str = "stopped",
    appenders: int,
    followers: int,
    stops: int,
    each_s: float,
    seed: int = 0,
    change: str = "",
) -> tuple[Seen, list[str]]:
    """
    Append and follow while the server is stopped so many times.

    Args:
        each_s: How long it runs between two stops, about, in seconds.
        change: Statements that build in a fault.

    Returns:
        What was seen, and what must not be.
    """
    address = parsed(server.url(schema))
    create_schema(address)
    with contextlib.closing(PostgresConnection(address)) as connection:
        connection.run_script(change.replace("{schema}", schema))
    seen, is_over, draws = Seen(), threading.Event(), random.Random(seed)
    with _logs(address, appenders + followers) as logs:
        seen.followed = [[] for _ in range(followers)]
        works = [_appender(log, seen, is_over) for log in logs[:appenders]]
        works += [
            _follower(log, one, is_over)
            for log, one in zip(logs[appenders:], seen.followed, strict=True)
        ]
        threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in threads:
            thread.start()
        for _ in range(stops):
            time.sleep(each_s * draws.uniform(0.5, 1.5))
            server.stop("immediate")
            server.start()
            seen.stops += 1
        time.sleep(each_s)
        is_over.set()
        for thread in threads:
            thread.join(90)
        assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    with _logs(address, 1) as (log,):
        return seen, seen.faults(log)


@contextlib.contextmanager
def _logs(address: DatabaseAddress, n: int) -> Iterator[list[Log]]:
    """Open one log so many times, each as another process would."""
    logs = [Log(PostgresBackend(address)) for _ in range(n)]
    try:
        yield logs
    finally:
        for log in logs:
            log.close()


def _appender(log: Log, seen: Seen, is_over: threading.Event) -> Callable[[], None]:
    def work() -> None:
        while not is_over.is_set():
            try:
                stored = log.append("s", [paused("x" * 200)], expected_version=ANY)
            except AutopackError:
                seen.refused += 1
            else:
                seen.acknowledged += [(r.position, r.hash) for r in stored]

    return work


def _follower(log: Log, given: list[Position], is_over: threading.Event) -> Callable[[], None]:
    def work() -> None:
        while not is_over.is_set():
            try:
                news = log.follow(after=len(given), until=is_over.is_set)
                given.extend((recorded.position, recorded.hash) for recorded in news)
            except AutopackError:
                time.sleep(0.01)

    return work


def _holding(hold: str) -> str:
    """Return the functions again, with another way to find where the log ends."""
    functions = FUNCTIONS.replace(LOCK, "").replace(AT_ONCE, "")
    functions = functions.replace(READ, f"as_of := 0; marked_at := 0; {_NOW} {hold}")
    return functions.format(schema="{schema}", channel="faulty")


_NOW = "now := date_part('epoch', clock_timestamp()) * 1000000;"

NO_LOCK = _holding("SELECT coalesce(max(position), 0), '' INTO after, chain FROM events;")
"""Positions are taken from the head as it is seen, and nobody waits for the one before."""

SEQUENCE = "CREATE SEQUENCE positions; ALTER TABLE head DISABLE TRIGGER head_only_grows;" + (
    _holding("after := nextval('positions') - 1; chain := '';")
)
"""Positions are a sequence's, as in many stores of events: given before the commit."""


@contextlib.contextmanager
def no_barrier() -> Iterator[None]:
    """Let nobody wait for the disk, neither who appends nor who follows."""
    flush, both = PostgresConnection.flush, PostgresConnection.rows_and_flush
    PostgresConnection.flush = lambda _self: None  # type: ignore[method-assign]
    PostgresConnection.rows_and_flush = PostgresConnection.rows  # type: ignore[method-assign]
    try:
        yield
    finally:
        PostgresConnection.flush = flush  # type: ignore[method-assign]
        PostgresConnection.rows_and_flush = both  # type: ignore[method-assign]
