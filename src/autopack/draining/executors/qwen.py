"""Preset ``qwen``: ``qwen -p`` with ``--output-format json`` or ``stream-json``."""

import re
from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.attempts.read_figures import Figures, number, unreadable, whole
from autopack.draining.executors.denied_uses import denied_lines, with_denials
from autopack.draining.executors.json_lines import ProgramReader, no_result
from autopack.draining.executors.json_objects import json_object, objects_of
from autopack.draining.executors.provider_errors import facts_in, word
from autopack.draining.executors.session_calls import NOWHERE, Surroundings
from autopack.draining.executors.token_figures import greatest, is_nothing, together, total
from autopack.ports.work import Completed, Failed

_PROVIDER: Final = "qwen"
_NAMES: Final = ("input_tokens", "output_tokens", "cache_read_input_tokens")
_API_ERROR: Final = re.compile(r"\[API Error: (.*)\]\s*\Z", re.DOTALL)
_SAID_CHARS: Final = 4_000
_PERMISSIONS: Final = "qwen's -y, or --approval-mode"


class Qwen:
    """
    Reads Qwen Code's lines: Claude's shapes, with other figures in them.

    Its ``input_tokens`` hold the cache. An error of the provider is told as the answer's text, with
    exit code 0. No cost is told, nor that an answer was cut.
    """

    name = "qwen"
    command: tuple[Any, ...] = (
        "qwen", "--output-format", "stream-json", ("-m", "{model}"), "-p", "{prompt}",
    )  # fmt: skip
    stdin: str | None = None

    def reader(self, lease_token: str, place: Surroundings = NOWHERE) -> ProgramReader:
        """Return a reader for one session."""
        return QwenReader(lease_token, place)


class QwenReader(ProgramReader):
    """Reads one session; see :class:`Qwen`."""

    idle_types = frozenset({"user"})

    def __init__(self, lease_token: str, place: Surroundings = NOWHERE) -> None:
        super().__init__(lease_token)
        self._place = place
        self._model: str | None = None
        self._used: dict[str, Figures] = {}
        self._last: Figures = {}
        self._has_begun = self._is_told = self._is_silent = False

    def line(self, text: str) -> None:
        """Take the next line, or the list of all of them."""
        told = json_object(text)
        if told is not None:
            self._event(told)
        elif text.lstrip().startswith("["):
            self._array(text)
        super().line(text)

    def finish(self, whole: str | None) -> None:
        """Take a list over several lines, or a session that was broken off."""
        if not self._has_begun and whole is not None and whole.lstrip().startswith("["):
            self._array(whole)
        self._is_silent = whole is not None and not whole.strip()
        if self._is_told or not (self._has_begun or self._is_silent):
            return
        self.no_result = no_result("qwen", "a result")
        if self._has_begun:
            self.problem("the session gave no result: what its messages told is the least")
            sums: Figures = {}
            for figures in self._used.values():
                sums = together(sums, figures)
            self._tell(self._model, sums, {"partial": True})

    def ended(self, returncode: int | None) -> None:
        """Say that nothing is known of a session that was ended before its only line."""
        if self._is_silent and (returncode is None or returncode <= 0):
            self.problem("it was ended before it told anything: what it used is not known")

    def _array(self, text: str) -> None:
        for told in objects_of(text):
            self._event(told)

    def _event(self, told: Mapping[str, Any]) -> None:
        self.session = word(told.get("session_id")) or self.session
        match told.get("type"):
            case "system":
                self._has_begun = True
                self._model = word(told.get("model")) or self._model
            case "assistant":
                self._assistant(told.get("message"))
            case "result":
                self._result(told)

    def _assistant(self, message: Any) -> None:
        if not isinstance(message, dict):
            return
        self._has_begun = True
        self._model = word(message.get("model")) or self._model
        usage = message.get("usage")
        self._last = _figures(usage) if isinstance(usage, dict) else {}
        key = str(message.get("id"))
        self._used[key] = greatest(self._last, self._used.get(key, {}))
        self.note = f"message {len(self._used)}"

    def _result(self, told: Mapping[str, Any]) -> None:
        self._is_told = self._has_begun = True
        kept = {name: told[name] for name in ("num_turns", "subtype") if name in told}
        models, usage = _models_of(told.get("stats")), told.get("usage")
        for model, figures in models.items():
            self._tell(model, figures, kept)
        if not models and isinstance(usage, dict):
            for what in unreadable(usage, _NAMES):
                self.problem(what)
            self._tell(self._model, _figures(usage), kept)
        if self.calls and isinstance(self.calls[-1], dict):
            duration_ms = number(told, "duration_api_ms")
            self.calls[-1]["duration_s"] = None if duration_ms is None else duration_ms / 1000
        self.outcome = self._outcome(told)
        self.denied = denied_lines(told)

    def _outcome(self, told: Mapping[str, Any]) -> Completed | Failed:
        said = word(told.get("result"))
        subtype = word(told.get("subtype")) or "success"
        if told.get("is_error") or subtype != "success":
            error = told.get("error")
            detail = word(error.get("message")) if isinstance(error, dict) else None
            message = detail or said or f"the session ended with {subtype}"
            return Failed("session_error", message, source_fields=facts_in(message))
        error_text = _API_ERROR.search((said or "")[-_SAID_CHARS:])
        if error_text is not None and is_nothing(self._last):  # no answer: the client wrote it
            facts = {**facts_in(error_text[0]), "said": error_text[1]}
            return Failed("session_error", error_text[0], source_fields=facts)
        outcome = Completed({"result": said} if said else {}, said)
        return with_denials(outcome, told, {}, self._place, how=_PERMISSIONS)

    def _tell(self, model: str | None, figures: Figures, kept: Mapping[str, Any]) -> None:
        if is_nothing(figures):
            return
        session = {} if self.session is None else {"session_id": self.session}
        self.calls.append(
            {
                "call_id": f"{self.lease_token}/{self.session or 'session'}/{model or 'model'}",
                "model": model,
                "response_model": model,
                "provider": _PROVIDER,
                "total_tokens": total(figures),
                **{name: figure for name, figure in figures.items() if figure is not None},
                "source_fields": {**kept, **session},
            }
        )


def _figures(usage: Mapping[str, Any]) -> Figures:
    return {
        "input_tokens": whole(usage, "input_tokens"),
        "cache_read_tokens": whole(usage, "cache_read_input_tokens"),
        "output_tokens": whole(usage, "output_tokens"),
    }


def _models_of(stats: Any) -> dict[str, Figures]:
    """Return the figures by model; ``candidates`` hold the thoughts, unlike Gemini's."""
    models = stats.get("models") if isinstance(stats, dict) else None
    found: dict[str, Figures] = {}
    for model, used in models.items() if isinstance(models, dict) else ():
        tokens = used.get("tokens") if isinstance(used, dict) else None
        if isinstance(tokens, dict):
            found[model] = {
                "input_tokens": whole(tokens, "prompt"),
                "cache_read_tokens": whole(tokens, "cached"),
                "output_tokens": whole(tokens, "candidates"),
                "reasoning_tokens": whole(tokens, "thoughts"),
            }
    return found
