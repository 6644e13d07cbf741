"""
What a provider's answer says of its usage, by whose convention it is written.

Nothing is imported for it: an answer is a table, JSON text, or an object with fields. Sources: the
API references of OpenAI (chat completions and responses), Anthropic (messages), Google (Gemini,
``UsageMetadata``) and Amazon (Bedrock, ``Converse``); litellm and most others answer as the first.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from autopack.draining.attempts.read_figures import Figures, added, amount, whole
from autopack.errors import InvalidInputError
from autopack.events.usage import HOUR_WRITES, told_terms

_TEXT_MOST: Final = 64_000_000
_SHOWN_MOST: Final = 12
_DUMPS: Final = ("model_dump", "to_dict", "dict")
READ_AS: Final = "read_as"
"""In ``source_fields`` of a call: by whose convention its answer was read."""


def figures_of(response: Any) -> dict[str, Any]:
    """
    Return an answer as the arguments of ``record_usage``; what it does not tell is left out.

    Raises:
        InvalidInputError: It is no answer of a known convention; says what it holds.
    """
    told = table_of(response)
    for name, (is_meant, read) in _CONVENTIONS.items():
        if is_meant(told):
            found = read(told)
            found["call_id"] = _text(told, "id", "responseId", "response_id") or _text(
                _table(told.get("ResponseMetadata")), "RequestId"
            )
            found["response_model"] = _text(told, "model", "modelVersion", "model_version")
            source = {READ_AS: name, **told_terms(_usage(told)), **told_terms(told)}
            if found.get(HOUR_WRITES) is not None:
                source[HOUR_WRITES] = found[HOUR_WRITES]
            found.pop(HOUR_WRITES, None)
            kept = {key: value for key, value in found.items() if value is not None}
            return {**kept, "source_fields": source}
    names = ", ".join(list(map(str, told))[:_SHOWN_MOST]) or "nothing"
    raise InvalidInputError(
        f"This answer is of no convention that is known ({', '.join(_CONVENTIONS)}): it holds "
        f"{names}. Give its figures by their names to record_usage().",
        name="response",
        value=told,
    )


def told_by(response: Any, model: str | None, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as the arguments of ``record_usage``, with what is known better."""
    found = figures_of(response)
    more = figures.get("source_fields") or {}
    given = {**found, **figures, "source_fields": {**found["source_fields"], **more}}
    return {**given, "model": model or given.get("response_model")}


def table_of(response: Any) -> Mapping[str, Any]:
    """
    Return an answer as a table: JSON text is parsed, an object gives its fields.

    Raises:
        InvalidInputError: It is neither.
    """
    if isinstance(response, str | bytes) and len(response) <= _TEXT_MOST:
        try:
            response = json.loads(response)
        except (ValueError, RecursionError) as fault:
            raise InvalidInputError(
                f"The answer is a text, and no JSON: {fault}.", name="response", value=response
            ) from fault
    if isinstance(response, Mapping):
        return response
    for name in _DUMPS:
        dump = getattr(response, name, None)
        found = dump() if callable(dump) and not isinstance(response, type) else None
        if isinstance(found, Mapping):
            return found
    if hasattr(response, "__dict__"):
        return {name: _plain(value) for name, value in vars(response).items()}
    raise InvalidInputError(
        f"The answer is a {type(response).__name__}: give the provider's answer as it is, a table "
        "or JSON.",
        name="response",
        value=response,
    )


def anthropic_figures(usage: Mapping[str, Any]) -> Figures:
    """Return a ``usage`` as ours: Anthropic's ``input_tokens`` leave the cache out."""
    read = whole(usage, "cache_read_input_tokens")
    written = whole(usage, "cache_creation_input_tokens")
    return {
        "input_tokens": added(whole(usage, "input_tokens"), read, written),
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        HOUR_WRITES: _inner(usage, "cache_creation", "ephemeral_1h_input_tokens"),
        "output_tokens": whole(usage, "output_tokens"),
        "reasoning_tokens": _inner(usage, "output_tokens_details", "thinking_tokens"),
    }


def _anthropic(told: Mapping[str, Any]) -> dict[str, Any]:
    return {**anthropic_figures(_usage(told)), "stop_reason": _text(told, "stop_reason")}


