"""OpenAI's batches: a file of requests, and files of answers and errors."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from autopack import Failed
from autopack.draining.executors.batch_executor import Answered, BatchLook, earlier
from autopack.draining.executors.model_answers import ModelAnswer

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_GROUP: Final = "autopack"
_CHAT: Final = "/v1/chat/completions"
_OVER: Final = frozenset({"completed", "failed", "expired", "cancelled"})


async def send(client: "AsyncOpenAI", group: str, requests: Mapping[str, Any]) -> str:
    """Send requests as one batch, with our name of it in its metadata; return its id."""
    lines = (
        json.dumps(
            {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": one}
        )
        for name, one in requests.items()
    )
    file = ("autopack.jsonl", io.BytesIO("\n".join(lines).encode()))
    given = await client.files.create(file=file, purpose="batch")
    batch = await client.batches.create(
        input_file_id=given.id,
        endpoint=_CHAT,
        completion_window="24h",
        metadata={_GROUP: group},
    )
    return batch.id


async def find(client: "AsyncOpenAI", group: str, since: float) -> str | None:
    """Return the batch with our name in its metadata, if one was made since then."""
    async for batch in client.batches.list(limit=100):
        if (batch.metadata or {}).get(_GROUP) == group:
            return batch.id
        if batch.created_at < earlier(since):
            return None
    return None


async def look(client: "AsyncOpenAI", batch_id: str) -> BatchLook:
    """Return how a batch stands, with its answers once it is over."""
    batch = await client.batches.retrieve(batch_id)
    if batch.status not in _OVER:
        return BatchLook()
    answers: dict[str, Answered] = {}
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        text = (await client.files.content(file_id)).text
        answers.update(_answers(text))
    return BatchLook(answers, _missing(batch))


def fill(told: Mapping[str, Any], answer: ModelAnswer) -> None:
    """Take over what a chat completion says."""
    choice = told["choices"][0]
    message, answer.stop_reason = choice["message"], choice.get("finish_reason")
    answer.refusal = message.get("refusal") or ""
    answer.write(message.get("content"))


def _answers(text: str) -> Iterator[tuple[str, Answered]]:
    for line in text.splitlines():
        try:
            told = json.loads(line)
            name = str(told["custom_id"])
        except (ValueError, LookupError, TypeError):
            continue  # whose answer it is, nobody can say: its request has none
        yield name, _answer(told)


def _answer(told: Mapping[str, Any]) -> Answered:
    response = told.get("response")
    response = response if isinstance(response, Mapping) else {}
    body, status = response.get("body"), response.get("status_code")
    if status == 200 and isinstance(body, Mapping):
        return Answered(body)
    error = told.get("error") or (body.get("error") if isinstance(body, Mapping) else None)
    return Answered(failure=_refused(error if isinstance(error, Mapping) else {}, status))


def _refused(error: Mapping[str, Any], status: Any) -> Failed:
    code = str(error.get("code") or error.get("type") or "batch_error")
    said = str(error.get("message") or f"the batch has an error for this request ({status})")
    if code == "batch_expired":
        return Failed(code, said, retryable=True, failure_class="overloaded")
    facts: dict[str, Any] = {"error": code, "said": said}
    if isinstance(status, int):
        facts["http_status"] = status
    return Failed(code, said, source_fields=facts)


def _missing(batch: Any) -> Failed:
    """Return why a batch that is over may hold no answer to a request."""
    if batch.status == "expired":
        why = f"batch {batch.id} expired before this request was answered"
        return Failed("batch_expired", why, retryable=True, failure_class="overloaded")
    if batch.status == "cancelled":
        why = f"batch {batch.id} was cancelled at its provider"
        return Failed("batch_cancelled", why, retryable=False, failure_class="execution")
    if batch.status == "failed":
        errors = getattr(batch.errors, "data", None) or [None]
        code = getattr(errors[0], "code", None) or "batch_failed"
        said = getattr(errors[0], "message", None) or "no reason was told"
        why = f"batch {batch.id} was refused: {said}"
        return Failed("batch_failed", why, source_fields={"error": code, "said": said})
    return BatchLook().missing
