"""Preset ``claude``: ``claude -p`` with ``--output-format json`` or ``stream-json``."""

import json
from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.executors.json_lines import (
    ProgramReader,
    added,
    amount,
    json_object,
    number,
    whole,
)
from autopack.ports.work import Completed, Failed
from autopack.values.money import Usd, total

_PROVIDER: Final = "anthropic"
_CUT_OFF: Final = "max_tokens"
_CLASSES: Final = {"error_max_turns": "boundary", "error_max_budget_usd": "boundary"}


class Claude:
    """
    Reads the result object that ends a session: usage per model, cost, stop reason, duration.

    ``modelUsage`` is taken apart into one call a model; it also counts subagents. Where it is
    missing, or tells less than ``usage``, the session is one call. Anthropic's ``input_tokens``
    leave cache reads and writes out, ours include them.
    """

    name = "claude"
    command: tuple[Any, ...] = (
        "claude", "-p", "--output-format", "stream-json", "--verbose", ("--model", "{model}"),
    )  # fmt: skip
    stdin: str | None = "{prompt}"

    def reader(self, lease_token: str) -> ProgramReader:
        """Return a reader for one session."""
        return ClaudeReader(lease_token)


class ClaudeReader(ProgramReader):
    """Reads one session; see :class:`Claude`."""

    def __init__(self, lease_token: str) -> None:
        super().__init__(lease_token)
        self._result: dict[str, Any] | None = None
        self._model: str | None = None
        self._messages: dict[str, tuple[str | None, Mapping[str, Any]]] = {}

    def line(self, text: str) -> None:
        """Take the next line: a message of the stream, or the result."""
        told = json_object(text)
        if told is not None:
            self._message(told)
        elif text.lstrip().startswith("["):
            self._array(text)
        super().line(text)

    def finish(self, whole: str | None) -> None:
        """Take a result that is spread over several lines, or a session that was broken off."""
        if self._result is None and whole is not None:
            if whole.lstrip().startswith("["):
                self._array(whole)
            elif (told := json_object(whole)) is not None:
                self._message(told)
        if self._result is None:
            self.calls += self._broken_off()

    def _array(self, text: str) -> None:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return
        for told in found if isinstance(found, list) else ():
            if isinstance(told, dict):
                self._message(told)

    def _message(self, told: dict[str, Any]) -> None:
        kind = told.get("type")
        if kind == "system" and isinstance(told.get("model"), str):
            self._model = told["model"]
        elif kind == "assistant" and isinstance(told.get("message"), dict):
            self._assistant(told["message"])
        elif kind == "result":
            self._result = told
            self.calls += self._calls_of(told)
            self.outcome = _outcome_of(told)

    def _assistant(self, message: dict[str, Any]) -> None:
        model = _word(message.get("model"))
        self._model = model or self._model
        usage = message.get("usage")
        if isinstance(usage, dict):
            # A message is repeated for each of its parts, with the same id and the same figures.
            self._messages[str(message.get("id"))] = (model, usage)
        self.note = f"message {len(self._messages)}"

    def _calls_of(self, result: dict[str, Any]) -> list[dict[str, Any]]:
        usage = result.get("usage")
        session = _session_figures(usage) if isinstance(usage, dict) else {}
        by_model = result.get("modelUsage")
        models = {
            name: _model_figures(used)
            for name, used in (by_model.items() if isinstance(by_model, dict) else ())
            if isinstance(used, dict)
        }
        told = sum(_total(figures) or 0 for figures in models.values())
        if not models or told < (_total(session) or 0):
            models = {self._main(models): session} if session else {}
        if not models:
            return []
        main = self._main(models)
        models[main] |= _ending(result)
        _carry_cost(models, main, amount(result, "total_cost_usd"))
        return [self._call(result, name, figures) for name, figures in models.items()]

    def _main(self, models: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the model of the main loop: the last to speak, else the one that wrote most."""
        if self._model is not None and (not models or self._model in models):
            return self._model
        return max(models, key=lambda name: models[name].get("output_tokens") or 0, default="")

    def _call(
        self, result: Mapping[str, Any], model: str, figures: dict[str, Any]
    ) -> dict[str, Any]:
        session = _word(result.get("session_id")) or "session"
        kept = ("session_id", "num_turns", "subtype", "uuid", "duration_ms", "total_cost_usd")
        return {
            "call_id": f"{self.lease_token}/{session}/{model or 'model'}",
            "model": model or None,
            "response_model": model or None,
            "provider": _PROVIDER,
            "total_tokens": _total(figures),
            "source_fields": {name: result[name] for name in kept if name in result},
            **figures,
        }

    def _broken_off(self) -> list[dict[str, Any]]:
        """
        Return one call a model from the messages of a session that never gave its result.

        Their input is measured; their output is what was written when each message began, so
        the split is inferred and no calibrator is offered it.
        """
        models: dict[str, dict[str, Any]] = {}
        for model, usage in self._messages.values():
            figures = _session_figures(usage)
            before = models.setdefault(str(model or self._model or ""), {})
            for name, figure in figures.items():
                before[name] = added(before.get(name), figure)
        partial = {"partial": True, "messages": len(self._messages)}
        return [
            {
                **self._call({}, model, figures),
                "split": "inferred",
                "source_fields": partial,
            }
            for model, figures in models.items()
        ]


def _session_figures(usage: Mapping[str, Any]) -> dict[str, Any]:
    read = whole(usage, "cache_read_input_tokens")
    written = whole(usage, "cache_creation_input_tokens")
    return {
        "input_tokens": added(whole(usage, "input_tokens"), read, written),
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        "output_tokens": whole(usage, "output_tokens"),
    }


def _model_figures(used: Mapping[str, Any]) -> dict[str, Any]:
    read, written = whole(used, "cacheReadInputTokens"), whole(used, "cacheCreationInputTokens")
    figures: dict[str, Any] = {
        "input_tokens": added(whole(used, "inputTokens"), read, written),
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        "output_tokens": whole(used, "outputTokens"),
    }
    return {**figures, "cost_usd": amount(used, "costUSD")}


def _ending(result: Mapping[str, Any]) -> dict[str, Any]:
    stop = result.get("stop_reason")
    duration_ms = number(result, "duration_api_ms") or number(result, "duration_ms")
    return {
        "stop_reason": stop if isinstance(stop, str) else None,
        "truncated": stop == _CUT_OFF if isinstance(stop, str) else None,
        "duration_s": None if duration_ms is None else duration_ms / 1000,
    }


def _carry_cost(models: dict[str, dict[str, Any]], main: str, session: Usd | None) -> None:
    """Let the costs of the calls add up to what the session cost."""
    if session is None:
        return
    others = total(f.get("cost_usd") for name, f in models.items() if name != main)
    models[main]["cost_usd"] = max(Usd(), session - others)


def _word(value: Any) -> str | None:
    """Return a text; None if it is none, or says nothing."""
    return value if isinstance(value, str) and value.strip() else None


def _total(figures: Mapping[str, Any]) -> int | None:
    return added(figures.get("input_tokens"), figures.get("output_tokens"))


def _outcome_of(result: Mapping[str, Any]) -> Completed | Failed:
    subtype = _word(result.get("subtype")) or "success"
    said = result.get("result")
    said = said if isinstance(said, str) else ""
    if subtype != "success" or result.get("is_error"):
        errors = result.get("errors")
        told = [str(one) for one in errors] if isinstance(errors, list) else []
        message = _word("; ".join(told)) or _word(said) or f"the session ended with {subtype}"
        code = subtype if subtype != "success" else "session_error"
        return Failed(code, message, failure_class=_CLASSES.get(subtype))
    if result.get("stop_reason") == _CUT_OFF:
        return Failed("truncated", "the last message was cut at the model's output limit")
    return Completed(outputs={"result": said} if said else {}, summary=said or None)
