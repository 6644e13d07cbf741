"""
``python -m tests.benchmarks.server_growth [--most N]``: how cost grows with a log on a server.

The first hundred thousand events are appended; after that the server itself copies them ten times
over under other runs' names, chained as if they had been appended, so that ten million are there
within minutes. ``log verify`` finds nothing to say against such a log.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from itertools import islice
from typing import Final

from tests.benchmarks import postgres
from tests.benchmarks.filling import history
from tests.benchmarks.measuring import best_of
from tests.postgres_server import PostgresServer

from autopack import create_log, open_log
from autopack.log.log import Log
from autopack.ports.log import ANY
from autopack_postgres.connections import PostgresConnection
from autopack_postgres.database_address import parsed

_FIRST: Final = 100_000
_BATCH: Final = 1000
_READ: Final = 50_000
_VERIFIED: Final = 2_000_000  # each event costs the same: the largest is not waited for
HEADER: Final = (
    "events", "runs", "GB", "one durable append", "16 writers", "one event by position",
    "read or follow", "verify",
)  # fmt: skip
_SCHEMA: Final = "grown"
_COPY: Final = """
ALTER TABLE events DISABLE TRIGGER events_are_appended;
DO $body$
DECLARE chain bytea; n bigint; last bigint;
BEGIN
    SELECT position, hash, recorded_at INTO n, chain, last
        FROM events ORDER BY position DESC LIMIT 1;
    FOR k IN 1 .. 9 LOOP
        PERFORM set_config('grown.chain', encode(chain, 'hex'), true);
        INSERT INTO events
            SELECT at, id, stream, version, type, schema, occurred_at, recorded_at, meta, data,
                chained(int8send(at) || int8send(version) || int4send(schema::int)
                    || int8send(occurred_at) || int8send(recorded_at)
                    || int4send(octet_length(stream)) || int4send(octet_length(type))
                    || int4send(octet_length(meta)) || int4send(octet_length(data)) || id
                    || convert_to(stream || type || meta || data, 'UTF8')) OVER (ORDER BY at)
            FROM (
                SELECT position + k * n AS at, version, type, schema, occurred_at,
                    last + k AS recorded_at, meta,
                    substring(event_id, 1, 8)
                        || substring(sha256(event_id || int8send(k * n)), 1, 8) AS id,
                    CASE WHEN strpos(stream, 'run-') = 0 THEN stream || '-' || k * n
                        ELSE replace(stream, 'run-{digits}0', 'run-{digits}' || k) END AS stream,
                    replace(data, 'run-{digits}0', 'run-{digits}' || k) AS data
                FROM events WHERE position <= n
            ) copies;
        SELECT hash INTO chain FROM events WHERE position = (k + 1) * n;
    END LOOP;
    UPDATE head SET position = 10 * n, hash = chain, marked_at = marked_at + 1;
END $body$;
ALTER TABLE events ENABLE TRIGGER events_are_appended;
"""
_LINK: Final = """
CREATE FUNCTION link(chain bytea, rest bytea) RETURNS bytea LANGUAGE plpgsql AS $body$
BEGIN
    RETURN sha256(coalesce(chain, decode(current_setting('grown.chain'), 'hex')) || rest);
END $body$;
CREATE AGGREGATE chained(bytea) (SFUNC = link, STYPE = bytea);
"""


def grow(
    server: PostgresServer, most: int, *, first: int = _FIRST, seconds: int = 5
) -> Iterator[tuple[str, ...]]:
    """Let one log grow tenfold at a time; yield a row of figures at each size."""
    url = server.url(_SCHEMA)
    create_log(url).close()
    with open_log(url, durability="relaxed") as log:
        events = history(first)
        while some := list(islice(events, _BATCH)):
            log.append_batch([(stream, [event], ANY) for stream, event in some])
    _run(url, _LINK)
    size, zeros = first, 3
    yield _row(server, url, zeros, seconds)
    while size * 10 <= most:
        _run(url, _COPY.format(digits="0" * zeros))
        _run(url, "VACUUM ANALYZE events")
        size, zeros = size * 10, zeros - 1
        yield _row(server, url, zeros, seconds)


def _run(url: str, script: str) -> None:
    with contextlib.closing(PostgresConnection(parsed(url))) as connection:
        connection.run_script(script)


def _row(server: PostgresServer, url: str, turn: int, seconds: int) -> tuple[str, ...]:
    with contextlib.closing(PostgresConnection(parsed(url))) as connection:
        ((used, runs),) = connection.rows(
            "SELECT pg_total_relation_size('events'), (SELECT count(*) FROM events"
            " WHERE type = 'run.created')"
        )
    with open_log(url) as log:
        size = log.head().position
        middle = size // 2
        one = best_of(20, lambda: _append(log))
        by_position = best_of(20, lambda: list(log.read_all(after=middle, limit=1)))
        n = min(_READ, middle)
        read_s = best_of(3, lambda: sum(1 for _ in log.read_all(after=middle, limit=n)))
        told = "-" if size > _VERIFIED else f"{size / _verified_s(log):,.0f}/s"
    rate = postgres.append_rate(server, _SCHEMA, turn, seconds)
    return (
        f"{size:,}",
        f"{runs:,}",
        f"{used / 1e9:,.2f}",
        f"{one * 1e3:,.1f} ms",
        f"{rate:,.0f}/s",
        f"{by_position * 1e3:,.2f} ms",
        f"{n / read_s:,.0f}/s",
        told,
    )


def _verified_s(log: Log) -> float:
    began = time.perf_counter()
    told = log.verify()
    assert told.is_clean, told.faults[:3]
    return time.perf_counter() - began


def _append(log: Log) -> None:
    log.append("probe", [next(iter(history(1)))[1]], expected_version=ANY)


def main() -> None:
    """Measure and print one row after the other."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.server_growth")
    options.add_argument("--most", type=int, default=10_000_000)
    given = options.parse_args()
    sys.stdout.write("| " + " | ".join(HEADER) + " |\n|" + " --- |" * len(HEADER) + "\n")
    with PostgresServer(is_synced=True) as server:
        for row in grow(server, given.most):
            sys.stdout.write("| " + " | ".join(row) + " |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
