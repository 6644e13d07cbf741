"""A secret, a plugin that takes it out, and everywhere that a log can hold a text."""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs

import autopack
from autopack import hookimpl
from autopack.events.cap_table import CapTable
from autopack.log.log import Log
from autopack.values.money import Usd, UsdSum

SECRET = "Hunter-Of-Secrets-QZX"
_PLAIN: dict[Any, Any] = {
    int: 1, float: 1.0, Usd: Usd("1"), UsdSum: UsdSum("1"), bool: True, type(None): None,
    CapTable: CapTable.of({"tokens": 1}),
    datetime: datetime(2026, 1, 31, tzinfo=UTC),
}  # fmt: skip


class Redacts:
    """Takes the secret out of every text that it is shown, and keeps what it was shown."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @hookimpl
    def autopack_redact(self, text: str) -> str:
        self.asked.append(text)
        return text.replace(SECRET, "[gone]")


def made(path: Path, *plugins: Any) -> Log:
    """A new log whose plugins take the secret out."""
    return autopack.create_log(path, plugins=autopack.load_plugins(extra=[Redacts(), *plugins]))


def is_told(text: str) -> bool:
    """Whether a text tells the secret, or what normalising would make of it."""
    return SECRET.lower() in text.lower()


def telling(cls: Any, text: str = SECRET) -> Any:
    """An event of a class with *text* wherever its fields take any but keys."""
    hints = get_type_hints(cls, include_extras=True)
    return cls(**{field.name: _value(hints[field.name], text) for field in attrs.fields(cls)})


def _value(hint: Any, text: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        is_key = any((getattr(mark, "extra", None) or {}).get("key") for mark in arguments[1:])
        return "k1" if is_key else _value(arguments[0], text)
    if origin in (Union, UnionType):
        return next(value for arm in arguments if (value := _value(arm, text)) is not None)
    if origin is Literal:
        return arguments[0]
    if origin in (tuple, list):
        return origin([_value(arguments[0], text)])
    if origin is not None and issubclass(origin, Mapping):
        return {_value(arguments[0], text): _value(arguments[1], text)}
    if hint is Any:
        return {text: [text, {"inner": text}]}
    return text if hint is str else _PLAIN[hint]


def places(log: Log, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each place of a log in SQLite that holds text, with all the text that it holds."""
    log.refresh_views()
    path = Path(log.target)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        yield name, path.with_name(name).read_bytes().decode("latin-1")
    yield from _rows(path)
    for kind in ("ndjson", "jsonl"):
        autopack.export_history(log, kind, folder / f"out.{kind}")
        yield kind, (folder / f"out.{kind}").read_text(encoding="utf-8")
    for ending in ("html", "md", "json"):
        autopack.write_report(log, folder / f"report.{ending}")
        yield f"report.{ending}", (folder / f"report.{ending}").read_text(encoding="utf-8")
    log.backup(str(folder / "copy.db"))
    yield "backup", (folder / "copy.db").read_bytes().decode("latin-1")
    yield "status", repr(autopack.status(log))


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    tables = sqlite3.connect(path)
    try:
        named = tables.execute("SELECT name FROM sqlite_master WHERE type IN ('view', 'table')")
        for (name,) in named.fetchall():
            yield name, repr(tables.execute(f"SELECT * FROM {name}").fetchall())
        for digest, content in tables.execute("SELECT digest, content FROM artifacts").fetchall():
            yield f"text {digest[:8]}", zlib.decompress(content).decode()
    finally:
        tables.close()


def told_in(log: Log, folder: Path) -> list[str]:
    """The places of a log that tell the secret; none should."""
    return [name for name, text in places(log, folder) if is_told(text)]
