"""Preset ``opencode``: ``opencode run --format json``."""

from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.attempts.read_figures import added, amount, unreadable, whole
from autopack.draining.executors.json_lines import ProgramReader, no_result
from autopack.draining.executors.json_objects import json_object
from autopack.draining.executors.provider_errors import facts_of, word
from autopack.draining.executors.session_calls import NOWHERE, Surroundings
from autopack.draining.executors.token_figures import is_nothing, total
from autopack.ports.work import Completed, Failed

_NAMES: Final = ("input", "output", "reasoning", "total")
_KINDS: Final = {"ContextOverflowError": "context_length_exceeded"}
_WAIT_CHARS: Final = 12


class Opencode:
    """
    Reads the steps of a session: each is a call, with its cost.

    ``input`` leaves the cache out and ``output`` the reasoning; ours hold both. The model is not
    told, nor the call that names the session. Nothing is printed before the program ends.
    """

    name = "opencode"
    command: tuple[Any, ...] = (
        "opencode", "run", "--format", "json", ("--model", "{model}"), "{prompt}",
    )  # fmt: skip
    stdin: str | None = None

    def reader(self, lease_token: str, place: Surroundings = NOWHERE) -> ProgramReader:
        """Return a reader for one session."""
        del place
        return OpencodeReader(lease_token)


class OpencodeReader(ProgramReader):
    """Reads one session; see :class:`Opencode`."""

    idle_types = frozenset({"tool_use"})

    def __init__(self, lease_token: str) -> None:
        super().__init__(lease_token)
        self._said: dict[str, dict[str | None, str]] = {}  # by message, then by part of it
        self._n_steps = 0
        self._is_silent = self._has_begun = False

    def line(self, text: str) -> None:
        """Take the next event."""
        told = json_object(text)
        if told is not None:
            self._event(told)
        super().line(text)

    def finish(self, whole: str | None) -> None:
        """Take a session that was broken off."""
        self._is_silent = whole is not None and not whole.strip()
        if self.outcome is None and (self._has_begun or self._is_silent):
            self.no_result = no_result("opencode", "its last step")
            if self._has_begun:
                self.problem("the session did not end: what its steps told is the least")

    def ended(self, returncode: int | None) -> None:
        """Say that nothing is known of a session that was ended before it told anything."""
        if self._is_silent and (returncode is None or returncode <= 0):
            self.problem("it was ended before it told anything: what it used is not known")

    def _event(self, told: Mapping[str, Any]) -> None:
        part = told.get("part")
        part = part if isinstance(part, dict) else {}
        self.session = word(told.get("sessionID")) or self.session
        match told.get("type"):
            case "step_start":
                self._has_begun, self.outcome = True, None
            case "text" if isinstance(part.get("text"), str):
                parts = self._said.setdefault(str(part.get("messageID")), {})
                parts[word(part.get("id"))] = part["text"]
            case "step_finish":
                self._step(part, word(told.get("sessionID")))
            case "error":
                self._has_begun, self.outcome = True, _failed(told.get("error"))

    def _step(self, part: Mapping[str, Any], session: str | None) -> None:
        self._has_begun, self._n_steps = True, self._n_steps + 1
        self.note = f"step {self._n_steps}"
        reason, tokens = word(part.get("reason")), part.get("tokens")
        if isinstance(tokens, dict):
            self._tell(part, tokens, reason, session)
        said = "".join(self._said.get(str(part.get("messageID")), {}).values())
        if reason == "length":
            why = "the last answer was cut at the model's output limit"
            self.outcome = Failed("truncated", why, failure_class="truncated", excerpt=said or None)
        elif reason != "tool-calls":
            self.outcome = Completed({"result": said} if said else {}, said or None)

    def _tell(
        self,
        part: Mapping[str, Any],
        tokens: Mapping[str, Any],
        reason: str | None,
        session: str | None,
    ) -> None:
        for what in unreadable(tokens, _NAMES):
            self.problem(what)
        cache = tokens.get("cache")
        cache = cache if isinstance(cache, dict) else {}
        read, written = whole(cache, "read"), whole(cache, "write")
        figures = {
            "input_tokens": added(whole(tokens, "input"), read, written),
            "cache_read_tokens": read,
            "cache_write_tokens": written,
            "output_tokens": added(whole(tokens, "output"), whole(tokens, "reasoning")),
            "reasoning_tokens": whole(tokens, "reasoning"),
            "cost_usd": amount(part, "cost"),
        }
        if is_nothing(figures):
            return
        step = word(part.get("id")) or f"step-{self._n_steps}"
        kept = {} if session is None else {"session_id": session}
        self.calls.append(
            {
                "call_id": f"{self.lease_token}/{step}",
                "model": None,
                "provider": "opencode",
                "total_tokens": total(figures),
                "stop_reason": reason,
                **figures,
                "source_fields": kept,
            }
        )


def _failed(error: Any) -> Failed:
    error = error if isinstance(error, dict) else {}
    data = error.get("data")
    data = data if isinstance(data, dict) else {}
    name = word(error.get("name")) or "error"
    body = json_object(data["responseBody"]) if isinstance(data.get("responseBody"), str) else None
    facts = {} if body is None else facts_of(body)
    if type(data.get("statusCode")) is int:
        facts["http_status"] = data["statusCode"]
    message = word(data.get("message")) or word(error.get("message")) or name
    facts = {"error": _KINDS.get(name, name), "said": message, **facts, "error_name": name}
    headers = data.get("responseHeaders")
    wait = headers.get("retry-after") if isinstance(headers, dict) else None
    is_seconds = isinstance(wait, str) and len(wait) < _WAIT_CHARS and wait.isdecimal()
    return Failed(
        "session_error",
        message,
        retry_after_s=float(wait) if is_seconds and isinstance(wait, str) else None,
        source_fields=facts,
    )
