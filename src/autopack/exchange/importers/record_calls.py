"""Calls from the records of any table: which columns tell what, and the events they become."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from autopack.errors import AutopackError
from autopack.events import LlmUsageRecorded, PhaseCompleted, PhaseFailed, PhaseQueued
from autopack.events.usage import figure_fault, is_cut_off, usage_id
from autopack.ports.log import NewEvent
from autopack.prediction.calibration.record_reader import (
    MOMENT,
    SECONDS,
    TEXT,
    TRUTH,
    UNREADABLE,
    WHOLE,
    Reading,
    RecordReader,
)
from autopack.prediction.calibration.trace_rows import FIELDS as TRACE_FIELDS
from autopack.values.ids import derived_id, phase_id, phase_stream, run_id, run_stream
from autopack.values.money import Usd

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "call_id": ("call_id", "request_id", "response_id", "generation_id", "id"),
    "run": ("run_id", "run"),
    "phase": ("phase_id", "phase"),
    "at": TRACE_FIELDS["at"],
    "provider": ("provider", "custom_llm_provider"),
    "model": ("model", "response_model", "request_model"),
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": TRACE_FIELDS["output_tokens"],
    "cache_read_tokens": ("cache_read_tokens", "cached_tokens", "cache_read_input_tokens"),
    "cache_write_tokens": ("cache_write_tokens", "cache_creation_input_tokens"),
    "reasoning_tokens": ("reasoning_tokens",),
    "cost_usd": ("cost_usd", "cost", "spend"),
    "duration_s": TRACE_FIELDS["duration_s"],
    "stop_reason": TRACE_FIELDS["stop_reason"],
    "category": TRACE_FIELDS["category"],
    "complexity": TRACE_FIELDS["complexity"],
    "success": TRACE_FIELDS["success"],
}
"""What a record can tell, with the columns that are looked for; upper and lower case are alike."""

NEEDED: Final = f"Needed is one of: {', '.join(FIELDS['output_tokens'])}."
"""What a table must tell; the other fields it may."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNNAMED: Final = "import-records"
_TOKENS: Final = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
)  # fmt: skip


def reader_of(columns: Mapping[str, str]) -> RecordReader:
    """Return what reads the fields of a call, in columns of other names where these are given."""
    return RecordReader(
        FIELDS, _READINGS, columns, needs={"output_tokens": "of sizes"}, hint=NEEDED
    )


def events_of(
    records: Iterable[Mapping[str, Any]],
    reader: RecordReader,
    findings: dict[str, Any],
    aside: Counter[str],
) -> Iterator[tuple[str, NewEvent]]:
    """Yield the events of records; what cannot be taken is counted in *aside* by its reason."""
    for number, record in enumerate(records, 1):
        yield from _told(number, record, reader, findings, aside)
    reader.check_columns()


def _told(
    number: int,
    record: Mapping[str, Any],
    reader: RecordReader,
    findings: dict[str, Any],
    aside: Counter[str],
) -> Iterator[tuple[str, NewEvent]]:
    findings["records"] += 1
    try:
        found = reader.read(number, record)
        if all(found[name] is None for name in ("input_tokens", "output_tokens")):
            aside["records_without_figures"] += 1
        elif figure_fault(found) is not None:
            aside["figures_that_do_not_fit_together"] += 1
        else:
            yield from list(_call(found, record))
    except AutopackError:
        aside[UNREADABLE] += 1


def _call(found: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[tuple[str, NewEvent]]:
    at = None if found["at"] is None else _EPOCH + timedelta(seconds=found["at"])
    key, provider = found["call_id"] or _digest(record), found["provider"]
    run = None if found["run"] is None else run_id(found["run"])
    phase = None if run is None or found["phase"] is None else phase_id(found["phase"])
    told = found["success"] is not None and run is not None and phase is not None
    if told and run is not None and phase is not None:
        yield run_stream(run), _fact(_queued(run, phase, found), run, phase, at)
    tokens = {name: found[name] for name in _TOKENS}
    given, written = tokens["input_tokens"], tokens["output_tokens"]
    cost = found["cost_usd"]
    event = LlmUsageRecorded(
        run_id=run,
        phase_id=phase,
        attempt=None if phase is None else 1,
        call_id=key,
        provider=provider,
        request_model=found["model"],
        response_model=found["model"],
        total_tokens=None if None in (given, written) else given + written,
        stop_reason=found["stop_reason"],
        truncated=is_cut_off({"stop_reason": found["stop_reason"]}),
        duration_s=found["duration_s"],
        cost_usd=cost,
        **tokens,
    )
    stream = _UNNAMED if run is None else run_stream(run)
    stream = stream if run is None or phase is None else phase_stream(run, phase)
    yield stream, NewEvent(event=event, event_id=usage_id(provider, key), occurred_at=at)
    if told and run is not None and phase is not None:
        ended = _ended(run, phase, success=found["success"])
        yield phase_stream(run, phase), _fact(ended, run, phase, at)


def _queued(run: str, phase: str, found: Mapping[str, Any]) -> PhaseQueued:
    return PhaseQueued(
        run_id=run,
        phase_id=phase,
        index=1,
        category=found["category"] or "uncategorised",
        complexity=found["complexity"] or "medium",
        max_attempts=1,
    )


def _ended(run: str, phase: str, *, success: bool) -> PhaseCompleted | PhaseFailed:
    if success:
        return PhaseCompleted(run_id=run, phase_id=phase, attempt=1)
    why = "the record says that it did not go well, and gives no reason"
    return PhaseFailed(run_id=run, phase_id=phase, attempt=1, code="recorded", message=why)


def _fact(event: Any, run: str, phase: str, at: datetime | None) -> NewEvent:
    fact = "phase.queued" if isinstance(event, PhaseQueued) else "end"
    event_id = derived_id("records", f"{run}\x00{phase}", fact)
    return NewEvent(event=event, event_id=event_id, occurred_at=at)


def _digest(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]


_READINGS: Final[Mapping[str, Reading]] = {
    **dict.fromkeys(("call_id", "run", "phase", "provider", "model"), TEXT),
    "at": MOMENT,
    **dict.fromkeys(_TOKENS, WHOLE),
    "cost_usd": Reading(Usd.of, "an amount in USD"),
    "duration_s": SECONDS,
    "stop_reason": TEXT,
    "category": TEXT,
    "complexity": TEXT,
    "success": TRUTH,
}
