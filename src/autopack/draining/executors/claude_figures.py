"""What a result of Claude Code says was used: calls by model, each new since the result before."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from autopack.draining.attempts.provider_responses import anthropic_figures
from autopack.draining.attempts.read_figures import (
    Figures,
    added,
    amount,
    number,
    unreadable,
    whole,
)
from autopack.draining.executors.session_calls import LaterCalls, SessionTotals
from autopack.draining.executors.token_figures import beyond, greatest, is_nothing, together, total
from autopack.events.usage import HOUR_WRITES, told_terms
from autopack.values.money import Usd
from autopack.values.money import total as total_usd

SYNTHETIC: Final = "<synthetic>"
"""The model of messages that the client wrote itself: no call was answered."""

_PROVIDERS: Final = {"firstParty": "anthropic"}
_VARIANT: Final = re.compile(r"\[[^\]]{0,20}\]$")
_NUMBER_MOST: Final = 2**53
_KEPT: Final = ("session_id", "num_turns", "subtype", "uuid", "duration_ms", "total_cost_usd")
_SESSION_NAMES: Final = (
    "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens",
)  # fmt: skip
_MODEL_NAMES: Final = (
    "inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens", "outputTokens",
    "thinkingTokens",
)  # fmt: skip


@attrs.frozen(kw_only=True)
class AboutModel:
    """What a result tells of a model besides its figures."""

    answered_as: str | None = None
    provider: str = "anthropic"
    max_tokens: int | None = None


@attrs.define
class ResultFigures:
    """
    Makes calls of the results of one process, one a model; the main model's comes last.

    ``model_usage_since_last_result`` says what is new. Without it ``modelUsage`` is a running sum:
    of the process, and if the session was gone on with, of the processes before it. Where it is
    missing or thin, ``usage`` is one call.

    Args:
        problem: Takes figures that are there and cannot be read, in words.
    """

    lease_token: str
    problem: Callable[[str], None]
    n_results: int = 0
    _sums: dict[str, Figures] = attrs.field(factory=dict)
    _duration_ms: float = 0.0

    def calls(
        self,
        result: Mapping[str, Any],
        main: str | None,
        more: Mapping[str, Any],
        *,
        seen_tokens: int = 0,
    ) -> list[dict[str, Any] | LaterCalls]:
        """
        Return the calls of the next result.

        Args:
            main: The model of the main loop, if it is known.
            more: What to keep in the main call's figures besides.
            seen_tokens: The input of the messages that the stream had by now.
        """
        self.n_results += 1
        usage = result.get("usage")
        turn = anthropic_figures(usage) if isinstance(usage, dict) else {}
        since, by_model = result.get("model_usage_since_last_result"), result.get("modelUsage")
        self._complain(usage, since if isinstance(since, dict) else by_model)
        maker = _Maker(self, result, main, _about(by_model), more)
        if isinstance(since, dict):
            new = _by_model(since)
            if not new and not by_model and self.n_results == 1 and not is_nothing(turn):
                new = {maker.main_of({}): turn}
            return maker.calls(new)
        sums = _by_model(by_model)
        if _is_thin(sums, turn):
            sums = {maker.main_of({}): turn} if turn else {}
        _carry_cost(sums, maker.main_of(sums), amount(result, "total_cost_usd"))
        return self._beyond_last(sums, turn, result, maker, seen_tokens)

    def _beyond_last(
        self,
        sums: dict[str, Figures],
        turn: Figures,
        result: Mapping[str, Any],
        maker: "_Maker",
        seen_tokens: int,
    ) -> list[dict[str, Any] | LaterCalls]:
        last = self._sums
        self._sums = {**last, **{m: greatest(f, last.get(m, {})) for m, f in sums.items()}}
        if last:
            return maker.calls({model: beyond(f, last.get(model, {})) for model, f in sums.items()})
        session = result.get("session_id")
        main = sums.get(maker.main_of(sums), {})
        if isinstance(session, str) and (total(main) or 0) > (total(turn) or 0) > 0:
            ordered = maker.ordered(sums)
            return [
                SessionTotals(
                    session_id=session,
                    figures=ordered,
                    turn=turn,
                    call=maker.call,
                    seen_tokens=seen_tokens,
                )
            ]
        return maker.calls(sums)

    def duration_s(self, result: Mapping[str, Any]) -> float | None:
        """Return how long the provider took since the result before."""
        told = number(result, "duration_api_ms") or number(result, "duration_ms")
        if told is None:
            return None
        before, self._duration_ms = self._duration_ms, max(told, self._duration_ms)
        return max(0.0, told - before) / 1000

    def _complain(self, usage: Any, by_model: Any) -> None:
        told = unreadable(usage, _SESSION_NAMES) if isinstance(usage, dict) else []
        for used in by_model.values() if isinstance(by_model, dict) else ():
            told += unreadable(used, _MODEL_NAMES) if isinstance(used, dict) else []
        for what in told:
            self.problem(what)


class _Maker:
    """Makes the calls of one result."""

    def __init__(
        self,
        figures: ResultFigures,
        result: Mapping[str, Any],
        main: str | None,
        about: Mapping[str, AboutModel],
        more: Mapping[str, Any],
    ) -> None:
        self._lease_token, self._n = figures.lease_token, figures.n_results
        self._result, self._main, self._about, self._more = result, main, about, more
        self._ending = {**_stop(result), "duration_s": figures.duration_s(result), **more}
        self._mains: str | None = None

    def main_of(self, models: Mapping[str, Figures]) -> str:
        """Return the model of the main loop: the last to speak, else the one that wrote most."""
        if self._main is not None and (not models or self._main in models):
            return self._main
        return max(models, key=lambda name: models[name].get("output_tokens") or 0, default="")

    def ordered(self, models: Mapping[str, Figures]) -> dict[str, Figures]:
        """Return the models, the main one last: what the last call says of its end decides."""
        self._mains = self.main_of(models)
        return dict(sorted(models.items(), key=lambda item: item[0] == self._mains))

    def calls(self, models: Mapping[str, Figures]) -> list[dict[str, Any] | LaterCalls]:
        """Return a call for each model that has used anything."""
        used = {model: figures for model, figures in models.items() if not is_nothing(figures)}
        return [self.call(model, figures) for model, figures in self.ordered(used).items()]

    def call(self, model: str, figures: Figures) -> dict[str, Any]:
        """Return one model's call."""
        session = _word(self._result.get("session_id"))
        more = dict(self._ending) if model == self._mains else {}
        kept = {name: self._result[name] for name in _KEPT if _is_kept(self._result.get(name))}
        kept |= more.pop("source_fields", {})
        usage = self._result.get("usage")
        if model == self._mains and isinstance(usage, dict):
            kept |= told_terms(usage)  # it is of the main loop
        about = self._about.get(model, AboutModel())
        call = call_of(self._lease_token, session, model, figures, kept)
        if self._n > 1:
            call["call_id"] += f"/{self._n}"
        if about.answered_as is not None:
            call["response_model"] = about.answered_as
        most = about.max_tokens
        if most is not None and (figures.get("output_tokens") or 0) < most:
            call["max_tokens"] = most
        return {**call, "provider": about.provider, **more}


