"""Importer ``otel``: spans by OpenTelemetry's conventions for generative AI, old and new."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final

from autopack.draining.attempts.read_figures import added
from autopack.events.usage import BUILDER, told_terms
from autopack_histories.calls import HELPER, Call, counts, inner, word
from autopack_histories.importer import FileImporter
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.records import records_of
from autopack_histories.sessions import About, Entry, Sessions

_SNIFFED: Final = 64
_COUNTS: Final = {
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cache_read_tokens",
    "gen_ai.usage.cache_creation.input_tokens": "cache_write_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
    "gen_ai.usage.total_tokens": "total_tokens",
}
_OLD: Final = {
    "gen_ai.usage.prompt_tokens": "input_tokens",
    "gen_ai.usage.completion_tokens": "output_tokens",
    "llm.usage.prompt_tokens": "input_tokens",
    "llm.usage.completion_tokens": "output_tokens",
    "llm.usage.total_tokens": "total_tokens",
    "llm.token_count.prompt": "input_tokens",
    "llm.token_count.completion": "output_tokens",
    "gen_ai.usage.cache_read_input_tokens": "cache_read_tokens",
    "gen_ai.usage.cache_creation_input_tokens": "cache_write_tokens",
    "gen_ai.usage.reasoning_tokens": "reasoning_tokens",
}
_TIERS: Final = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")
_CALLS: Final = frozenset({
    "chat", "text_completion", "completion", "generate_content", "embeddings", "response",
})  # fmt: skip
_EMBEDDINGS: Final = "embeddings"
_ERROR_CODES: Final = frozenset({"2", "ERROR", "STATUS_CODE_ERROR", "StatusCode.ERROR"})


class OpenTelemetry(FileImporter):
    """
    Reads OTLP as JSON, a document or a line an export, and what the SDKs' console exporters print.

    A span of a model's operation is a call; spans of agents and tools repeat what their calls
    tell. A span without figures, which did not fail, is a call of unknown use.
    """

    name: ClassVar[str] = "otel"

    def is_named(self, name: str) -> bool:
        """Tell whether a file may hold spans."""
        return name.removesuffix(".gz").endswith((".jsonl", ".ndjson", ".json"))

    def is_mine(self, path: Path) -> bool:
        """Tell whether one of the first records holds spans of a model's operation."""
        first = islice(records_of(path, Notes()), _SNIFFED)
        return any(_is_of_model(span["attributes"]) for one in first for span in spans_of(one))

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of a file."""
        sessions = Sessions(self.name, notes)
        for record in records_of(path, notes):
            n_spans = 0
            for span in spans_of(record):
                n_spans += 1
                if _is_of_model(span["attributes"]):
                    _take(span, sessions, notes)
                    yield from sessions.take()
                else:
                    notes.saw("spans of other things")
            if not n_spans:
                notes.set_aside("records without spans")
        sessions.end()
        yield from sessions.take()


def spans_of(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a record's spans, each with its attributes as a table."""
    groups = record.get("resourceSpans", record.get("resource_spans"))
    if groups is None:
        if isinstance(record.get("attributes"), dict | list):
            yield {**record, "attributes": _table(record["attributes"])}
        return
    for group in _tables(groups):
        scopes = group.get("scopeSpans", group.get("scope_spans"))
        for scope in _tables(scopes or group.get("instrumentationLibrarySpans")):
            for span in _tables(scope.get("spans")):
                yield {**span, "attributes": _table(span.get("attributes"))}


