"""Importer ``llm``: the database of the ``llm`` tool, of either form."""

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from autopack.draining.attempts.read_figures import added
from autopack.draining.executors.llm_program import usage_of
from autopack_histories.calls import Call, counts, inner, word
from autopack_histories.documents import columns, database, is_database, json_cell, rows
from autopack_histories.importer import FileImporter
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.sessions import About, Entry, Sessions
from autopack_histories.usages import chat_figures

_TABLES: Final = {"responses": "conversation_id", "turns": "thread_id"}
_NEEDED: Final = {"id", "model", "datetime_utc"}
_NAMES: Final = {
    name: name
    for name in ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens")
}


class LlmLogs(FileImporter):
    """
    Reads ``responses``, and what 0.36 and later write instead: ``turns``.

    A conversation is a run, an answer a phase. An answer whose figures the model's plugin does
    not know is a call of unknown use.
    """

    name: ClassVar[str] = "llm"

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own."""
        if own := environ.get("LLM_USER_PATH"):
            return [Path(own, "logs.db")]
        folders = (Path(".config"), Path("Library", "Application Support"))
        return [home / folder / "io.datasette.llm" / "logs.db" for folder in folders]

    def is_named(self, name: str) -> bool:
        """Tell whether a file may be a database."""
        return name.endswith((".db", ".sqlite"))

    def is_mine(self, path: Path) -> bool:
        """Tell whether a file is a database with either table."""
        if not is_database(path):
            return False
        try:
            with database(path) as connection:
                return any(_is_there(connection, table) for table in _TABLES)
        except sqlite3.Error:
            return False

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of a database."""
        sessions = Sessions(self.name, notes)
        try:
            with database(path) as connection:
                for table, thread in _TABLES.items():
                    if not _is_there(connection, table):
                        continue
                    query = f"SELECT * FROM {table} ORDER BY {thread}, datetime_utc, id"
                    for row in rows(connection, query):
                        notes.record()
                        _answer(row, thread, sessions, notes)
                        yield from sessions.take()
        except sqlite3.Error as fault:
            notes.set_aside(f"databases that could not be read to the end ({fault})")
        sessions.end()
        yield from sessions.take()


def _is_there(connection: sqlite3.Connection, table: str) -> bool:
    return columns(connection, table) >= {*_NEEDED, _TABLES[table]}


def _answer(row: Mapping[str, Any], thread: str, sessions: Sessions, notes: Notes) -> None:
    key, at = word(row.get("id")), moment(row.get("datetime_utc"))
    if key is None:
        notes.set_aside("answers that nothing names")
        return
    told = usage_of(row)
    figures = counts(told, _NAMES)
    if figures == {}:  # before 0.17 only the provider's own answer has them
        answered = json_cell(row.get("response_json"))
        usage = inner(answered, "usage")
        found = chat_figures(usage) if isinstance(usage, dict) else {}
        figures = None if found is None else {name: n for name, n in found.items() if n is not None}
    if figures is None:
        notes.set_aside("calls with counts that are none")
        return
    if not figures:
        notes.saw("answers whose figures nobody knows")
    figures["total_tokens"] = added(figures.get("input_tokens"), figures.get("output_tokens"))
    sessions.session(word(row.get(thread)) or key, About(at=at))
    sessions.turn(key, at, word(row.get("prompt")))
    most = told.get("max_tokens")
    call = Call(
        key=key,
        provider="llm",
        figures=figures,
        at=at,
        model=word(told.get("response_model")),
        asked_model=word(told.get("model")),
        stop_reason=word(told.get("stop_reason")),
        max_tokens=most if type(most) is int and most > 0 else None,
        duration_s=told.get("duration_s"),
    )
    sessions.call(call)
    if call.stop_reason == "length":
        sessions.fail("truncated", "the answer was cut at the output limit")
    sessions.over(at, call.duration_s)