def call_of(
    lease_token: str,
    session: str | None,
    model: str,
    figures: Figures,
    source_fields: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the call of a model in a session, as ``record_usage`` takes it."""
    found, kept = dict(figures), dict(source_fields)
    if hour := found.pop(HOUR_WRITES, None):
        kept[HOUR_WRITES] = hour
    if session is not None:
        kept["session_id"] = session
    return {
        "call_id": f"{lease_token}/{session or 'session'}/{model or 'model'}",
        "model": model or None,
        "response_model": model or None,
        "provider": "anthropic",
        "total_tokens": total(found),
        **found,
        "source_fields": kept,
    }


def model_name(name: Any) -> str | None:
    """Return a model's name without its variant (``[1m]``); None of what is no model's."""
    found = _word(name)
    if found is None or found == SYNTHETIC:
        return None
    return _VARIANT.sub("", found.strip()) or None


def _inner(given: Any, name: str) -> int | None:
    return whole(given, name) if isinstance(given, dict) else None


def _by_model(given: Any) -> dict[str, Figures]:
    """Return the figures by model; variants of one model are one."""
    found: dict[str, Figures] = {}
    for name, used in given.items() if isinstance(given, dict) else ():
        model = model_name(name)
        if isinstance(used, dict) and model is not None:
            figures = _model_figures(used)
            found[model] = together(found[model], figures) if model in found else figures
    return found


def _model_figures(used: Mapping[str, Any]) -> Figures:
    read, written = whole(used, "cacheReadInputTokens"), whole(used, "cacheCreationInputTokens")
    return {
        "input_tokens": added(whole(used, "inputTokens"), read, written),
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        HOUR_WRITES: whole(used, "cacheCreationEphemeral1hInputTokens"),
        "output_tokens": whole(used, "outputTokens"),
        "reasoning_tokens": whole(used, "thinkingTokens"),
        "cost_usd": amount(used, "costUSD"),
    }


def _about(given: Any) -> dict[str, AboutModel]:
    found: dict[str, AboutModel] = {}
    for name, used in given.items() if isinstance(given, dict) else ():
        model = model_name(name)
        if model is not None and isinstance(used, dict):
            provider = _word(used.get("provider")) or "firstParty"
            found[model] = AboutModel(
                answered_as=model_name(used.get("canonicalModel")),
                provider=_PROVIDERS.get(provider, provider),
                max_tokens=whole(used, "maxOutputTokens") or None,
            )
    return found


def _is_thin(models: Mapping[str, Figures], turn: Figures) -> bool:
    """
    Tell whether the figures by model lack the main one: they tell less than half of the turn.

    A turn may well tell more than the models: it counts streams that broke off.
    """
    told = sum(total(figures) or 0 for figures in models.values())
    return 2 * told < (total(turn) or 0) or not models


def _is_kept(value: Any) -> bool:
    """Tell whether a value can be kept as it is: a text, or a number of a usual size."""
    if isinstance(value, str):
        return True
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < _NUMBER_MOST


def _stop(result: Mapping[str, Any]) -> dict[str, Any]:
    stop = result.get("stop_reason")
    return {
        "stop_reason": stop if isinstance(stop, str) else None,
        "truncated": stop == "max_tokens" if isinstance(stop, str) else None,
    }


def _carry_cost(models: dict[str, Figures], main: str, session: Usd | None) -> None:
    """Let the costs of the calls add up to what the session cost."""
    if session is None or main not in models:
        return
    others = total_usd(f.get("cost_usd") for name, f in models.items() if name != main)
    models[main]["cost_usd"] = max(Usd(), session - others)


def _word(value: Any) -> str | None:
    """Return a text; None if it is none, or says nothing."""
    return value if isinstance(value, str) and value.strip() else None
