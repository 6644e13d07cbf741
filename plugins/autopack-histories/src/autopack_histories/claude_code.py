"""Importer ``claude-code``: the sessions that Claude Code keeps below ``~/.claude/projects``."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from autopack.draining.attempts.provider_responses import anthropic_figures
from autopack.draining.attempts.read_figures import added, amount, number, unreadable
from autopack.events.usage import BUILDER, told_terms
from autopack_histories.calls import HELPER, Call, inner, word
from autopack_histories.importer import JsonLinesImporter
from autopack_histories.lines import objects_of
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.sessions import About, Entry, Sessions

_SYNTHETIC: Final = "<synthetic>"
_COUNTS: Final = (
    "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens",
)  # fmt: skip
_ENDED: Final = frozenset({"end_turn", "stop_sequence", "refusal"})
_CUT: Final = "max_tokens"
_SAID_CHARS: Final = 300
_INTERRUPTED: Final = "[Request interrupted by user"


class ClaudeCode(JsonLinesImporter):
    """
    Reads each message once, with its greatest figures, however many lines tell it.

    A prompt begins a turn. Sub-agents are helpers of the turn in which they were asked, where
    their file says which that was, else of the session. Messages that the client wrote itself
    are no calls.
    """

    name: ClassVar[str] = "claude-code"

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own."""
        folders = environ.get("CLAUDE_CONFIG_DIR")
        if folders:
            return [Path(one.strip(), "projects") for one in folders.split(",") if one.strip()]
        return [home / ".claude" / "projects", home / ".config" / "claude" / "projects"]

    def knows(self, found: dict[str, Any]) -> bool:
        """Tell whether a line has a session's id as this client writes it."""
        return (
            isinstance(found.get("sessionId"), str)
            and isinstance(found.get("type"), str)
            and (
                "parentUuid" in found
                or found["type"] in ("queue-operation", "summary", "mode")
                or isinstance(inner(found, "message", "usage"), dict)
            )
            and "usageMetadata" not in found
            and not isinstance(inner(found, "message", "parts"), list)
        )

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of one session's file, or of one sub-agent's."""
        return _File(notes).entries(path)


class _File:
    def __init__(self, notes: Notes) -> None:
        self._notes, self._sessions = notes, Sessions(ClaudeCode.name, notes)
        self._session: str | None = None
        self._at: datetime | None = None
        self._prompts: dict[str, str] = {}  # of helpers: for which prompt each works

    def entries(self, path: Path) -> Iterator[Entry]:
        sessions = self._sessions
        for line in objects_of(path, self._notes):
            message, kind = line.get("message"), line.get("type")
            if not isinstance(message, dict) or kind not in ("assistant", "user"):
                continue
            self._at = moment(line.get("timestamp")) or self._at
            if line.get("sessionId") != self._session or sessions.run is None:
                self._begin(line, path)
            if kind == "assistant":
                self._assistant(line, message)
            else:
                self._user(line, message)
            if sessions.ready:
                yield from sessions.take()
        sessions.end()
        yield from sessions.take()

    def _begin(self, line: Mapping[str, Any], path: Path) -> None:
        key = word(line.get("sessionId"))
        if key is None:
            self._notes.saw("lines that name no session")
            if self._sessions.run is not None:
                return
        self._session = key
        about = About(
            at=self._at,
            cwd=word(line.get("cwd")),
            branch=word(line.get("gitBranch")),
            version=word(line.get("version")),
        )
        self._sessions.session(key or path.name.split(".")[0], about)

    def _assistant(self, line: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        is_helper = line.get("isSidechain") is True
        if message.get("model") == _SYNTHETIC or line.get("isApiErrorMessage"):
            self._notes.saw("messages that the client wrote itself")
            if not is_helper:
                said = word(_asked(message.get("content"))) or "the client wrote an error"
                self._sessions.fail(word(line.get("error")) or "api_error", said[:_SAID_CHARS])
                self._sessions.over(self._at)
            return
        call = self._call(line, message, is_helper=is_helper)
        if call is None:
            return
        if not is_helper:
            self._ended(call.stop_reason)
            self._sessions.call(call)
            return
        agent = word(line.get("agentId"))
        turn = None if agent is None else word(line.get("promptId")) or self._prompts.get(agent)
        self._sessions.call(call, is_in_turn=agent is None, turn=turn)

    def _call(
        self, line: Mapping[str, Any], message: Mapping[str, Any], *, is_helper: bool
    ) -> Call | None:
        usage = message.get("usage")
        figures = _figures(usage) if isinstance(usage, dict) else {}
        if not figures:
            why = "messages without figures" if not usage else "calls with counts that are none"
            self._notes.set_aside(why)
            return None
        key = word(message.get("id")) or word(line.get("requestId")) or word(line.get("uuid"))
        if key is None:
            self._notes.set_aside("calls that nothing names")
            return None
        if "costUSD" in line:  # of the first versions
            figures["cost_usd"] = amount(line, "costUSD")
        duration_ms = number(line, "durationMs")
        return Call(
            key=key,
            provider="anthropic",
            figures=figures,
            at=self._at,
            model=word(message.get("model")),
            asked_model=word(line.get("requestedModel")),
            role=HELPER if is_helper else BUILDER,
            stop_reason=word(message.get("stop_reason")),
            duration_s=None if duration_ms is None else duration_ms / 1000,
            source_fields=told_terms(usage) if isinstance(usage, dict) else {},
        )

    def _ended(self, stop_reason: str | None) -> None:
        if stop_reason == _CUT:
            self._sessions.fail("truncated", "the answer was cut at the output limit")
        elif stop_reason is not None:
            self._sessions.mend()
        if stop_reason in _ENDED:
            self._sessions.over(self._at)

    def _user(self, line: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        if line.get("isSidechain") is True:
            agent, prompt = word(line.get("agentId")), word(line.get("promptId"))
            if agent is not None and prompt is not None:
                self._prompts[agent] = prompt
            return
        if line.get("isMeta") or line.get("isCompactSummary"):
            return
        asked = _asked(message.get("content"))
        if asked is None:
            return
        if asked.startswith(_INTERRUPTED):
            self._sessions.fail("interrupted", "somebody interrupted the turn")
            return
        key = word(line.get("promptId")) or word(line.get("uuid"))
        if key is not None:
            self._sessions.turn(key, self._at, asked)


def _figures(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message's figures; nothing if a count is there that is none, or none is there."""
    told = usage.get
    given, read = told("input_tokens"), told("cache_read_input_tokens")
    written, out = told("cache_creation_input_tokens"), told("output_tokens")
    if (
        type(given) is type(read) is type(written) is type(out) is int
        and min(given, read, written, out) >= 0
        and not _has_details(usage)
    ):  # as nearly all are
        given += read + written
        return {"input_tokens": given, "cache_read_tokens": read, "cache_write_tokens": written,
                "output_tokens": out, "total_tokens": given + out}  # fmt: skip
    if unreadable(usage, _COUNTS):
        return {}
    found = anthropic_figures(usage)
    total = added(found["input_tokens"], found["output_tokens"])
    return {} if total is None else {**found, "total_tokens": total}


def _has_details(usage: Mapping[str, Any]) -> bool:
    """Tell whether there is more to read: thoughts, or what is kept in a cache for an hour."""
    kept = usage.get("cache_creation")
    has_hour = isinstance(kept, dict) and kept.get("ephemeral_1h_input_tokens", 0) != 0
    return has_hour or usage.get("output_tokens_details") is not None


def _asked(content: Any) -> str | None:
    """Return what a person asked; None of what tools gave back."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part for part in content if isinstance(part, dict)]
    if any(part.get("type") == "tool_result" for part in parts):
        return None
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    return " ".join(texts) if parts else None
