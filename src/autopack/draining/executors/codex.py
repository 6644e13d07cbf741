"""Preset ``codex``: ``codex exec --json``."""

import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from autopack.draining.attempts.read_figures import Figures, unreadable
from autopack.draining.executors.codex_rollouts import (
    USAGE_NAMES,
    CodexTurn,
    figures_of,
    limit_facts,
    windows_of,
)
from autopack.draining.executors.json_lines import ProgramReader, no_result
from autopack.draining.executors.json_objects import json_object
from autopack.draining.executors.provider_errors import facts_in
from autopack.draining.executors.session_calls import NOWHERE, Surroundings
from autopack.draining.executors.token_figures import greatest
from autopack.ports.work import Completed, Failed

_CUT: Final = "reason: max_output_tokens"


class Codex:
    """
    Reads the thread's events: one call a turn, and how the last turn ended.

    ``turn.completed`` tells what the thread has used so far, so a turn is what was added. Cached
    input is part of ``input_tokens``, as in ours. The thread's own file names the model, and has
    what a turn used that did not complete. No cost is told.
    """

    name, account = "codex", "openai"
    command: tuple[Any, ...] = ("codex", "exec", "--json", ("--model", "{model}"), "-")
    stdin: str | None = "{prompt}"

    def reader(self, lease_token: str, place: Surroundings = NOWHERE) -> ProgramReader:
        """Return a reader for one thread."""
        return CodexReader(lease_token, place)


class CodexReader(ProgramReader):
    """Reads one thread; see :class:`Codex`."""

    idle_types = frozenset({"item.started", "item.updated"})

    def __init__(self, lease_token: str, place: Surroundings = NOWHERE) -> None:
        super().__init__(lease_token)
        self._place = place
        self._thread: str | None = None
        self._n_turns = self._n_told = 0
        self._sums: Figures = {}
        self._said = ""
        self._error: Mapping[str, Any] | None = None
        self._is_open = self._is_answered = False

    def is_idle_line(self, head: str) -> bool:
        """Tell of a very long line whether it is what a tool printed, and not what codex says."""
        is_item = head.lstrip().startswith('{"type":"item.completed"')
        return super().is_idle_line(head) or (is_item and "_message" not in head)

    @property
    def is_over(self) -> bool:
        """Whether the last turn has ended."""
        return self.outcome is not None and not self._is_open

    def line(self, text: str) -> None:
        """Take the next event."""
        told = json_object(text)
        if told is not None:
            self._event(told)
        super().line(text)

    def finish(self, whole: str | None) -> None:
        """Take a thread that ended without the end of a turn, or with a turn that failed."""
        if self._n_told < max(self._n_turns, self._thread is not None):
            self.no_result = no_result("codex", "the end of a turn")
            self._tell(None, {})
        elif self._n_told:
            return
        elif whole is not None and not whole.strip():
            self.no_result = no_result("codex", "the end of a turn")
        if self.outcome is None and self._error is not None:
            self.outcome = _failed(self._error)

    def _event(self, told: dict[str, Any]) -> None:
        match told.get("type"):
            case "thread.started":
                thread = told.get("thread_id")
                self.session = thread if isinstance(thread, str) and thread else None
                self._thread = self.session or "thread"
            case "turn.started":
                self._n_turns, self._is_open = self._n_turns + 1, True
                self._is_answered = False
            case "turn.completed":
                self._turn(told)
            case "turn.failed":
                self._is_open = False
                self.outcome = _failed(told if _message(told) else self._error or told)
                self._tell(None, {})
            case "error":
                # The program tries again after some of these, so only the turn's end decides.
                self._error = told
                self.facts = _facts(told)
            case "item.started" | "item.completed":
                self._item(told.get("item"))

    def _turn(self, told: dict[str, Any]) -> None:
        self._is_open, self.facts, self._error = False, {}, None
        self._n_turns = max(self._n_turns, self._n_told + 1)
        self.outcome = Completed(
            outputs={"result": self._said} if self._said else {}, summary=self._said or None
        )
        usage = told.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        for what in unreadable(usage, USAGE_NAMES):
            self.problem(what)
        self._tell(figures_of(usage), {"usage": usage})

    def _tell(self, sums: Figures | None, source_fields: Mapping[str, Any]) -> None:
        self._n_told = self._n_turns = max(self._n_turns, 1)
        turn = CodexTurn(
            lease_token=self.lease_token,
            thread=self._thread or "thread",
            number=self._n_told,
            sums=sums,
            before=self._sums,
            is_killed=sums is None and not isinstance(self.outcome, Failed),
            is_answered=self._is_answered,
            is_cut=isinstance(self.outcome, Failed) and self.outcome.code == "truncated",
            source_fields=source_fields,
            place=self._place,
            limited=self._limited,
        )
        self._sums = greatest(sums or {}, self._sums)
        self.calls.append(turn)

    def _limited(self, limits: Mapping[str, Any]) -> None:
        """Take what the thread's file says of the plan's limits, and keep it with a failure."""
        self.limits += windows_of(limits)
        facts = limit_facts(limits)
        if facts and isinstance(self.outcome, Failed):
            known = {**facts, **self.outcome.source_fields}
            self.outcome = attrs.evolve(self.outcome, source_fields=known)

    def _item(self, item: Any) -> None:
        if not isinstance(item, dict):
            return
        kind = item.get("type") or item.get("item_type")
        if kind in ("agent_message", "assistant_message") and isinstance(item.get("text"), str):
            self._said = item["text"]
        self._is_answered = self._is_answered or kind != "error"
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


def _facts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return an error's facts: those of the provider's JSON, else what codex's sentence names."""
    error = told.get("error", told)
    said = error.get("message") if isinstance(error, dict) else error
    return facts_in(said) if isinstance(said, str) else {}


def _failed(told: Mapping[str, Any]) -> Failed:
    message = _message(told)
    if message is not None and _CUT in message:
        return Failed("truncated", message, failure_class="truncated", source_fields=_facts(told))
    why = message or "the turn failed, and codex does not say why"
    return Failed("turn_failed", why, source_fields=_facts(told))
