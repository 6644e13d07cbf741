"""Random edits of stored events behind the log's back, and where each of them stands."""

import contextlib
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
from tests.benchmarks.filling import phase_events

from autopack import create_log, create_run, drain
from autopack.draining.executors.recorded import RecordedExecutor
from autopack.ports.log import ANY, NewEvent
from autopack.ports.prediction import PhaseSpec

INTEGERS = ("version", "schema", "occurred_at", "recorded_at")
TEXTS = ("stream", "type", "meta", "data")
BYTES = ("event_id", "hash")
_PAGE_BYTES = 4096

Edit = Callable[[sqlite3.Connection, random.Random, int], set[int]]


@attrs.frozen
class Damage:
    """One edit that was made: its kind, the positions of which one must be named, and more."""

    kind: str
    positions: frozenset[int]
    needs_anchor: bool = False


def whole_log(path: Path) -> Path:
    """Make a log of everything: a drained run, artifacts, meta, odd letters, fresh views."""
    with create_log(path) as log:
        specs = [
            PhaseSpec(f"p{n}", category="docs", complexity="low", deliverables=("a.md",))
            for n in range(6)
        ]
        create_run(log, "r", specs, goal="Zürich — 東京")
        drain(log, executor=RecordedExecutor(seed=1, latency_scale=0))
        for stream, event in (one for n in range(12) for one in phase_events("bulk", n)):
            log.append(stream, [NewEvent(event=event, meta={"by": "hand"})], expected_version=ANY)
        log.artifacts.put("a long text\n" * 200)
        log.refresh_views()
    return path


def damage(path: Path, chance: random.Random) -> Damage:
    """Make one random edit of a log file; nothing of it is left in a WAL."""
    kind = chance.choice([*_EDITS, "page", "bytes", "cut"])
    if kind == "page":
        return Damage(kind, frozenset(_spoil_page(path, chance)))
    with contextlib.closing(_unguarded(path)) as connection:
        ((head,),) = connection.execute("SELECT max(position) FROM events").fetchall()
        if kind == "cut":
            return _cut(connection, chance, head)
        while kind != "bytes":
            with contextlib.suppress(sqlite3.IntegrityError):  # taken; another one, then
                return Damage(kind, frozenset(_EDITS[kind](connection, chance, head)))
        position = chance.randint(1, head)
        sql = "SELECT data FROM events WHERE position = ?"
        ((data,),) = connection.execute(sql, (position,)).fetchall()
    return Damage(kind, frozenset(_flip(path, data.encode(), position, chance)))


