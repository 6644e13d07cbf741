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
    "to_tokens", "truncated", "duration_s", "timeout_s", "not_before", "estimator_version",
    "calibrator", "strategy", "executor", "account", "window", "utilization", "cause", "until",
    "resets_at", "given_up",
)  # fmt: skip
"""Fields that a line shows when they say anything, in this order."""

_PROSE: Final = (
    "budget_basis", "reason", "message", "why", "forced_why", "question", "summary", "detail",
    "goal",
)  # fmt: skip
_PROSE_MOST: Final = 160


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
        yield "not recognised: its plugin is absent, or the stored text is damaged"
        return
    for name in _TELLING:
        value = getattr(event, name, None)
        if value not in (None, "", False):
            is_figure = isinstance(value, float | Decimal)
            shown = figure(value) if is_figure else _short(str(value))
            yield f"{name} {shown}"
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
