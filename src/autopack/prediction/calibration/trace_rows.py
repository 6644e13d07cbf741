"""Records of calls, from any tool's history, as rows of a backtest."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.events.usage import says_cut
from autopack.ports.measures import OUTPUT, Measure
from autopack.ports.prediction import Features, Sample
from autopack.prediction.calibration.prequential import Row
from autopack.prediction.calibration.record_reader import (
    AMOUNT,
    MOMENT,
    SECONDS,
    TEXT,
    TRUTH,
    WHOLE,
    Reading,
    RecordReader,
    readable,
)
from autopack.prediction.estimation import vocabulary
from autopack.projections.observations import sized

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "call_id": ("call_id", "request_id", "response_id", "generation_id"),
    "at": ("ts", "timestamp", "time", "at", "created_at", "arrived_at"),
    "known_at": ("known_at", "completed_at", "ended_at", "finished_at"),
    "duration_s": (
        "duration_s", "duration", "latency_s", "elapsed_s", "duration_ms", "latency_ms",
        "elapsed_ms", "durationms",
    ),
    "output_tokens": (
        "output_tokens", "completion_tokens", "actual_output_tokens", "generatedtokens",
        "generated_tokens", "response_tokens",
    ),
    "prompt_tokens": ("prompt_tokens", "input_tokens", "contexttokens", "request_tokens"),
    "predicted_tokens": ("predicted_output_tokens", "predicted_tokens", "estimated_tokens"),
    "category": ("category", "task_category", "kind"),
    "complexity": ("complexity",),
    "task": ("task", "task_id", "instance_id"),
    "model": ("model", "request_model"),
    "success": ("success",),
    "truncated": ("truncated", "is_truncated_output"),
    "stop_reason": ("stop_reason", "finish_reason"),
}  # fmt: skip
"""What a row can tell, with the columns that are looked for; upper and lower case are alike."""

_OF_MEASURE: Final[Mapping[Measure, tuple[str, ...]]] = {
    "total_tokens": ("total_tokens", "tokens"),
    "cost_usd": ("cost_usd", "cost", "usd", "spend"),
    "calls": ("calls", "n_calls", "num_calls", "requests"),
}
_OF_SIZES: Final[Mapping[str, str]] = {
    "output_tokens": "of output sizes", "cost_usd": "of costs in USD", "calls": "of calls",
}  # fmt: skip

_SLOWEST: Final = 0.5  # tokens a second


def needed_for(by: Measure) -> str:
    """Say what a trace must tell; the other fields it may."""
    names = ", ".join(_fields_for(by)[by])
    return f"Needed is one of: {names}{_OR_BOTH if by == 'total_tokens' else ''}."


_OR_BOTH: Final = ", or both prompt_tokens and output_tokens"


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
    by: Measure = OUTPUT,
) -> Trace:
    """
    Return records as rows.

    A row without a moment makes the order of the file the clock for all; without a duration or
    an end, an outcome is known before a prediction at a later moment. Of the records of one call
    that with the largest output counts; one without an id that has a moment and is the same as
    another in every column is that one again. What is told again, and a record with a value that
    cannot be read, is set aside.

    Args:
        columns: Columns by field of :data:`FIELDS`, where they have other names.
        estimator: Whose predictions they count as.
        predict: What stands for the estimator's figure where a record has none.
        by: What is judged: the rows' samples are sized in it.

    Raises:
        InvalidInputError: No column of sizes, none that says one, or no record that can be read;
            names the first by number, from 1.
    """
    fields = _fields_for(by)
    readings = {name: reading for name, reading in _READINGS.items() if name in fields}
    needs: dict[str, str] = {name: what for name, what in _OF_SIZES.items() if name == by}
    reader = RecordReader(fields, readings, columns, needs=needs, hint=needed_for(by))
    aside: Counter[str] = Counter()
    measures: dict[str, Any] = {"total_tokens": None, "cost_usd": None, "calls": None}
    told = ((record, measures | one) for record, one in readable(records, reader, aside))
    read = _once(told, aside, by)
    reader.check_columns()
    known = [one for one in map(_with_total, read) if one[by] is not None]
    if len(known) < len(read):
        aside["no_measurement"] += len(read) - len(known)
    if not known:
        raise InvalidInputError(
            f"None of the {len(read)} records of the trace says {_UNSAID[by]}. {needed_for(by)}",
            name=by,
            value=None,
        )
    notes = []
    untimed = sum(one["at"] is None for one in known)
    if untimed:
        notes.append(f"{untimed} rows have no time, so the order of the file is the clock")
    if (rate := _tokens_a_second(known)) is not None and rate < _SLOWEST:
        notes.append(
            f"a call of the median wrote {rate:.2g} tokens a second: if its durations are in "
            "milliseconds, name them duration_ms"
        )
    rows = [
        _row(number, one, is_timed=not untimed, estimator=estimator, predict=predict, by=by)
        for number, one in enumerate(known)
    ]
    rows.sort(key=lambda row: row.at)
    return Trace(rows=tuple(_positioned(rows)), set_aside=dict(aside), notes=tuple(notes))


_UNSAID: Final[Mapping[Measure, str]] = {
    "output_tokens": "how large its output was",
    "total_tokens": "how many tokens it used in all",
    "cost_usd": "what it cost",
    "calls": "how many calls it made",
}


def _fields_for(by: Measure) -> Mapping[str, tuple[str, ...]]:
    return {**FIELDS, by: _OF_MEASURE[by]} if by in _OF_MEASURE else FIELDS


def _with_total(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return fields with the total, as told, else both parts where both are known."""
    given, written = fields["prompt_tokens"], fields["output_tokens"]
    if fields["total_tokens"] is not None or None in (given, written):
        return fields
    return {**fields, "total_tokens": given + written}


