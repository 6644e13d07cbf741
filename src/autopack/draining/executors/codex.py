"""Preset ``codex``: ``codex exec --json``."""

import json
from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.executors.json_lines import ProgramReader, added, json_object, whole
from autopack.ports.work import Completed, Failed

_PROVIDER: Final = "openai"
_COUNTS: Final = {
    "input_tokens": "input_tokens",
    "cached_input_tokens": "cache_read_tokens",
    "cache_write_input_tokens": "cache_write_tokens",
    "output_tokens": "output_tokens",
    "reasoning_output_tokens": "reasoning_tokens",
}


class Codex:
    """
    Reads the thread's events: one call a turn, and how the last turn ended.

    ``turn.completed`` tells what the thread has used so far, so a turn is what was added. Cached
    input is part of ``input_tokens``, as in ours. No cost and no model is told.
    """

    name = "codex"
    command: tuple[Any, ...] = ("codex", "exec", "--json", ("--model", "{model}"), "-")
    stdin: str | None = "{prompt}"

    def reader(self, lease_token: str) -> ProgramReader:
        """Return a reader for one thread."""
        return CodexReader(lease_token)


class CodexReader(ProgramReader):
    """Reads one thread; see :class:`Codex`."""

    def __init__(self, lease_token: str) -> None:
        super().__init__(lease_token)
        self._thread = "thread"
        self._turns = 0
        self._used: dict[str, int] = {}
        self._said = ""
        self._error: str | None = None

    def line(self, text: str) -> None:
        """Take the next event."""
        told = json_object(text)
        if told is not None:
            self._event(told)
        super().line(text)

    def finish(self, whole: str | None) -> None:
        """Take a thread that ended with an error and without a turn."""
        if self.outcome is None and self._error is not None:
            self.outcome = _failed(self._error)

    def _event(self, told: dict[str, Any]) -> None:
        match told.get("type"):
            case "thread.started":
                thread = told.get("thread_id")
                self._thread = thread if isinstance(thread, str) and thread else "thread"
            case "turn.completed":
                self._turn(told)
            case "turn.failed":
                self.outcome = _failed(_message(told) or self._error)
            case "error":
                # The program tries again after some of these, so only the turn's end decides.
                self._error = _message(told)
            case "item.completed":
                self._item(told.get("item"))

    def _turn(self, told: dict[str, Any]) -> None:
        self._turns += 1
        self.outcome = Completed(
            outputs={"result": self._said} if self._said else {}, summary=self._said or None
        )
        usage = told.get("usage")
        if not isinstance(usage, dict):
            return
        figures = self._added(usage)
        if not figures:
            return
        self.calls.append(
            {
                "call_id": f"{self.lease_token}/{self._thread}/turn-{self._turns}",
                "model": None,
                "provider": _PROVIDER,
                "total_tokens": added(figures.get("input_tokens"), figures.get("output_tokens")),
                "source_fields": {"thread_id": self._thread, "usage": dict(usage)},
                **figures,
            }
        )

    def _added(self, usage: Mapping[str, Any]) -> dict[str, int]:
        now = {ours: whole(usage, theirs) for theirs, ours in _COUNTS.items()}
        known = {name: figure for name, figure in now.items() if figure is not None}
        is_more = all(figure >= self._used.get(name, 0) for name, figure in known.items())
        before = self._used if is_more else {}
        self._used = known
        return {name: figure - before.get(name, 0) for name, figure in known.items()}

    def _item(self, item: Any) -> None:
        if not isinstance(item, dict):
            return
        kind = item.get("type") or item.get("item_type")
        if kind in ("agent_message", "assistant_message") and isinstance(item.get("text"), str):
            self._said = item["text"]
        self.note = str(kind or "working")


def _message(told: Mapping[str, Any]) -> str | None:
    """Return what an error says; the provider's own JSON inside it is read."""
    error = told.get("error", told)
    said = error.get("message") if isinstance(error, dict) else error
    if not isinstance(said, str) or not said.strip():
        return None
    inner = json_object(said)
    if inner is None:
        return said
    detail = inner.get("error")
    words = [str(inner["status"])] if "status" in inner else []
    if isinstance(detail, dict):
        words += [str(detail[name]) for name in ("type", "code", "message") if detail.get(name)]
    return f"error {': '.join(words)}" if words else json.dumps(inner)


def _failed(message: str | None) -> Failed:
    return Failed("turn_failed", message or "the turn failed, and codex does not say why")
