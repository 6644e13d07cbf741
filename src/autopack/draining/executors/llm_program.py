"""
A program for the preset ``llm``: asks, then tells Autopack what the client logged of it.

``llm`` prints the answer alone; what it used is in its own database. Here that is a file of this
call's, so that others may ask meanwhile. Run as ``python llm_program.py OPTIONS``, with the options
of ``llm prompt`` and the prompt on standard input; it needs nothing but Python.
"""

import contextlib
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_TABLES = ("turns", "responses")  # of 0.36, and of versions before
_MISSING = 127


def main(arguments: Sequence[str]) -> int:
    """Run ``llm prompt`` with these arguments; return its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "logs.db")
        command = ["llm", "prompt", *arguments, "--log", "-d", str(database)]
        try:
            asked = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        except FileNotFoundError:
            sys.stderr.write("There is no program 'llm': pip install llm\n")
            return _MISSING
        rows = rows_of(database)
    for row in rows:
        _tell("usage", **usage_of(row))
    if asked.returncode == 0:
        _tell_end(asked.stdout.decode("utf-8", "replace"), rows)
    return asked.returncode


def rows_of(database: Path) -> list[dict[str, Any]]:
    """Return what the client logged, a call a row; nothing if it logged nothing."""
    if not database.exists():
        return []
    found: list[dict[str, Any]] = []
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        for table in _TABLES:
            with contextlib.suppress(sqlite3.Error):
                found += map(dict, connection.execute(f"SELECT * FROM {table} ORDER BY id"))
    return found


def usage_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a logged call by the names of ``Attempt.record_usage``; unknown is left out."""
    details, options = _table(row, "token_details"), _table(row, "options_json")
    duration_ms = row.get("duration_ms")
    told = {
        "call_id": row.get("id"),
        "model": row.get("model"),
        "response_model": row.get("resolved_model") or row.get("model"),
        "provider": "llm",
        "input_tokens": row.get("input_tokens"),
        "cache_read_tokens": _inner(details, "prompt_tokens_details", "cached_tokens"),
        "output_tokens": row.get("output_tokens"),
        "reasoning_tokens": _inner(details, "completion_tokens_details", "reasoning_tokens"),
        "max_tokens": options.get("max_tokens"),
        "stop_reason": finish_of(row),
        "duration_s": duration_ms / 1000 if isinstance(duration_ms, int | float) else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def finish_of(row: Mapping[str, Any]) -> str | None:
    """Return why an answer ended, as its provider said it, or None."""
    response = _table(row, "response_json")
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    places = (response, first if isinstance(first, dict) else {})
    reasons = (place.get("finish_reason") for place in places)
    return next((one for one in reasons if isinstance(one, str)), None)


def _tell_end(answer: str, rows: Sequence[Mapping[str, Any]]) -> None:
    said = answer.strip()
    if rows and finish_of(rows[-1]) == "length":
        why = "the answer was cut at the model's output limit"
        _tell("failed", code="truncated", message=why, failure_class="truncated", excerpt=said)
        return
    _tell("completed", outputs={"result": said} if said else {}, summary=said or None)


def _table(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    try:
        found = json.loads(row.get(name) or "{}")
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _inner(table: Mapping[str, Any], name: str, inner: str) -> Any:
    found = table.get(name)
    return found.get(inner) if isinstance(found, dict) else None


def _tell(kind: str, **told: Any) -> None:
    sys.stdout.write(json.dumps({"type": f"autopack.{kind}", **told}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
