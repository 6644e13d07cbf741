"""A span as values, its ids, and the span of a call."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from autopack.events import LlmUsageRecorded

Attribute: TypeAlias = str | int | float | bool | tuple[str, ...]

OPERATION: Final = "chat"
_FIGURES: Final = {
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cache_read_tokens",
    "gen_ai.usage.cache_creation.input_tokens": "cache_write_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
    "gen_ai.usage.total_tokens": "total_tokens",
    "gen_ai.request.max_tokens": "max_tokens",
}
_WORDS: Final = {
    "gen_ai.provider.name": "provider",
    "gen_ai.system": "provider",
    "gen_ai.request.model": "request_model",
    "gen_ai.response.model": "response_model",
    "gen_ai.response.id": "call_id",
    "autopack.run.id": "run_id",
    "autopack.phase.id": "phase_id",
    "autopack.attempt": "attempt",
    "autopack.call.role": "role",
    "autopack.call.split": "split",
    "autopack.account": "account",
    "autopack.cost_source": "cost_source",
}


@attrs.frozen(kw_only=True)
class Span:
    """
    One span: its ids as bytes, its times in microseconds since 1970; no texts of the work.

    ``is_again`` tells that it was sent before, with other figures.
    """

    trace_id: bytes
    span_id: bytes
    parent_id: bytes | None
    name: str
    kind: Literal["internal", "client"] = "internal"
    start_us: int
    end_us: int
    attributes: Mapping[str, Attribute]
    error: str | None = None
    is_again: bool = False


def id_of(size: int, *names: object) -> bytes:
    """Return an id of so many bytes, which is always the same for the same names."""
    text = "\0".join(str(name) for name in names)
    return hashlib.sha256(f"autopack\0{text}".encode()).digest()[:size]


def call_span(
    event: LlmUsageRecorded,
    *,
    event_id: bytes,
    trace_id: bytes,
    parent_id: bytes | None,
    end_us: int,
    is_amended: bool,
) -> Span:
    """
    Return the span of a call, with its figures as they are known last; unknown ones are not told.

    It ends when the call was recorded. Without a duration it has none, and begins when it ends.
    """
    told: dict[str, Any] = {"gen_ai.operation.name": OPERATION}
    told |= {name: getattr(event, field) for name, field in {**_WORDS, **_FIGURES}.items()}
    if event.stop_reason:
        told["gen_ai.response.finish_reasons"] = (event.stop_reason,)
    if event.cost_usd is not None:
        told["autopack.cost_usd"] = f"{event.cost_usd:f}"
    told |= {"autopack.call.is_late": event.late, "autopack.call.is_amended": is_amended}
    model = event.request_model or event.response_model
    return Span(
        trace_id=trace_id,
        span_id=id_of(8, "call", event_id.hex()),
        parent_id=parent_id,
        name=f"{OPERATION} {model}" if model else OPERATION,
        kind="client",
        start_us=end_us - round((event.duration_s or 0) * 1e6),
        end_us=end_us,
        attributes={name: value for name, value in told.items() if value is not None},
    )