def _openai_chat(told: Mapping[str, Any]) -> dict[str, Any]:
    usage, hidden = _usage(told), told.get("_hidden_params")
    choice = _first(told, "choices")
    found = {
        "input_tokens": whole(usage, "prompt_tokens"),
        "cache_read_tokens": _inner(usage, "prompt_tokens_details", "cached_tokens"),
        "output_tokens": whole(usage, "completion_tokens"),
        "reasoning_tokens": _inner(usage, "completion_tokens_details", "reasoning_tokens"),
        "total_tokens": whole(usage, "total_tokens"),
        "stop_reason": _text(choice, "finish_reason"),
        "cost_usd": amount(usage, "cost"),
    }
    if found["cost_usd"] is None and isinstance(hidden, Mapping):  # litellm reckons it
        found["cost_usd"] = amount(hidden, "response_cost")
        found["cost_source"] = None if found["cost_usd"] is None else "unknown"
    return found


def _openai_responses(told: Mapping[str, Any]) -> dict[str, Any]:
    usage, why = _usage(told), told.get("incomplete_details")
    return {
        "input_tokens": whole(usage, "input_tokens"),
        "cache_read_tokens": _inner(usage, "input_tokens_details", "cached_tokens"),
        "output_tokens": whole(usage, "output_tokens"),
        "reasoning_tokens": _inner(usage, "output_tokens_details", "reasoning_tokens"),
        "total_tokens": whole(usage, "total_tokens"),
        "stop_reason": _text(_table(why), "reason") or _text(told, "status"),
    }


def _gemini(told: Mapping[str, Any]) -> dict[str, Any]:
    usage = _table(told.get("usageMetadata") or told.get("usage_metadata"))

    def count(name: str) -> int | None:
        snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
        return whole({name: usage.get(name, usage.get(snake))}, name)

    candidate = _first(told, "candidates")
    thoughts = count("thoughtsTokenCount")
    return {
        "input_tokens": added(count("promptTokenCount"), count("toolUsePromptTokenCount")),
        "cache_read_tokens": count("cachedContentTokenCount"),
        "output_tokens": added(count("candidatesTokenCount"), thoughts),
        "reasoning_tokens": thoughts,
        "total_tokens": count("totalTokenCount"),
        "stop_reason": _text(candidate, "finishReason", "finish_reason"),
    }


def _bedrock(told: Mapping[str, Any]) -> dict[str, Any]:
    usage = _usage(told)
    read, written = whole(usage, "cacheReadInputTokens"), whole(usage, "cacheWriteInputTokens")
    return {
        "input_tokens": added(whole(usage, "inputTokens"), read, written),
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        "output_tokens": whole(usage, "outputTokens"),
        "stop_reason": _text(told, "stopReason"),
    }


def _usage(told: Mapping[str, Any]) -> Mapping[str, Any]:
    return _table(told.get("usage"))


def _has(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda told: any(name in _usage(told) for name in names)


_CONVENTIONS: Final[
    dict[
        str,
        tuple[
            Callable[[Mapping[str, Any]], bool],
            Callable[[Mapping[str, Any]], dict[str, Any]],
        ],
    ]
] = {
    "openai chat": (
        lambda told: (
            "prompt_tokens" in _usage(told)
            or str(told.get("object", "")).startswith("chat.completion")
        ),
        _openai_chat,
    ),
    "openai responses": (lambda told: told.get("object") == "response", _openai_responses),
    "gemini": (lambda told: "usageMetadata" in told or "usage_metadata" in told, _gemini),
    "bedrock converse": (_has("inputTokens", "outputTokens"), _bedrock),
    "anthropic": (
        lambda told: told.get("type") == "message" or _has("input_tokens", "output_tokens")(told),
        _anthropic,
    ),
}
"""Each known convention: by what an answer of it is known, and how it is read; the first counts."""


def _plain(value: Any) -> Any:
    """Return an object within an answer as a table of its fields."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    is_simple = value is None or isinstance(value, str | int | float | Mapping)
    return value if is_simple or not hasattr(value, "__dict__") else table_of(value)


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _inner(usage: Mapping[str, Any], part: str, name: str) -> int | None:
    return whole(_table(usage.get(part)), name)


def _first(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return _table(found[0]) if isinstance(found, list | tuple) and found else {}


def _text(told: Mapping[str, Any], *names: str) -> str | None:
    """Return the first text under these names; an enumeration's value is one."""
    values = (getattr(told.get(name), "value", told.get(name)) for name in names)
    return next((value for value in values if isinstance(value, str) and value), None)
