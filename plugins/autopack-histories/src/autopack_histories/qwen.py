"""Importer ``qwen-code``: the chats that Qwen Code keeps below ``~/.qwen/projects``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from autopack.draining.attempts.read_figures import number
from autopack.events.usage import BUILDER
from autopack_histories.calls import HELPER, Call, counts, inner, listed, word
from autopack_histories.importer import JsonLinesImporter
from autopack_histories.lines import objects_of
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.sessions import About, Entry, Sessions

_PROVIDER: Final = "qwen"
_RESPONSE, _ERROR = "qwen-code.api_response", "qwen-code.api_error"
_TOLD: Final = {
    "input_token_count": "input_tokens",
    "cached_content_token_count": "cache_read_tokens",
    "output_token_count": "output_tokens",
    "thoughts_token_count": "reasoning_tokens",
    "total_token_count": "total_tokens",
}
_MESSAGE: Final = {
    "promptTokenCount": "input_tokens",
    "cachedContentTokenCount": "cache_read_tokens",
    "candidatesTokenCount": "output_tokens",
    "thoughtsTokenCount": "reasoning_tokens",
    "totalTokenCount": "total_tokens",
}
_HELD_MOST: Final = 20_000
_SAID_CHARS: Final = 300


class Qwen(JsonLinesImporter):
    """
    Reads what the client's telemetry tells of each answer, helpers' among them.

    A chat without telemetry is read by its messages, which leave helpers out.
    """

    name: ClassVar[str] = "qwen-code"

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own."""
        del environ
        return [home / ".qwen" / "projects", home / ".qwen" / "tmp"]

    def knows(self, found: dict[str, Any]) -> bool:
        """Tell whether a line is of this client: Claude's shapes, with Gemini's parts in them."""
        if not isinstance(found.get("sessionId"), str):
            return False
        is_message = isinstance(inner(found, "message", "parts"), list)
        return is_message or "usageMetadata" in found or "systemPayload" in found

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of one chat."""
        chat = _Chat(notes)
        for line in objects_of(path, notes):
            chat.line(line)
            yield from chat.sessions.take()
        chat.end()
        yield from chat.sessions.take()


class _Chat:
    def __init__(self, notes: Notes) -> None:
        self._notes, self.sessions = notes, Sessions(Qwen.name, notes)
        self._held: list[tuple[Call, str | None]] | None = []
        self._turn: str | None = None

    def line(self, line: Mapping[str, Any]) -> None:
        at, key = moment(line.get("timestamp")), word(line.get("sessionId"))
        if key is not None:
            about = About(
                at=at,
                cwd=word(line.get("cwd")),
                branch=word(line.get("gitBranch")),
                version=word(line.get("version")),
            )
            self.sessions.session(key, about)
        parts = inner(line, "message", "parts")
        match line.get("type"):
            case "user" if (turn := word(line.get("uuid"))) and (said := _said(parts)):
                self._turn = turn
                self.sessions.turn(turn, at, said)
            case "assistant":
                self._message(line, parts)
            case "system":
                event = inner(line, "systemPayload", "uiEvent")
                if isinstance(event, dict):
                    self._event(event, line)

    def end(self) -> None:
        """Give what is left: if no telemetry was met, what the messages tell."""
        for call, turn in self._held or ():
            self.sessions.call(call, turn=turn)
        self.sessions.end()

    def _event(self, event: Mapping[str, Any], line: Mapping[str, Any]) -> None:
        kind = event.get("event.name")
        if kind == _ERROR:
            said = word(event.get("error_message")) or word(event.get("error")) or "an error"
            self.sessions.fail("session_error", said[:_SAID_CHARS])
        if kind != _RESPONSE:
            return
        self._held = None
        helper = word(event.get("subagent_name"))
        duration_ms = number(event, "duration_ms")
        call = self._call(event, _TOLD, word(event.get("response_id")) or word(line.get("uuid")))
        if call is None:
            return
        call.at = moment(line.get("timestamp"))
        call.model = word(event.get("model"))
        call.role = BUILDER if helper is None else HELPER
        call.duration_s = None if duration_ms is None else duration_ms / 1000
        self.sessions.call(call)

    def _message(self, line: Mapping[str, Any], parts: Any) -> None:
        usage, at = line.get("usageMetadata"), moment(line.get("timestamp"))
        if self._held is not None and isinstance(usage, dict):
            call = self._call(usage, _MESSAGE, word(line.get("uuid")))
            if call is not None:
                call.at, call.model = at, word(line.get("model"))
                self._held.append((call, self._turn))
                if len(self._held) > _HELD_MOST:
                    self._held.pop(0)
                    self._notes.set_aside("messages of a chat too long to tell whose they are")
        asks_tools = any("functionCall" in part for part in listed(parts) if isinstance(part, dict))
        if asks_tools:
            self.sessions.goes_on()
        else:
            self.sessions.mend()
            self.sessions.over(at)

    def _call(
        self, usage: Mapping[str, Any], names: Mapping[str, str], key: str | None
    ) -> Call | None:
        figures = counts(usage, names)
        if figures is None or key is None:
            why = "calls with counts that are none" if key else "calls that nothing names"
            self._notes.set_aside(why)
            return None
        return Call(key=key, provider=_PROVIDER, figures=_whole(figures))


def _whole(figures: dict[str, int | None]) -> dict[str, int | None]:
    """Return figures whose output holds the thoughts, as the total tells whether it did."""
    given, written = figures.get("input_tokens") or 0, figures.get("output_tokens") or 0
    thoughts, total = figures.get("reasoning_tokens") or 0, figures.get("total_tokens")
    if total is not None and total == given + written + thoughts:
        written += thoughts
    return {**figures, "output_tokens": written, "total_tokens": given + written}


def _said(parts: Any) -> str | None:
    """Return what a person wrote; None of what a tool gave back."""
    told = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    if any("functionResponse" in part for part in told):
        return None
    return " ".join(part["text"] for part in told if isinstance(part.get("text"), str)) or None
