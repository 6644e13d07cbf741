"""A message as it is streamed, put together into an answer in the provider's form."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autopack.draining.executors.model_answers import ModelAnswer

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic


async def message(client: "AsyncAnthropic", fields: Mapping[str, Any], answer: ModelAnswer) -> None:
    """Make the call, and fill *answer* with each event as it comes."""
    answer.told["type"] = "message"
    async with await client.messages.create(**fields, stream=True) as stream:
        async for event in stream:
            _take(event, answer)


def _take(event: Any, answer: ModelAnswer) -> None:
    """Take an event; what a server leaves out, or has otherwise, is not there."""
    told, text = answer.told, None
    match getattr(event, "type", None):
        case "message_start":
            begun = getattr(event, "message", None)
            told["id"], told["model"] = getattr(begun, "id", None), getattr(begun, "model", None)
            _add(told, getattr(begun, "usage", None))
        case "content_block_delta":
            text = getattr(getattr(event, "delta", None), "text", None)
        case "message_delta":
            _add(told, getattr(event, "usage", None))
            _end(getattr(event, "delta", None), answer)
    answer.write(text)


def _add(told: dict[str, Any], usage: Any) -> None:
    """Take figures: those of the end are of the whole call, and leave out what has not changed."""
    if hasattr(usage, "model_dump"):
        usage = usage.model_dump()
    if isinstance(usage, Mapping):
        known = {name: count for name, count in usage.items() if count is not None}
        told["usage"] = {**told.get("usage", {}), **known}


def _end(delta: Any, answer: ModelAnswer) -> None:
    reason = getattr(delta, "stop_reason", None)
    if not reason:
        return
    answer.stop_reason, answer.is_whole = reason, True
    answer.told["stop_reason"] = reason
    why = getattr(getattr(delta, "stop_details", None), "explanation", None)
    if reason == "refusal" and isinstance(why, str):
        answer.refusal = why
