"""Importer ``opencode``: opencode's database, or the files of its earlier versions."""

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from autopack.draining.attempts.read_figures import added, amount
from autopack.events.usage import BUILDER
from autopack_histories.calls import HELPER, Call, counts, inner, word
from autopack_histories.documents import columns, database, document, is_database, json_cell, rows
from autopack_histories.importer import FileImporter
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.sessions import About, Entry, Sessions

_NAMES: Final = {"input": "input", "output": "output", "reasoning": "reasoning"}
_CACHE: Final = {"read": "read", "write": "write"}
_ENDS: Final = frozenset({"stop", "end_turn", "other", "unknown"})


class Opencode(FileImporter):
    """
    Reads each step as a call, with its cost as the client reckoned it.

    Its ``input`` leaves the cache out, its ``output`` the reasoning; ours hold both.
    """

    name: ClassVar[str] = "opencode"

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own."""
        data = environ.get("XDG_DATA_HOME") or home / ".local" / "share"
        return [Path(data, "opencode")]

    def is_named(self, name: str) -> bool:
        """Tell whether a file may be its database, or a message."""
        return name.endswith(".db") or (name.startswith("msg_") and name.endswith(".json"))

    def is_mine(self, path: Path) -> bool:
        """Tell whether a file is its database, or a message of one of its sessions."""
        if path.name.endswith(".json"):
            found = document(path, Notes())
            return isinstance(found, dict) and "sessionID" in found and "role" in found
        if not is_database(path):
            return False
        try:
            with database(path) as connection:
                return {"id", "session_id", "data"} <= columns(connection, "message")
        except sqlite3.Error:
            return False

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of a database, or of one message's file."""
        history = _History(notes)
        if path.name.endswith(".json"):
            found = document(path, notes)
            if isinstance(found, dict):
                history.message(found, found, {})
        else:
            yield from self._rows(path, history, notes)
        history.sessions.end()
        yield from history.sessions.take()

    def _rows(self, path: Path, history: "_History", notes: Notes) -> Iterator[Entry]:
        try:
            with database(path) as connection:
                for row in rows(connection, _messages(connection)):
                    notes.record()
                    data = json_cell(row["data"])
                    if isinstance(data, dict):
                        history.message(row, data, row)
                    else:
                        notes.set_aside("messages that are no JSON")
                    yield from history.sessions.take()
        except sqlite3.Error as fault:
            notes.set_aside(f"databases that could not be read to the end ({fault})")


class _History:
    def __init__(self, notes: Notes) -> None:
        self._notes, self.sessions = notes, Sessions(Opencode.name, notes)

    def message(
        self, named: Mapping[str, Any], data: Mapping[str, Any], session: Mapping[str, Any]
    ) -> None:
        key = word(named.get("id"))
        of = word(named.get("session_id")) or word(data.get("sessionID"))
        if key is None or of is None:
            self._notes.set_aside("messages that nothing names")
            return
        at = moment(inner(data, "time", "created"))
        about = About(
            at=moment(session.get("time_created")) or at,
            cwd=word(session.get("directory")) or word(inner(data, "path", "cwd")),
            version=word(session.get("version")),
            title=word(session.get("title")),
        )
        self.sessions.session(of, about)
        if data.get("role") == "user":
            self.sessions.turn(key, at, None)
        elif data.get("role") == "assistant":
            self._step(key, data, is_helper=word(session.get("parent_id")) is not None)

    def _step(self, key: str, data: Mapping[str, Any], *, is_helper: bool) -> None:
        figures = _figures(data)
        began, ended = (
            moment(inner(data, "time", "created")),
            moment(inner(data, "time", "completed")),
        )
        if figures is None:
            self._notes.set_aside("calls with counts that are none")
            return
        if not any(figures.values()):
            self._notes.saw("steps that were broken off, without figures")
            return
        finish = word(data.get("finish"))
        asked = word(data.get("parentID"))
        if asked is not None:
            self.sessions.turn(asked, began, None)
        self.sessions.call(
            Call(
                key=key,
                provider=word(data.get("providerID")) or "opencode",
                figures=figures,
                at=ended or began,
                model=word(data.get("modelID")),
                role=HELPER if is_helper else BUILDER,
                stop_reason=finish,
                duration_s=(ended - began).total_seconds() if began and ended else None,
                cost_source="computed",
            )
        )
        if finish == "length":
            self.sessions.fail("truncated", "the answer was cut at the output limit")
        elif finish in _ENDS:
            self.sessions.mend()
            self.sessions.over(ended or began)


def _messages(connection: sqlite3.Connection) -> str:
    """Return the query for messages with their sessions, in the order in which they were made."""
    has_time = "time_created" in columns(connection, "message")
    order = "m.session_id, m.time_created, m.id" if has_time else "m.session_id, m.id"
    if "id" not in columns(connection, "session"):
        return f"SELECT m.id, m.session_id, m.data FROM message m ORDER BY {order}"
    joined = "message m LEFT JOIN session s ON s.id = m.session_id"
    return f"SELECT m.id, m.session_id, m.data, s.* FROM {joined} ORDER BY {order}"


def _figures(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a step's figures; None if a count is there that is none."""
    tokens = data.get("tokens")
    if not isinstance(tokens, dict):
        return {}
    cache = tokens.get("cache")
    told = counts(tokens, _NAMES)
    kept = counts(cache, _CACHE) if isinstance(cache, dict) else {}
    if told is None or kept is None:
        return None
    given = added(told.get("input"), kept.get("read"), kept.get("write"))
    written = added(told.get("output"), told.get("reasoning"))
    cost = amount(data, "cost")
    return {
        "input_tokens": given,
        "cache_read_tokens": kept.get("read"),
        "cache_write_tokens": kept.get("write"),
        "output_tokens": written,
        "reasoning_tokens": told.get("reasoning"),
        "total_tokens": added(given, written),
        "cost_usd": cost or None,  # 0 is of a model whose price it does not know
    }
