"""Anthropic's message batches: requests by ids of ours, and results by the same."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autopack import Failed
from autopack.draining.executors.batch_executor import Answered, BatchLook, earlier
from autopack.draining.executors.model_answers import ModelAnswer

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic


async def send(client: "AsyncAnthropic", requests: Mapping[str, Any]) -> str:
    """Send requests as one batch, and return its id."""
    given: Any = [{"custom_id": name, "params": dict(one)} for name, one in requests.items()]
    return (await client.messages.batches.create(requests=given)).id


async def find(client: "AsyncAnthropic", request_id: str, since: float) -> str | None:
    """
    Return the batch that has a request, if one was made since then; a text without any sign says
    that one may: what is in a batch is told only once it has ended.
    """
    is_unsure = False
    async for batch in client.messages.batches.list(limit=100):
        if batch.created_at.timestamp() < earlier(since):
            break
        if batch.processing_status != "ended":
            is_unsure = True
            continue
        if batch.results_url and request_id in await _answers(client, batch.id):
            return batch.id
    return "" if is_unsure else None


async def look(client: "AsyncAnthropic", batch_id: str) -> BatchLook:
    """Return how a batch stands, with its answers once it is over."""
    batch = await client.messages.batches.retrieve(batch_id)
    if batch.processing_status != "ended":
        return BatchLook()
    return BatchLook(await _answers(client, batch_id))


def fill(told: Mapping[str, Any], answer: ModelAnswer) -> None:
    """Take over what a message says."""
    answer.stop_reason = told.get("stop_reason")
    details = told.get("stop_details")
    if answer.stop_reason == "refusal" and isinstance(details, Mapping):
        answer.refusal = str(details.get("explanation") or "")
    for block in told["content"]:
        if block.get("type") == "text":
            answer.write(block["text"])


async def _answers(client: "AsyncAnthropic", batch_id: str) -> dict[str, Answered]:
    found: dict[str, Answered] = {}
    async for one in await client.messages.batches.results(batch_id):
        name, result = getattr(one, "custom_id", None), getattr(one, "result", None)
        if isinstance(name, str):
            found[name] = _answer(result)
    return found


def _answer(result: Any) -> Answered:
    kind = getattr(result, "type", None)
    message = getattr(result, "message", None)
    if kind == "succeeded" and message is not None:
        return Answered(message.model_dump(mode="json"))
    if kind == "expired":
        why = "the batch expired before this request was answered"
        return Answered(
            failure=Failed("batch_expired", why, retryable=True, failure_class="overloaded")
        )
    if kind == "canceled":
        why = "the batch was cancelled at its provider before this request was answered"
        return Answered(
            failure=Failed("batch_cancelled", why, retryable=False, failure_class="execution")
        )
    error = getattr(getattr(result, "error", None), "error", None)
    code = getattr(error, "type", None) or "batch_error"
    said = getattr(error, "message", None) or "the batch has an error for this request"
    return Answered(failure=Failed(code, said, source_fields={"error": code, "said": said}))
