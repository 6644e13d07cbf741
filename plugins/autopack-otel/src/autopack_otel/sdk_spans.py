"""Spans as the OpenTelemetry SDK has them."""

from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from autopack_otel.spans import Span

_KINDS: Final = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}
_SCOPE: Final = InstrumentationScope("autopack")
_UNSET: Final = Status(StatusCode.UNSET)


def resource() -> Resource:
    """Return what sends: the service ``autopack``, unless the environment names another."""
    given = Resource.create()
    named = given.attributes.get("service.name", "")
    if not str(named).startswith("unknown_service"):
        return given
    return given.merge(Resource({"service.name": "autopack"}))


def sdk_span(span: Span, sender: Resource) -> ReadableSpan:
    """Return a span with its own ids; the SDK would draw others."""
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id),
        parent=None if span.parent_id is None else _context(span.trace_id, span.parent_id),
        resource=sender,
        attributes=dict(span.attributes),
        kind=_KINDS[span.kind],
        status=_UNSET if span.error is None else Status(StatusCode.ERROR, span.error),
        start_time=span.start_us * 1000,
        end_time=span.end_us * 1000,
        instrumentation_scope=_SCOPE,
    )


def _context(trace_id: bytes, span_id: bytes) -> SpanContext:
    return SpanContext(
        int.from_bytes(trace_id),
        int.from_bytes(span_id),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
