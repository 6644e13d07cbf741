"""
Appends to PostgreSQL by many writers at once, beside plain inserts of the same rows.

pgbench is the client of both, so that what is compared is the server's work: on one side the
function with its lock, hash, news and flush; on the other a table with the same keys and a
sequence, each insert waiting for the disk as PostgreSQL does by itself. Each writer has a
connection and a stream of its own, and asks once and waits for the answer, as the library does.

Two rows are told. On a disk as fast as this machine's both are held up by its processors, and what
is compared is the work of an append; on one that syncs some 260 times a second, as disks of servers
do that write to several places, both wait for the disk. Each row says what a sync took.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.measuring import Row
from tests.benchmarks.slow_disk import slow_disk, sync_s
from tests.postgres_server import BINARIES, PostgresServer

from autopack_postgres.connections import PostgresConnection
from autopack_postgres.database_address import parsed
from autopack_postgres.log_schemas import create_schema

_DATA = '{"run_id":"nightly","phase_id":"p","attempt":1,"call_id":"msg_0123456789",' + (
    '"provider":"anthropic","request_model":"m-large","input_tokens":12345,"output_tokens":812,'
    '"cache_read_tokens":11000,"split":"measured","stop_reason":"end_turn","duration_s":12.25}'
)
_PLAIN_TABLE = """
CREATE TABLE plain (
    position bigserial PRIMARY KEY, event_id bytea NOT NULL UNIQUE, stream text NOT NULL,
    version bigint NOT NULL, type text NOT NULL, schema bigint NOT NULL,
    occurred_at bigint NOT NULL, recorded_at bigint NOT NULL, meta text NOT NULL,
    data text NOT NULL, hash bytea NOT NULL, UNIQUE (stream, version))
"""
_PLAIN = f"""\\set v :v + 1
INSERT INTO plain (event_id, stream, version, type, schema, occurred_at, recorded_at, meta, data,
    hash) VALUES (uuid_send(gen_random_uuid()), 'c-'||:turn||'-'||:client_id, :v,
    'llm.usage_recorded', 1, 0, 0, '', '{_DATA}', '\\\\x{"5a" * 32}');
"""
_OURS = f"""\\set v :v + 1
\\startpipeline
BEGIN;
SELECT append_event(:v - 1, uuid_send(gen_random_uuid()), 'c-'||:turn||'-'||:client_id,
    'llm.usage_recorded', 1, NULL, '', '{_DATA}');
COMMIT;
SELECT set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'autopack', '');
\\endpipeline
"""


def rows(*, writers: int = 16, rounds: int = 5, seconds: int = 5) -> Iterator[Row]:
    """Measure both in turns on this disk and on a slow one; tell the median of the ratios."""
    sizes = {"writers": writers, "rounds": rounds, "seconds": seconds}
    yield _row({}, **sizes)
    if shutil.which("cc") is None:
        print("PostgreSQL on a slow disk is left out: it needs cc.", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)  # the server is another user's
        yield _row(slow_disk(Path(folder)), **sizes)


def _row(disk: Mapping[str, str], *, writers: int, rounds: int, seconds: int) -> Row:
    server = PostgresServer(is_synced=True, environment=disk)
    try:
        address = parsed(server.url("bench"))
        create_schema(address)
        with contextlib.closing(PostgresConnection(address)) as connection:
            connection.run_script(_PLAIN_TABLE)
        turns = [
            (
                sync_s(server.folder, disk),
                _rate(server, _OURS, turn, writers, seconds, synchronous_commit="off"),
                _rate(server, _PLAIN, turn, writers, seconds, synchronous_commit="on"),
            )
            for turn in range(rounds)
        ]
    finally:
        server.remove()
    synced, ours, plain = (median(column) for column in zip(*turns, strict=True))
    ratios = sorted(ours / plain for _synced, ours, plain in turns)
    return Row(
        what=f"PostgreSQL, durable single append, {writers} writers, {1000 * synced:.2f} ms a sync",
        ours=f"{ours:,.0f}/s",
        raw=f"{plain:,.0f}/s (plain INSERT)",
        beside=f"{median(ratios):.2f} x plain INSERT ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        to_reach=">= 0.4 x plain INSERT",
        holds=median(ratios) >= 0.4,
    )


def append_rate(server: PostgresServer, schema: str, turn: int, seconds: int) -> float:
    """Return how many events a second 16 writers append to the log of a schema, durably."""
    return _rate(server, _OURS, turn, 16, seconds, synchronous_commit="off", search_path=schema)


def _rate(
    server: PostgresServer, script: str, turn: int, writers: int, seconds: int, **settings: Any
) -> float:
    """Return how often a second a script ran to its end."""
    assert BINARIES is not None
    file = Path(server.folder, "bench.sql")
    file.write_text(script, encoding="utf-8")
    options = " ".join(
        f"-c {name}={value}" for name, value in {"search_path": "bench", **settings}.items()
    )
    with contextlib.closing(PostgresConnection(parsed(server.url("bench")))) as connection:
        connection.rows("CHECKPOINT")
    said = subprocess.run(
        [BINARIES / "pgbench", "-h", server.folder, "-U", "autopack", "-n", "-M", "prepared",
         "-D", "v=0", "-D", f"turn={turn}", "-c", str(writers), "-j", "2", "-T", str(seconds),
         "-f", file, "postgres"],
        env={**os.environ, "PGOPTIONS": options},
        check=True,
        capture_output=True,
        text=True,
    ).stdout  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", said)
    assert found is not None, said
    return float(found[1])
