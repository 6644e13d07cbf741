"""What ``llm`` tells of a response, in a form that ``Attempt.record_response`` reads."""

from collections.abc import Mapping
from typing import Any

from autopack.draining.executors.model_answers import ModelAnswer


def take(response: Any, usage: Any, answer: ModelAnswer) -> None:
    """Take what is known of a response that came to its end."""
    raw = getattr(response, "response_json", None)
    raw = raw if isinstance(raw, Mapping) else {}
    answer.is_whole, answer.stop_reason = True, finish_of(raw)
    details = usage.details if isinstance(usage.details, Mapping) else {}
    counts = {"prompt_tokens": usage.input, "completion_tokens": usage.output}
    answer.told.update(
        object="chat.completion",
        id=raw.get("id"),
        model=getattr(response, "resolved_model", None) or raw.get("model"),
        service_tier=raw.get("service_tier"),
        usage={**details, **{name: n for name, n in counts.items() if n is not None}},
        choices=[{"finish_reason": answer.stop_reason}],
    )


def finish_of(raw: Mapping[str, Any]) -> str | None:
    """Return why an answer ended, as its provider said it, or None."""
    places = [raw]
    for name in ("choices", "candidates"):
        found = raw.get(name)
        if isinstance(found, list) and found and isinstance(found[0], Mapping):
            places.append(found[0])
    for place in places:
        for name in ("finish_reason", "stop_reason", "finishReason", "done_reason"):
            if isinstance(reason := place.get(name), str):
                return reason
    return None
