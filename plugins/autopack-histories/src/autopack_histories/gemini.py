"""Importer ``gemini-cli``: the chats that Gemini CLI keeps below ``~/.gemini/tmp``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from autopack.draining.attempts.read_figures import added
from autopack_histories.calls import Call, counts, word
from autopack_histories.documents import document
from autopack_histories.importer import JsonLinesImporter
from autopack_histories.lines import first_objects, objects_of
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.sessions import About, Entry, Sessions

_PROVIDER: Final = "google"
_NAMES: Final = {"input": "input", "output": "output", "cached": "cached", "thoughts": "thoughts",
                 "tool": "tool"}  # fmt: skip
_SAID_CHARS: Final = 300


class Gemini(JsonLinesImporter):
    """
    Reads each answer once, from JSON lines or, of earlier versions, one document a chat.

    Its ``input`` holds the cache, its ``output`` leaves the thoughts out.
    """

    name: ClassVar[str] = "gemini-cli"
    endings: ClassVar[tuple[str, ...]] = (".jsonl", ".json")

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own."""
        return [Path(environ.get("GEMINI_CLI_HOME") or home, ".gemini", "tmp")]

    def is_named(self, name: str) -> bool:
        """Tell whether a file is named as a chat's."""
        return name.startswith("session-") and name.endswith(self.endings)

    def is_mine(self, path: Path) -> bool:
        """Tell whether a file is a chat, of either form."""
        if path.name.endswith(".json"):
            found = document(path, Notes())
            return isinstance(found, dict) and self.knows(found)
        return super().is_mine(path)

    def knows(self, found: dict[str, Any]) -> bool:
        """Tell whether a line is a chat's head, or an answer with its figures."""
        is_head = "projectHash" in found and "sessionId" in found
        return is_head or (found.get("type") == "gemini" and "tokens" in found)

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of one chat."""
        chat = _Chat(notes)
        if path.name.endswith(".json"):
            found = document(path, notes)
            chat.begin(found if isinstance(found, dict) else {}, path)
            lines: Iterator[Any] = iter(_messages(found))
        else:
            heads = (one for one in first_objects(path) if "sessionId" in one)
            chat.begin(next(heads, {}), path)
            lines = objects_of(path, notes)
        for line in lines:
            for message in _messages(line.get("$set")) or [line]:
                chat.message(message)
                yield from chat.sessions.take()
        chat.sessions.end()
        yield from chat.sessions.take()


class _Chat:
    def __init__(self, notes: Notes) -> None:
        self._notes, self._key = notes, ""
        self.sessions = Sessions(Gemini.name, notes)

    def begin(self, head: Mapping[str, Any], path: Path) -> None:
        self._key = word(head.get("sessionId")) or path.name.split(".")[0]
        more = {name: head[name] for name in ("projectHash", "kind") if word(head.get(name))}
        self.sessions.session(self._key, About(at=moment(head.get("startTime")), more=more))

    def message(self, message: Mapping[str, Any]) -> None:
        at, key = moment(message.get("timestamp")), word(message.get("id"))
        match message.get("type"):
            case "user" if key is not None and (said := _said(message.get("content"))):
                self.sessions.turn(key if "-" in key else f"{self._key}.{key}", at, said)
            case "gemini":
                self._answer(message, key)
            case "error":
                said = _said(message.get("content")) or "the client told an error"
                self.sessions.fail("session_error", said[:_SAID_CHARS])

    def _answer(self, message: Mapping[str, Any], key: str | None) -> None:
        at, tokens = moment(message.get("timestamp")), message.get("tokens")
        if not isinstance(tokens, dict):
            self._notes.saw("answers without figures")
            return
        told = counts(tokens, _NAMES)
        if key is None and at is not None:
            key = f"{self._key}@{at:%Y%m%d%H%M%S%f}"
        if told is None or key is None:
            why = "calls with counts that are none" if told is None else "calls that nothing names"
            self._notes.set_aside(why)
            return
        thoughts = told.get("thoughts")
        given, written = (
            added(told.get("input"), told.get("tool")),
            added(told.get("output"), thoughts),
        )
        self.sessions.call(
            Call(
                key=key,
                provider=_PROVIDER,
                figures={
                    "input_tokens": given,
                    "cache_read_tokens": told.get("cached"),
                    "output_tokens": written,
                    "reasoning_tokens": thoughts,
                    "total_tokens": added(given, written),
                },
                at=at,
                model=word(message.get("model")),
            )
        )
        if message.get("toolCalls"):
            self.sessions.goes_on()
        else:
            self.sessions.mend()
            self.sessions.over(at)


def _messages(found: Any) -> list[dict[str, Any]]:
    told = found.get("messages") if isinstance(found, dict) else None
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _said(content: Any) -> str | None:
    """Return what a person wrote; None of what a tool gave back."""
    if isinstance(content, str):
        return content
    parts = (
        [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    )
    if any("functionResponse" in part for part in parts):
        return None
    return " ".join(part["text"] for part in parts if isinstance(part.get("text"), str)) or None
