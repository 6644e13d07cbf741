"""Records of calls, from any tool's history, as rows of a backtest."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.events.usage import says_cut
from autopack.ports.prediction import Features, Sample
from autopack.prediction.calibration.prequential import Row
from autopack.prediction.estimation import vocabulary

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "at": ("ts", "timestamp", "time", "at", "created_at", "arrived_at"),
    "known_at": ("known_at", "completed_at", "ended_at", "finished_at"),
    "duration_s": ("duration_s", "duration", "latency_s", "elapsed_s"),
    "output_tokens": (
        "output_tokens", "completion_tokens", "actual_output_tokens", "generatedtokens",
        "generated_tokens", "response_tokens",
    ),
    "prompt_tokens": ("prompt_tokens", "input_tokens", "contexttokens", "request_tokens"),
    "predicted_tokens": ("predicted_output_tokens", "predicted_tokens", "estimated_tokens"),
    "category": ("category", "task_category", "kind"),
    "complexity": ("complexity",),
    "model": ("model", "request_model"),
    "success": ("success",),
    "truncated": ("truncated", "is_truncated_output"),
    "stop_reason": ("stop_reason", "finish_reason"),
}  # fmt: skip
"""What a row can tell, with the columns that are looked for; upper and lower case are alike."""

NEEDED: Final = f"Needed is one of: {', '.join(FIELDS['output_tokens'])}."
"""What a trace must tell; the other fields it may."""
_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no"})


@attrs.frozen(kw_only=True)
class Trace:
    """The rows of a trace in the order of time, what was set aside, and what to know of it."""

    rows: tuple[Row, ...]
    set_aside: Mapping[str, int] = attrs.Factory(dict)
    notes: tuple[str, ...] = ()


def trace_of(
    records: Iterable[Mapping[str, Any]],
    *,
    columns: Mapping[str, str],
    estimator: str,
    predict: Callable[[Features], int],
) -> Trace:
    """
    Return records as rows.

    A row without a moment makes the order of the file the clock for all; without a duration or
    an end, an outcome is known before the next prediction.

    Args:
        columns: Columns by field of :data:`FIELDS`, where they have other names.
        estimator: Whose predictions they count as.
        predict: What stands for the estimator's figure where a record has none.

    Raises:
        InvalidInputError: No column of output sizes, none that says one, or a value that cannot
            be read; names the record by number, from 1.
    """
    reader = _Reader(columns)
    read = [reader.read(number, record) for number, record in enumerate(records, 1)]
    reader.check_columns()
    aside = Counter("no_measurement" for one in read if one["output_tokens"] is None)
    known = [one for one in read if one["output_tokens"] is not None]
    if not known:
        raise InvalidInputError(
            f"None of the {len(read)} records of the trace says how large its output was. {NEEDED}",
            name="output_tokens",
            value=None,
        )
    notes = []
    untimed = sum(one["at"] is None for one in known)
    if untimed:
        notes.append(f"{untimed} rows have no time, so the order of the file is the clock")
    rows = [
        _row(number, one, is_timed=not untimed, estimator=estimator, predict=predict)
        for number, one in enumerate(known)
    ]
    return Trace(
        rows=tuple(sorted(rows, key=lambda row: row.at)), set_aside=dict(aside), notes=tuple(notes)
    )


def _row(
    number: int,
    fields: Mapping[str, Any],
    *,
    is_timed: bool,
    estimator: str,
    predict: Callable[[Features], int],
) -> Row:
    at = fields["at"] if is_timed else float(number)
    features = Features(
        category=vocabulary.category(fields["category"] or ""),
        complexity=vocabulary.complexity(fields["complexity"] or ""),
        model=fields["model"],
        prompt_tokens=fields["prompt_tokens"],
    )
    predicted = fields["predicted_tokens"] or predict(features)
    truncated = fields["truncated"]
    if truncated is None:
        truncated = says_cut(fields["stop_reason"])
    sample = Sample(
        position=number + 1,
        run_id=None,
        phase_id=None,
        attempt=None,
        category=features.category,
        complexity=features.complexity,
        predicted_output_tokens=predicted,
        actual_output_tokens=fields["output_tokens"],
        estimator=estimator,
        estimator_version="trace",
        success=True if fields["success"] is None else fields["success"],
        truncated=truncated,
        model=features.model,
        features={"model": features.model, "prompt_tokens": features.prompt_tokens},
    )
    known_at = _known_at(at, fields) if is_timed else at
    return Row(at=at, known_at=known_at, features=sample.question(), sample=sample)


def _known_at(at: float, fields: Mapping[str, Any]) -> float:
    if fields["known_at"] is not None:
        return max(at, float(fields["known_at"]))
    return at + max(0.0, fields["duration_s"] or 0.0)


class _Reader:
    """Reads the fields of one record after the other."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        unknown = sorted(set(columns) - set(FIELDS))
        if unknown:
            raise InvalidInputError(
                f"A trace has no field {', '.join(unknown)}. Fields: {', '.join(FIELDS)}.",
                name="columns",
                value=tuple(unknown),
            )
        self.columns = columns
        self.seen: dict[str, str] = {}

    def read(self, number: int, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return all fields of a record, None where it does not tell."""
        lowered = {name.lower(): name for name in record}
        self.seen.update(lowered)
        found: dict[str, Any] = {}
        for field, reading in _READINGS.items():
            name = self._column(field, lowered)
            value = None if name is None else record.get(name)
            try:
                found[field] = None if value is None or value == "" else reading(value)
            except (ValueError, TypeError, OverflowError) as fault:
                raise InvalidInputError(
                    f"Record {number} of the trace: {name} is {value!r}; it must be "
                    f"{_MEANT.get(reading, 'a text')}.",
                    name=field,
                    value=value,
                ) from fault
        return found

    def check_columns(self) -> None:
        """Refuse a trace in which no record has a column that is needed, or was named."""
        for field in dict.fromkeys(("output_tokens", *self.columns)):
            if self._column(field, self.seen) is None:
                raise InvalidInputError(
                    f"The trace has no column {self.columns.get(field, 'of output sizes')}. "
                    f"It has: {', '.join(self.seen.values()) or 'none'}. {NEEDED} "
                    "Name another with:",
                    do=f"columns={{{field!r}: NAME}}",
                    typed=f"--column {field}=NAME",
                    name=f"columns.{field}",
                    value=self.columns.get(field),
                )

    def _column(self, field: str, lowered: Mapping[str, str]) -> str | None:
        named = self.columns.get(field)
        wanted = FIELDS[field] if named is None else (named.lower(),)
        return next((lowered[one] for one in wanted if one in lowered), None)


def _moment(value: Any) -> float:
    """Return seconds since 1970; a time without a zone is UTC."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(float(value))
    text = str(value).strip()
    try:
        return _finite(float(text))
    except ValueError:
        moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _finite(number: float) -> float:
    if not -1e15 < number < 1e15:
        raise OverflowError(number)
    return number


def _tokens(value: Any) -> int:
    tokens = float(value)
    if isinstance(value, bool) or tokens < 0 or tokens != int(tokens):
        raise ValueError(value)
    return int(tokens)


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError(value)
    return seconds


def _truth(value: Any) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(value)
    return text in _TRUE


_MEANT: Final[Mapping[Callable[[Any], Any], str]] = {
    _moment: "a time, as 2026-01-31T12:00:00Z or in seconds since 1970",
    _seconds: "a number of seconds, 0 or more",
    _tokens: "a whole number, 0 or more",
    _truth: "true or false",
}
_READINGS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "at": _moment,
    "known_at": _moment,
    "duration_s": _seconds,
    "output_tokens": _tokens,
    "prompt_tokens": _tokens,
    "predicted_tokens": _tokens,
    "category": str,
    "complexity": str,
    "model": str,
    "success": _truth,
    "truncated": _truth,
    "stop_reason": str,
}
