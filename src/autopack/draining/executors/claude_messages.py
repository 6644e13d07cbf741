"""The messages of a Claude Code session as its stream tells them, before its result does."""

from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.attempts.provider_responses import anthropic_figures
from autopack.draining.attempts.read_figures import Figures
from autopack.draining.executors.claude_figures import SYNTHETIC, model_name
from autopack.draining.executors.token_figures import greatest, together

_FACTS: Final = ("api_error_status", "api_error", "api_error_type", "request_id")
_CUT_OFF: Final = "max_tokens"


class Messages:
    """
    What the messages of a stream told: their usage, the last one's text, and errors.

    A message is repeated for each of its parts, with the same id. Its output is what was written
    when it began, unless the stream has its end (``stream_event``), or the client tells it late.

    Attributes:
        model: The model of the main loop that spoke last.
        facts: What the client said of the last error.
        is_cut: Whether the last message of the main loop reached its output limit.
    """

    def __init__(self) -> None:
        self.model: str | None = None
        self.facts: dict[str, Any] = {}
        self.is_cut = False
        self._used: dict[str, tuple[str | None, Figures]] = {}
        self._ended: set[str] = set()
        self._open: dict[Any, str] = {}
        self._texts: list[str] = []
        self._last: str | None = None

    def __len__(self) -> int:
        return len(self._used)

    @property
    def first(self) -> str | None:
        """The id of the first message."""
        return next(iter(self._used), None)

    @property
    def text(self) -> str:
        """The text of the main loop's last message, all its parts together."""
        return "".join(self._texts)

    @property
    def are_ended(self) -> bool:
        """Whether the output of every message is known to its end."""
        return self._ended >= set(self._used)

    @property
    def input_tokens(self) -> int:
        """What all messages were sent with, helpers' too."""
        return sum(figures.get("input_tokens") or 0 for _model, figures in self._used.values())

    def assistant(self, told: Mapping[str, Any]) -> None:
        """Take a message, or a part of one."""
        message = told.get("message")
        if not isinstance(message, dict):
            return
        if message.get("model") == SYNTHETIC:
            self._error(told)
            return
        key, is_main = str(message.get("id")), told.get("parent_tool_use_id") is None
        if is_main:
            self._said(key, message)
        self._usage(key, message.get("model"), message.get("usage"))
        if isinstance(message.get("stop_reason"), str):
            self._ended.add(key)

    def stream_event(self, told: Mapping[str, Any]) -> None:
        """Take an event of ``--include-partial-messages``: begin and end of a message."""
        event, thread = told.get("event"), str(told.get("parent_tool_use_id"))
        if not isinstance(event, dict):
            return
        message = event.get("message")
        if event.get("type") == "message_start" and isinstance(message, dict):
            key = self._open[thread] = str(message.get("id"))
            self._usage(key, message.get("model"), message.get("usage"))
        elif event.get("type") == "message_delta" and thread in self._open:
            key = self._open[thread]
            self._usage(key, None, event.get("usage"))
            self._ended.add(key)

    def by_model(self) -> dict[str, Figures]:
        """Return what the messages used, by model."""
        found: dict[str, Figures] = {}
        for model, figures in self._used.values():
            name = model or self.model or ""
            found[name] = together(found[name], figures) if name in found else figures
        return found

    def _usage(self, key: str, model: Any, usage: Any) -> None:
        if not isinstance(usage, dict):
            return
        known, before = self._used.get(key, (None, {}))
        now = {name: n for name, n in anthropic_figures(usage).items() if n is not None}
        merged = greatest({**before, **now}, before) if before else now
        self._used[key] = (model_name(model) or known, merged)

    def _said(self, key: str, message: Mapping[str, Any]) -> None:
        self.model = model_name(message.get("model")) or self.model
        if key != self._last:
            self._last, self._texts = key, []
        self.is_cut = message.get("stop_reason") == _CUT_OFF
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                self._texts.append(part["text"])

    def _error(self, told: Mapping[str, Any]) -> None:
        """Take note of what the client wrote itself, because the provider refused."""
        facts = {name: told[name] for name in _FACTS if told.get(name) is not None}
        if isinstance(told.get("error"), str):
            facts["assistant_error"] = told["error"]
        params = told.get("api_error_params")
        limit = params.get("rate_limit_info") if isinstance(params, dict) else None
        if isinstance(limit, dict):
            facts["rate_limit_info"] = limit
        self.facts = facts