def _unguarded(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in names:
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def _set(connection: sqlite3.Connection, column: str, value: object, position: int) -> None:
    sql = f"UPDATE events SET {column} = ? WHERE position = ?"
    connection.execute(sql, (value, position))


def _integer(connection: sqlite3.Connection, chance: random.Random, head: int) -> set[int]:
    position, column = chance.randint(1, head), chance.choice(INTEGERS)
    ((old,),) = connection.execute(
        f"SELECT {column} FROM events WHERE position = ?", (position,)
    ).fetchall()
    new = chance.choice([old + 1, old - 1, 0, -1, 2**62, -(2**63), 2**63 - 1, old * 7 + 13])
    _set(connection, column, new if new != old and new < 2**63 else old + 3, position)
    return {position}


def _text(connection: sqlite3.Connection, chance: random.Random, head: int) -> set[int]:
    position, column = chance.randint(1, head), chance.choice(TEXTS)
    new = chance.choice(
        ["", "{}", "[]", "null", "{", "\x00", "run-other", "[" * 5000, '{"a": NaN}', "phase.failed",
         '{"run_id":"r","x":1}', '"' + "x" * 5000 + '"', "{\"run_id\": \"\\ud800\"}"]
    )  # fmt: skip
    _set(connection, column, new + " ", position)
    return {position}


def _bytes(connection: sqlite3.Connection, chance: random.Random, head: int) -> set[int]:
    position, column = chance.randint(1, head), chance.choice(BYTES)
    _set(connection, column, chance.randbytes(chance.choice([0, 1, 16, 32, 33])), position)
    return {position}


def _move(connection: sqlite3.Connection, chance: random.Random, head: int) -> set[int]:
    position = chance.randint(1, head)
    new = chance.choice([-1, 0, -(2**62), head + 1, head + 100, 2**62])
    connection.execute("UPDATE events SET position = ? WHERE position = ?", (new, position))
    return {position, new}


def _delete(connection: sqlite3.Connection, chance: random.Random, head: int) -> set[int]:
    first = chance.randint(1, head)
    last = min(head, first + chance.choice([0, 0, 1, 5]))
    connection.execute("DELETE FROM events WHERE position BETWEEN ? AND ?", (first, last))
    return {first}


def _swap(connection: sqlite3.Connection, chance: random.Random, head: int) -> set[int]:
    one, other = chance.sample(range(1, head + 1), 2)
    for was, now in ((one, -7), (other, one), (-7, other)):
        connection.execute("UPDATE events SET position = ? WHERE position = ?", (now, was))
    return {one, other}


def _foreign(connection: sqlite3.Connection, chance: random.Random, head: int) -> set[int]:
    row = (head + 1, chance.randbytes(16), "run-x", 1, "run.paused", 1, 5, 5, "", "{}",
           chance.randbytes(32))  # fmt: skip
    connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return {head + 1}


def _replace(connection: sqlite3.Connection, chance: random.Random, head: int) -> set[int]:
    position = chance.randint(1, head)
    row = (position, chance.randbytes(16), "run-x", chance.randint(1, 99), "run.paused", 1, 5, 5,
           "", '{"run_id":"r","why":"w","actor":"a"}', chance.randbytes(32))  # fmt: skip
    connection.execute(
        "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row
    )
    return {position}


def _broken_utf8(connection: sqlite3.Connection, chance: random.Random, head: int) -> set[int]:
    position, column = chance.randint(1, head), chance.choice(TEXTS)
    sql = f"UPDATE events SET {column} = CAST(? AS TEXT) WHERE position = ?"
    connection.execute(sql, (b'{"run_id":"\xff\xfe' + chance.randbytes(3), position))
    return {position}


def _sequence(connection: sqlite3.Connection, chance: random.Random, head: int) -> set[int]:
    given = chance.choice([0, 1, head - 1, head + 1, head + 1000])
    connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", (given,))
    return {given + 1 if given < head else head + 1}


_EDITS: dict[str, Edit] = {
    "integer": _integer,
    "text": _text,
    "id or hash": _bytes,
    "moved": _move,
    "deleted": _delete,
    "swapped": _swap,
    "foreign": _foreign,
    "replaced": _replace,
    "broken UTF-8": _broken_utf8,
    "sequence": _sequence,
}


def _cut(connection: sqlite3.Connection, chance: random.Random, head: int) -> Damage:
    """Cut the tail and everything that remembers it; only an anchor can tell."""
    last = chance.randint(1, head - 1)
    connection.execute("DELETE FROM events WHERE position > ?", (last,))
    connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", (last,))
    return Damage("cut", frozenset({head}), needs_anchor=True)


def _spoil_page(path: Path, chance: random.Random) -> set[int]:
    """Overwrite one leaf page of the events with noise, or with zeros."""
    with contextlib.closing(_unguarded(path)):
        pass
    content = bytearray(path.read_bytes())
    pages = list(_event_pages(content))
    start, positions = chance.choice(pages)
    noise = chance.choice([bytes(_PAGE_BYTES), chance.randbytes(_PAGE_BYTES)])
    content[start : start + _PAGE_BYTES] = noise
    path.write_bytes(content)
    return positions


def _event_pages(content: bytearray) -> Iterator[tuple[int, set[int]]]:
    """Yield where each leaf page of a table with rows like events begins, with its positions."""
    for start in range(_PAGE_BYTES, len(content), _PAGE_BYTES):
        page = content[start : start + _PAGE_BYTES]
        cells = int.from_bytes(page[3:5], "big")
        is_schema = b"CREATE " in page  # of SQLite's table of tables: nothing is read without it
        if page[0] != 0x0D or not cells or b"run_id" not in page or is_schema:
            continue
        yield start, {_rowid(page, 8 + 2 * cell) for cell in range(cells)}


def _rowid(page: bytearray, pointer: int) -> int:
    at = int.from_bytes(page[pointer : pointer + 2], "big")
    _length, at = _varint(page, at)
    return _varint(page, at)[0]


def _varint(page: bytearray, at: int) -> tuple[int, int]:
    value = 0
    while page[at] & 0x80:
        value = value << 7 | page[at] & 0x7F
        at += 1
    return value << 7 | page[at], at + 1


def _flip(path: Path, data: bytes, position: int, chance: random.Random) -> set[int]:
    """Flip one bit within the bytes of one event's data, in the file."""
    content = bytearray(path.read_bytes())
    start = content.index(data)
    content[start + chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return {position}
