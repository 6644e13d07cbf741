"""Importer ``aider``: the analytics file of aider, whose figures are its own estimates."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from autopack.draining.attempts.read_figures import amount
from autopack_histories.calls import Call, counts, word
from autopack_histories.importer import JsonLinesImporter
from autopack_histories.lines import objects_of
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.sessions import About, Entry, Sessions

_SENT: Final = "message_send"
_NAMES: Final = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
_EVENTS: Final = frozenset({"launched", _SENT, "message_send_starting", "cli session"})


class Aider(JsonLinesImporter):
    """
    Reads what aider says of each message that was answered: ``inferred``, since it estimates.

    A start of the program is a run. A message has no id, so its content is one.
    """

    name: ClassVar[str] = "aider"

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own."""
        own = environ.get("AIDER_ANALYTICS_LOG")
        return [Path(own) if own else home / ".aider" / "analytics.jsonl"]

    def knows(self, found: dict[str, Any]) -> bool:
        """Tell whether a line is one of aider's own events."""
        return found.get("event") in _EVENTS and isinstance(found.get("properties"), dict)

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of one file."""
        sessions = Sessions(self.name, notes)
        for line in objects_of(path, notes):
            at, properties = moment(line.get("time")), line.get("properties")
            if line.get("event") == "launched":
                sessions.session(_key(line.get("user_id"), line.get("time")), About(at=at))
            elif line.get("event") == _SENT and isinstance(properties, dict):
                _sent(line, properties, at, sessions, notes)
            yield from sessions.take()
        sessions.end()
        yield from sessions.take()


def _sent(
    line: Mapping[str, Any],
    properties: Mapping[str, Any],
    at: datetime | None,
    sessions: Sessions,
    notes: Notes,
) -> None:
    figures: dict[str, Any] | None = counts(properties, _NAMES)
    if not figures:
        notes.set_aside("calls with counts that are none")
        return
    figures["total_tokens"] = sum(figures.values())
    figures["cost_usd"] = amount(properties, "cost") or None
    provider, slash, model = (word(properties.get("main_model")) or "").partition("/")
    sessions.call(
        Call(
            key=_key(line.get("user_id"), line.get("time"), properties),
            provider=provider if slash else "aider",
            figures=figures,
            at=at,
            model=(model if slash else provider) or None,
            cost_source="computed",
            split="inferred",
            source_fields={"edit_format": form}
            if (form := word(properties.get("edit_format")))
            else {},
        )
    )


def _key(*told: Any) -> str:
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
