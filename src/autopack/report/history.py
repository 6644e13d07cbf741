"""Events as lines: where, when, what, and the fields that tell the story."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from autopack.errors import CodecError
from autopack.errors.exact_figures import figure
from autopack.ports.log import Recorded, UnrecognisedEvent, from_us
from autopack.report.escaping import on_line

_TELLING: Final = (
    "attempt", "check", "verdict", "right", "worker", "code", "failure_class", "decision",
    "answer", "by", "outcome", "zero_yield_reason", "model", "request_model", "response_model",
    "call_id", "split", "late", "predicted_output_tokens", "actual_output_tokens",
    "budget_tokens", "input_tokens", "output_tokens", "total_tokens", "cost_usd", "from_tokens",
    "to_tokens", "tokens", "usd", "truncated", "duration_s", "timeout_s", "not_before",
    "estimator_version", "calibrator", "strategy", "executor", "account", "window", "utilization",
    "cause", "until", "resets_at", "given_up",
)  # fmt: skip
"""Fields that a line shows when they say anything, in this order."""

_NOT_RECOGNISED: Final = "not recognised: its plugin is absent, or the stored text is damaged"
_PROSE: Final = (
    "budget_basis", "reason", "message", "why", "forced_why", "question", "summary", "detail",
    "goal",
)  # fmt: skip
_PROSE_MOST: Final = 160
_SAYING_NOTHING: Final = frozenset({("split", "measured"), ("failure_class", "unknown")})
_SHORT_S: Final = 10.0


def history_line(recorded: Recorded[Any]) -> str:
    """Return one event as a line: position, time, place, type, then what is telling."""
    at = _moment(recorded.row[6], sep=" ", timespec="seconds").removesuffix("+00:00")
    place = recorded.stream.removeprefix("phase-")
    head = f"{recorded.position:>6}  {at}Z  {place}  {recorded.type}"
    details = ", ".join(telling(recorded.event))
    return on_line(f"{head}  {details}" if details else head)


def event_json(recorded: Recorded[Any]) -> dict[str, Any]:
    """Return an event with its envelope as JSON-simple values; its data as it is stored."""
    return {
        "position": recorded.position,
        "event_id": recorded.event_id.hex(),
        "stream": recorded.stream,
        "version": recorded.version,
        "type": recorded.type,
        "schema": recorded.schema,
        "occurred_at": _moment(recorded.row[6]),
        "recorded_at": _moment(recorded.row[7]),
        "meta": _data(recorded.row[8]) if recorded.row[8] else {},
        "data": _data(recorded.row[9]),
        "hash": recorded.hash.hex(),
    }


def telling(event: Any) -> Iterator[str]:
    """Yield what an event tells beside its place and type: its figures, then its words."""
    if isinstance(event, UnrecognisedEvent):
        yield _NOT_RECOGNISED
        return
    for name, value in _figures(event):
        is_figure = isinstance(value, float | Decimal)
        shown = figure(value) if is_figure else _short(str(value))
        yield f"{name} {shown}"
    yield from _prose(event)


def in_words(event: Any) -> Iterator[str]:
    """Yield the same as people say it: units behind figures; no name of a call, no model twice."""
    if isinstance(event, UnrecognisedEvent):
        yield _NOT_RECOGNISED
        return
    told = dict(_figures(event))
    told.pop("call_id", None)
    if told.get("response_model") == told.get("request_model"):
        told.pop("response_model", None)
    for name, value in told.items():
        if (name, str(value)) not in _SAYING_NOTHING:
            yield _worded(name, value)
    yield from _prose(event)


def _worded(name: str, value: Any) -> str:
    words, _, unit = name.rpartition("_")
    said = words.replace("_", " ")
    if value is True:
        return name.replace("_", " ")
    if unit == "tokens":
        return f"{said} {value:,} tokens".lstrip()
    if unit == "usd":
        return f"{figure(value)} USD"
    if unit == "s" and words:
        return f"{said} {value:,.1f} s" if value >= _SHORT_S else f"{said} {value:.3g} s"
    if name == "request_model":
        return f"model {_short(str(value))}"
    shown = figure(value) if isinstance(value, float | Decimal) else _short(str(value))
    return f"{name.replace('_', ' ')} {shown}"


def _figures(event: Any) -> Iterator[tuple[str, Any]]:
    for name in _TELLING:
        value = getattr(event, name, None)
        if value not in (None, "", False):
            yield name, value


def _prose(event: Any) -> Iterator[str]:
    for name in _PROSE:
        text = getattr(event, name, None)
        if isinstance(text, str) and text:
            yield _short(text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _PROSE_MOST else f"{line[: _PROSE_MOST - 3]}..."


def _data(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return text


def _moment(us: int, **form: Any) -> str:
    """Return a stored time in ISO 8601, or as it is stored where no calendar has it."""
    try:
        return from_us(us).isoformat(**form)
    except CodecError:
        return f"{us} us"
