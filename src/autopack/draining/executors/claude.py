"""Preset ``claude``: ``claude -p`` with ``--output-format json`` or ``stream-json``."""

from collections.abc import Mapping
from typing import Any

from autopack.draining.executors.claude_figures import ResultFigures, model_name
from autopack.draining.executors.claude_messages import Messages
from autopack.draining.executors.claude_outcome import (
    cut_at,
    cut_of,
    limit_facts,
    outcome_of,
    windows_of,
)
from autopack.draining.executors.claude_sessions import BrokenSession
from autopack.draining.executors.denied_uses import denials, denied_lines
from autopack.draining.executors.exits import is_ended
from autopack.draining.executors.json_lines import ProgramReader, no_result
from autopack.draining.executors.json_objects import json_object, objects_of
from autopack.draining.executors.session_calls import NOWHERE, Surroundings

_CUT_OFF = "max_tokens"


class Claude:
    """
    Reads the results of a session: usage per model, cost, stop reason, duration.

    ``modelUsage`` is taken apart into one call a model; it also counts subagents. Where it is
    missing, or tells less than ``usage``, the session is one call. Anthropic's ``input_tokens``
    leave cache reads and writes out, ours include them. A session that was refused has no call.
    """

    name, account = "claude", "anthropic"
    command: tuple[Any, ...] = (
        "claude", "-p", "--output-format", "stream-json", "--verbose", ("--model", "{model}"),
    )  # fmt: skip
    stdin: str | None = "{prompt}"

    def reader(self, lease_token: str, place: Surroundings = NOWHERE) -> ProgramReader:
        """Return a reader for one session."""
        return ClaudeReader(lease_token, place)


class ClaudeReader(ProgramReader):
    """Reads one session; see :class:`Claude`."""

    idle_types = frozenset({"user"})

    def __init__(self, lease_token: str, place: Surroundings = NOWHERE) -> None:
        super().__init__(lease_token)
        self._place = place
        self._messages = Messages()
        self._figures = ResultFigures(lease_token, self.problem)
        self._model: str | None = None
        self._limit: dict[str, Any] = {}
        self._is_over = self._has_begun = self._is_silent = False
        self._n_background = self._n_broken = 0

    @property
    def is_over(self) -> bool:
        """Whether the session has given its result, and nothing goes on in the background."""
        return self._is_over and not self._n_background

    def line(self, text: str) -> None:
        """Take the next line: a message of the stream, or a result."""
        told = json_object(text)
        if told is not None:
            self._message(told)
        elif text.lstrip().startswith("["):
            self._array(text)
        super().line(text)

    def finish(self, whole: str | None) -> None:
        """Take a result that is spread over several lines, or a session that was broken off."""
        if not self._figures.n_results and whole is not None:
            if whole.lstrip().startswith("["):
                self._array(whole)
            elif (told := json_object(whole)) is not None:
                self._message(told)
        if self._figures.n_results:
            return
        self._is_silent = not self._has_begun and whole is not None and not whole.strip()
        if self._has_begun or self._is_silent:
            self.no_result = no_result("claude", "a result")
        if self._has_begun:
            self.calls.append(
                BrokenSession(
                    lease_token=self.lease_token,
                    session_id=self.session,
                    messages=self._messages,
                    place=self._place,
                )
            )

    def ended(self, returncode: int | None) -> None:
        """Say that nothing is known of a session that was ended before its only line."""
        if self._is_silent and (returncode is None or is_ended(returncode)):
            self.problem("it was ended before it told anything: what it used is not known")

    def _array(self, text: str) -> None:
        for told in objects_of(text):
            self._message(told)

    def _message(self, told: dict[str, Any]) -> None:
        kind = told.get("type")
        has_turns = kind != "result" or told.get("num_turns") != 0  # else it has begun none
        if isinstance(told.get("session_id"), str) and has_turns:
            self.session = told["session_id"]
        if kind == "system":
            self._system(told)
        elif kind in ("assistant", "user", "stream_event", "rate_limit_event"):
            self._has_begun, self._is_over = True, False
            self._step(kind, told)
        elif kind == "result":
            self._result(told)

    def _system(self, told: Mapping[str, Any]) -> None:
        match told.get("subtype"):
            case "init":
                self._has_begun, self._is_over = True, False
                self._model = model_name(told.get("model")) or self._model
            case "api_retry":
                self._retry(told)
            case "background_tasks_changed":
                tasks = told.get("tasks")
                self._n_background = len(tasks) if isinstance(tasks, list) else 0

    def _retry(self, told: Mapping[str, Any]) -> None:
        self.note = f"retry {told.get('attempt')} of {told.get('max_retries')}"
        status, error = told.get("error_status"), told.get("error")
        has_no_answer = status is None and error == "unknown"
        facts = {"http_status": status, "error": "connection_failed" if has_no_answer else error}
        self.facts = {name: value for name, value in facts.items() if type(value) in (int, str)}
        self._n_broken += status is None

    def _step(self, kind: str, told: Mapping[str, Any]) -> None:
        if kind == "assistant":
            self._messages.assistant(told)
            self.facts = {}
            self.note = f"message {len(self._messages)}"
        elif kind == "stream_event":
            self._messages.stream_event(told)
        elif kind == "rate_limit_event" and isinstance(told.get("rate_limit_info"), dict):
            self._limit = told["rate_limit_info"]
            self.limits += windows_of(self._limit)
            self.facts = {**self.facts, **limit_facts(self._limit)}

    def _result(self, told: Mapping[str, Any]) -> None:
        more: dict[str, Any] = {"source_fields": self._more(told)}
        if cut_of(told, self._messages):
            more |= {"stop_reason": _CUT_OFF, "truncated": True}
            if (most := cut_at(told)) is not None:
                more["max_tokens"] = most
        main, seen = self._messages.model or self._model, self._messages.input_tokens
        calls = self._figures.calls(told, main, more, seen_tokens=seen)
        if calls and self._n_broken:
            self.problem(f"{self._n_broken} streams broke off: what they used is an estimate")
        self.calls += calls
        self.outcome = outcome_of(told, self._messages, self._limit, self._place)
        self.denied = denied_lines(told)
        self._is_over = True

    def _more(self, told: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if n := len(denials(told)):
            found["permission_denials"] = n
        if self._limit:
            found["rate_limit_info"] = self._limit
        return found
