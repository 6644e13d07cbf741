"""Preset ``gemini``: ``gemini -p`` with ``--output-format json`` or ``stream-json``."""

from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.attempts.read_figures import Figures, added, unreadable, whole
from autopack.draining.executors.json_lines import ProgramReader, no_result
from autopack.draining.executors.json_objects import json_object
from autopack.draining.executors.provider_errors import facts_in, last_facts_in, word
from autopack.draining.executors.session_calls import NOWHERE, Surroundings
from autopack.draining.executors.token_figures import is_nothing, total
from autopack.ports.work import Completed, Failed

_PROVIDER: Final = "google"
_STREAM_NAMES: Final = ("input_tokens", "total_tokens", "cached")
_JSON_NAMES: Final = ("prompt", "candidates", "thoughts", "cached")


class Gemini:
    """
    Reads the statistics that end a session: one call a model, thoughts among the output.

    The prompt's figure holds the cache, as ours does. No cost is told, nor that an answer was cut.
    """

    name, account = "gemini", "google"
    command: tuple[Any, ...] = (
        "gemini", "--output-format", "stream-json", ("-m", "{model}"), "-p", "{prompt}",
    )  # fmt: skip
    stdin: str | None = None

    def reader(self, lease_token: str, place: Surroundings = NOWHERE) -> ProgramReader:
        """Return a reader for one session."""
        del place
        return GeminiReader(lease_token)


class GeminiReader(ProgramReader):
    """Reads one session; see :class:`Gemini`."""

    idle_types = frozenset({"tool_result", "tool_use"})

    def __init__(self, lease_token: str) -> None:
        super().__init__(lease_token)
        self._said: list[str] = []
        self._has_begun = self._is_told = self._is_silent = False

    def line(self, text: str) -> None:
        """Take the next line of a stream."""
        told = json_object(text)
        if told is not None and isinstance(told.get("type"), str):
            self._event(told)
        super().line(text)

    def finish(self, whole: str | None) -> None:
        """Take the one object of ``json``, or a session that was broken off."""
        told = None if whole is None or self._is_told else json_object(whole)
        if told is not None and isinstance(told.get("stats"), dict):
            self._document(told)
        self._is_silent = whole is not None and not whole.strip()
        if self._is_told or not (self._has_begun or self._is_silent):
            return
        self.no_result = no_result("gemini", "a result")
        if self._has_begun:
            self.problem("the session gave no result, and gemini tells its usage there: not known")

    def ended(self, returncode: int | None) -> None:
        """Say that nothing is known of a session that was ended before its only line."""
        if self._is_silent and (returncode is None or returncode <= 0):
            self.problem("it was ended before it told anything: what it used is not known")

    def aside(self, text: str) -> None:
        """Take the errors that are told to people: the status of each, and the provider's JSON."""
        self.facts = {**_facts(last_facts_in(text)), **self.facts}

    def _event(self, told: Mapping[str, Any]) -> None:
        kind = told["type"]
        if kind == "init":
            self._has_begun, self.session = True, word(told.get("session_id"))
        elif kind == "message" and told.get("role") == "assistant":
            self._said.append(str(told.get("content") or ""))
        elif kind in ("tool_use", "tool_result"):
            self._said, self.note = [], str(told.get("tool_name") or "working")
        elif kind == "result":
            self._result(told)

    def _result(self, told: Mapping[str, Any]) -> None:
        self._is_told = True
        stats = told.get("stats")
        self._calls(stats, _streamed, _STREAM_NAMES)
        said = "".join(self._said)
        if told.get("status") != "success":
            error = told.get("error")
            message = word(error.get("message")) if isinstance(error, dict) else None
            self._failed(message or "the session failed, and gemini does not say why")
            return
        self.outcome = Completed({"result": said} if said else {}, said or None)

    def _document(self, told: Mapping[str, Any]) -> None:
        self._is_told = True
        self.session = word(told.get("session_id"))
        self._calls(told["stats"], _documented, _JSON_NAMES)
        error, said = told.get("error"), word(told.get("response"))
        if isinstance(error, dict):
            self._failed(word(error.get("message")) or "the session failed")
            return
        self.outcome = Completed({"result": said} if said else {}, said)

    def _failed(self, message: str) -> None:
        self.facts = _facts(facts_in(message))
        self.outcome = Failed("session_error", message, source_fields=self.facts)

    def _calls(self, stats: Any, figures_of: Any, names: tuple[str, ...]) -> None:
        models = stats.get("models") if isinstance(stats, dict) else None
        for model, used in models.items() if isinstance(models, dict) else ():
            told = used.get("tokens", used) if isinstance(used, dict) else None
            if not isinstance(told, dict):
                continue
            for what in unreadable(told, names):
                self.problem(what)
            figures = figures_of(told)
            if not is_nothing(figures):
                self.calls.append(self._call(model, figures))

    def _call(self, model: str, figures: Figures) -> dict[str, Any]:
        return {
            "call_id": f"{self.lease_token}/{self.session or 'session'}/{model}",
            "model": model,
            "response_model": model,
            "provider": _PROVIDER,
            "total_tokens": total(figures),
            **figures,
            "source_fields": {} if self.session is None else {"session_id": self.session},
        }


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of an error; a stream that broke off is told by one word."""
    known = {name: fact for name, fact in facts.items() if fact != "Error"}
    is_cut = str(known.get("said", "")).strip("[]").endswith("terminated")
    return {**known, "error": "connection_failed"} if is_cut else known


def _streamed(told: Mapping[str, Any]) -> Figures:
    """Return a model's figures in a stream, whose ``output_tokens`` leave the thoughts out."""
    given, both = whole(told, "input_tokens"), whole(told, "total_tokens")
    answer = whole(told, "output_tokens")
    is_known = given is not None and both is not None and both >= given
    out = both - given if is_known and both is not None and given is not None else answer
    thoughts = None if out is None or answer is None else max(0, out - answer)
    return _figures(given, whole(told, "cached"), out, thoughts)


def _documented(told: Mapping[str, Any]) -> Figures:
    """Return a model's figures in the one object, whose ``candidates`` leave the thoughts out."""
    thoughts = whole(told, "thoughts")
    out = added(whole(told, "candidates"), thoughts)
    return _figures(whole(told, "prompt"), whole(told, "cached"), out, thoughts)


def _figures(
    given: int | None, cached: int | None, out: int | None, thoughts: int | None
) -> Figures:
    return {
        "input_tokens": given,
        "cache_read_tokens": cached,
        "output_tokens": out,
        "reasoning_tokens": thoughts,
    }
