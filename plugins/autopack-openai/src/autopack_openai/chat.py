"""A chat completion as it is streamed, put together into an answer in the provider's form."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from autopack.draining.executors.model_answers import ModelAnswer

if TYPE_CHECKING:
    from openai import AsyncOpenAI


async def chat(client: "AsyncOpenAI", fields: Mapping[str, Any], answer: ModelAnswer) -> None:
    """Make the call, and fill *answer* with each piece as it comes."""
    answer.told["object"] = "chat.completion"
    async with await client.chat.completions.create(**fields, stream=True) as stream:
        async for chunk in stream:
            _take(chunk, answer)


def _take(chunk: Any, answer: ModelAnswer) -> None:
    """Take a piece; what a server leaves out, or has otherwise, is not there."""
    told = answer.told
    for name in ("id", "model", "service_tier"):
        told[name] = told.get(name) or getattr(chunk, name, None)
    usage, choices = getattr(chunk, "usage", None), getattr(chunk, "choices", None) or ()
    if usage is not None:  # some tell it with each piece; by itself it is the last thing told
        answer.is_whole = answer.is_whole or not choices
        told["usage"] = usage.model_dump() if hasattr(usage, "model_dump") else usage
    text = None
    for choice in choices:
        delta, reason = getattr(choice, "delta", None), getattr(choice, "finish_reason", None)
        if reason:
            answer.stop_reason, answer.is_whole = reason, True
            told["choices"] = [{"finish_reason": reason}]
        answer.refusal += getattr(delta, "refusal", None) or ""
        text = getattr(delta, "content", None)
    answer.write(text)


def refused_field(fault: Exception, fields: Mapping[str, Any]) -> str | None:
    """Return which of the fields that we add of ourselves a server does not know; None if none."""
    if getattr(fault, "status_code", None) not in (400, 422):
        return None
    said, named = str(fault).lower(), getattr(fault, "param", None)
    if not any(word in said for word in _NOT_TAKEN):
        return None  # it is known, and too large
    names = [named] if isinstance(named, str) else [name for name in _OURS if name in said]
    return next((name for name in names if name in _OURS and name in fields), None)


_OURS: Final = ("max_completion_tokens", "max_tokens", "stream_options")
_NOT_TAKEN: Final = (
    "unsupported", "not supported", "unknown", "unrecognized", "unexpected", "extra inputs",
    "extra_forbidden", "not permitted", "not allowed",
)  # fmt: skip
