"""What a session of Claude Code used that never gave its result: from its file, or its stream."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from autopack.draining.attempts.provider_responses import anthropic_figures
from autopack.draining.attempts.read_figures import Figures
from autopack.draining.executors import session_files
from autopack.draining.executors.claude_figures import (
    SYNTHETIC,
    call_of,
    model_name,
)
from autopack.draining.executors.claude_messages import Messages
from autopack.draining.executors.session_calls import Recall, Surroundings, Tell
from autopack.draining.executors.token_figures import beyond, greatest, is_nothing, together, total

_FOLDER = "CLAUDE_CONFIG_DIR", ".claude"


@attrs.frozen(kw_only=True)
class BrokenSession:
    """
    A session that was broken off: at least so much was used.

    The client's own file has the final figures of each message; the stream has what was written
    when each began. A message that was under way is in neither.
    """

    lease_token: str
    session_id: str | None
    messages: Messages
    place: Surroundings

    def calls(self, recall: Recall, tell: Tell) -> list[dict[str, Any]]:
        """Return a call for each model, and say that more may have been used."""
        streamed, filed = self.messages.by_model(), self._filed(recall)
        is_filed = _sum(filed) >= _sum(streamed) and _sum(filed) > 0
        known = filed if is_filed else streamed
        tell("the session gave no result: what is recorded of it is the least that was used")
        partial = {"partial": True, "messages": len(self.messages),
                   "source": "session file" if is_filed else "stream"}  # fmt: skip
        is_whole = is_filed or self.messages.are_ended
        return [
            {
                **call_of(self.lease_token, self.session_id, model, figures, partial),
                "split": "measured" if is_whole else "inferred",
            }
            for model, figures in known.items()
            if not is_nothing(figures)
        ]

    def _filed(self, recall: Recall) -> dict[str, Figures]:
        """Return what this process used, by the client's file; what others used is left out."""
        folder = self.place.folder(*_FOLDER)
        if folder is None or self.session_id is None or not session_files.is_plain(self.session_id):
            return {}
        used = _messages_of(folder, self.session_id)
        first = self.messages.first
        if first in used:
            keys = list(used)
            return _by_model([used[key] for key in keys[keys.index(first) :]])
        before = recall(self.session_id)
        sums = _by_model(list(used.values()))
        return {model: beyond(figures, before.get(model, {})) for model, figures in sums.items()}


def _messages_of(folder: Path, session_id: str) -> dict[str, tuple[str, Figures]]:
    """Return each message's model and figures by its id, helpers' after the main loop's."""
    used: dict[str, tuple[str, Figures]] = {}
    for line in _lines(folder / "projects", session_id):
        message = line.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("usage"), dict):
            continue
        if message.get("model") == SYNTHETIC:
            continue
        key, figures = str(message.get("id")), anthropic_figures(message["usage"])
        _model, before = used.get(key, ("", {}))
        used[key] = (model_name(message.get("model")) or "", greatest(figures, before))
    return used


def _lines(projects: Path, session_id: str) -> Iterator[dict[str, Any]]:
    for path in session_files.found(projects, f"*/{session_id}.jsonl"):
        yield from session_files.objects(path)
        for helper in session_files.found(path.parent, f"{session_id}/subagents/*.jsonl"):
            yield from session_files.objects(helper)
        for helper in session_files.found(path.parent, "agent-*.jsonl"):
            lines = session_files.objects(helper)
            yield from (line for line in lines if line.get("sessionId") == session_id)


def _by_model(used: list[tuple[str, Figures]]) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    for model, figures in used:
        found[model] = together(found[model], figures) if model in found else figures
    return found


def _sum(models: dict[str, Figures]) -> int:
    return sum(total(figures) or 0 for figures in models.values())