def _tables(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _table(attributes: Any) -> dict[str, Any]:
    """Return attributes by name, be they a table, or OTLP's list of keys and typed values."""
    if isinstance(attributes, dict):
        return attributes
    told = [one for one in _tables(attributes) if isinstance(one.get("key"), str)]
    return {one["key"]: _value(one.get("value")) for one in told}


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kinds = ((kind.replace("_", "").lower(), found) for kind, found in value.items())
    kind, found = next((one for one in kinds if one[0].endswith("value")), ("", None))
    if kind == "intvalue" and isinstance(found, str):
        return int(found) if found.lstrip("-").isdecimal() else found
    if kind == "arrayvalue":
        values = found.get("values") if isinstance(found, dict) else None
        return [_value(one) for one in values] if isinstance(values, list) else []
    return found


def _is_of_model(attributes: Mapping[str, Any]) -> bool:
    return any(name.startswith(("gen_ai.", "llm.")) for name in attributes)


def _take(span: Mapping[str, Any], sessions: Sessions, notes: Notes) -> None:
    attributes = span["attributes"]
    operation = word(attributes.get("gen_ai.operation.name")) or word(
        attributes.get("llm.request.type")
    )
    if operation is not None and operation not in _CALLS:
        notes.saw("spans of agents and tools, whose calls tell the same")
        return
    figures = _figures(attributes)
    if figures is None:
        notes.set_aside("calls with counts that are none")
        return
    if not figures and _has_failed(span, attributes):
        notes.saw("requests that failed")
        return
    trace, own = _ids(span)
    key = word(attributes.get("gen_ai.response.id")) or own
    if key is None:
        notes.set_aside("calls that nothing names")
        return
    if not figures:
        notes.saw("calls whose figures nobody told")
    _call(span, key, trace, figures, operation, sessions)


def _call(
    span: Mapping[str, Any],
    key: str,
    trace: str | None,
    figures: dict[str, Any],
    operation: str | None,
    sessions: Sessions,
) -> None:
    attributes = span["attributes"]
    began = moment(_first(span, "startTimeUnixNano", "start_time_unix_nano", "start_time"))
    ended = moment(_first(span, "endTimeUnixNano", "end_time_unix_nano", "end_time"))
    session = word(attributes.get("gen_ai.conversation.id")) or word(attributes.get("session.id"))
    reasons = attributes.get("gen_ai.response.finish_reasons")
    most = attributes.get("gen_ai.request.max_tokens")
    run = session or trace
    if run is None:
        sessions.end()
    else:
        sessions.session(run, About(at=began))
    sessions.call(
        Call(
            key=key,
            provider=word(
                _first(attributes, "gen_ai.provider.name", "gen_ai.system", "llm.vendor")
            ),
            figures=figures,
            at=ended or began,
            model=word(_first(attributes, "gen_ai.response.model", "llm.model_name")),
            asked_model=word(_first(attributes, "gen_ai.request.model", "llm.request.model")),
            role=word(attributes.get("autopack.call.role"))
            or (HELPER if operation == _EMBEDDINGS else BUILDER),
            split=_split(attributes, figures),
            stop_reason=word(reasons[0]) if isinstance(reasons, list) and reasons else None,
            max_tokens=most if type(most) is int and most > 0 else None,
            duration_s=((ended - began).total_seconds() or None) if began and ended else None,
            source_fields=told_terms({"service_tier": _first(attributes, *_TIERS)}),
        )
    )


def _split(attributes: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """Return how input and output were told apart: as it is said, or by what is there."""
    told = attributes.get("autopack.call.split")
    if told in ("measured", "inferred", "total_only"):
        return str(told)
    parts = figures.get("input_tokens"), figures.get("output_tokens")
    is_sum = parts == (None, None) and figures.get("total_tokens") is not None
    return "total_only" if is_sum else "measured"


def _figures(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a span's figures; None if a count is there that is none."""
    new, old = counts(attributes, _COUNTS), counts(attributes, _OLD)
    if new is None or old is None:
        return None
    found: dict[str, Any] = {**old, **new}
    given = found.get("input_tokens")
    cached = added(found.get("cache_read_tokens"), found.get("cache_write_tokens")) or 0
    if given is not None and cached > given:  # told without what the cache held
        found["input_tokens"] = given + cached
    parts = found.get("input_tokens"), found.get("output_tokens")
    is_whole = None not in parts or attributes.get("gen_ai.operation.name") == _EMBEDDINGS
    if found and is_whole:  # what nobody told is not 0
        found["total_tokens"] = added(*parts)
    return found


def _has_failed(span: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:
    status = span.get("status")
    code = _first(status, "status_code", "code") if isinstance(status, dict) else None
    return "error.type" in attributes or str(code) in _ERROR_CODES


def _ids(span: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the ids of a span's trace, and of the span within it."""
    trace = word(_first(span, "traceId", "trace_id")) or word(inner(span, "context", "trace_id"))
    own = word(_first(span, "spanId", "span_id")) or word(inner(span, "context", "span_id"))
    trace = None if trace is None else trace.removeprefix("0x")
    return trace, None if own is None else f"{trace or ''}/{own.removeprefix('0x')}"


def _first(table: Mapping[str, Any], *names: str) -> Any:
    return next((table[name] for name in names if table.get(name) is not None), None)