def _once(
    told: Iterable[tuple[Mapping[str, Any], dict[str, Any]]], aside: Counter[str], by: Measure
) -> list[dict[str, Any]]:
    """Return what was read of each call, where it was told first; a repeat is set aside."""
    read: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    seen: set[int] = set()
    for record, one in told:
        key = one["call_id"]
        if key is not None and key in places:
            aside["repeat"] += 1
            if (one[by] or 0) > (read[places[key]][by] or 0):
                read[places[key]] = one
        elif key is None and one["at"] is not None and _is_repeat(record, seen):
            aside["repeat"] += 1
        else:
            if key is not None:
                places[key] = len(read)
            read.append(one)
    return read


def _is_repeat(record: Mapping[str, Any], seen: set[int]) -> bool:
    """Tell whether the same record was seen, and note that it was."""
    known = len(seen)
    seen.add(hash(tuple(sorted((name, repr(value)) for name, value in record.items()))))
    return len(seen) == known


def _positioned(rows: Sequence[Row]) -> Iterable[Row]:
    """
    Yield rows whose samples tell where a log would have them: asked for, and ended.

    What ended by a moment stands before what is asked for then, and what is asked for and ended
    at one moment after it.
    """
    asked = [(row.at, 1, number) for number, row in enumerate(rows)]
    ended = [
        (row.known_at, 0 if row.known_at > row.at else 2, number) for number, row in enumerate(rows)
    ]
    asked_at, ended_at = [0] * len(rows), [0] * len(rows)
    for position, (_, kind, number) in enumerate(sorted(asked + ended), 1):
        (asked_at if kind == 1 else ended_at)[number] = position
    for row, at, end in zip(rows, asked_at, ended_at, strict=True):
        yield attrs.evolve(row, sample=attrs.evolve(row.sample, position=at, ended_position=end))


def _row(
    number: int,
    fields: Mapping[str, Any],
    *,
    is_timed: bool,
    estimator: str,
    predict: Callable[[Features], int],
    by: Measure,
) -> Row:
    at = fields["at"] if is_timed else float(number)
    features = Features(
        category=vocabulary.category(fields["category"] or ""),
        complexity=vocabulary.complexity(fields["complexity"] or ""),
        model=fields["model"],
        prompt_tokens=fields["prompt_tokens"],
        tasks=() if fields["task"] is None else (f"task:{fields['task']}",),
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
        features={
            "model": features.model,
            "prompt_tokens": features.prompt_tokens,
            "tasks": features.tasks,
        },
        total_tokens=fields["total_tokens"],
        cost_usd=fields["cost_usd"],
        calls=fields["calls"],
    )
    known_at = _known_at(at, fields) if is_timed else at
    return Row(at=at, known_at=known_at, features=sample.question(), sample=sized(sample, by))


def _tokens_a_second(known: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the median speed of the rows that tell how long they took; None if none does."""
    timed = [one for one in known if one["duration_s"] and one["output_tokens"]]
    return median(one["output_tokens"] / one["duration_s"] for one in timed) if timed else None


def _known_at(at: float, fields: Mapping[str, Any]) -> float:
    if fields["known_at"] is not None:
        return max(at, float(fields["known_at"]))
    return at + max(0.0, fields["duration_s"] or 0.0)


_READINGS: Final[Mapping[str, Reading]] = {
    "call_id": TEXT,
    "at": MOMENT,
    "known_at": MOMENT,
    "duration_s": SECONDS,
    "output_tokens": WHOLE,
    "total_tokens": WHOLE,
    "cost_usd": AMOUNT,
    "calls": WHOLE,
    "prompt_tokens": WHOLE,
    "predicted_tokens": WHOLE,
    "category": TEXT,
    "complexity": TEXT,
    "task": TEXT,
    "model": TEXT,
    "success": TRUTH,
    "truncated": TRUTH,
    "stop_reason": TEXT,
}
