"""Exporter ``otlp``: a log's spans in a file, a line of OTLP JSON each."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Final, Protocol

from autopack import Recorded
from autopack.events import LlmUsageAmended
from autopack.types import ExportSource
from autopack_otel.folding import SpanFold, last_figures
from autopack_otel.spans import Attribute, Span

_KINDS: Final = {"internal": 1, "client": 3}
_RESOURCE: Final = {"attributes": [{"key": "service.name", "value": {"stringValue": "autopack"}}]}


class OtlpLines:
    """The spans of every run, as a collector's file exporter writes them."""

    name = "otlp"
    counts = "spans"

    def write(self, source: ExportSource, file: BinaryIO) -> int:
        """Write every span once, with the figures that amendments gave last; return how many."""
        n_spans = 0
        for span in spans_of(source.identity.origin_id, source.events):
            file.write(json.dumps(request_of(span), ensure_ascii=False).encode() + b"\n")
            n_spans += 1
        return n_spans


class Events(Protocol):
    """Yields a log's events from the first one, those of some classes if any are named."""

    def __call__(self, *, types: Iterable[type] | None = None) -> Iterator[Recorded[Any]]:
        """Return them; called twice."""


def spans_of(origin: str, events: Events) -> Iterator[Span]:
    """Yield the spans of a log; kept are its phases, and what amendments changed."""
    figures = last_figures(events(types=[LlmUsageAmended]))
    fold = SpanFold(origin, figures=figures)
    for recorded in events():
        yield from fold.take(recorded)
    yield from fold.rest()


def request_of(span: Span) -> dict[str, Any]:
    """Return a span as a request of the protocol in JSON, where ids are hexadecimal digits."""
    told: dict[str, Any] = {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": f"{span.start_us * 1000}",
        "endTimeUnixNano": f"{span.end_us * 1000}",
        "attributes": [{"key": k, "value": _value(v)} for k, v in span.attributes.items()],
    }
    if span.parent_id is not None:
        told["parentSpanId"] = span.parent_id.hex()
    if span.error is not None:
        told["status"] = {"code": 2, "message": span.error}
    scope = {"scope": {"name": "autopack"}, "spans": [told]}
    return {"resourceSpans": [{"resource": _RESOURCE, "scopeSpans": [scope]}]}


def _value(value: Attribute) -> dict[str, Any]:
    if isinstance(value, tuple):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
