"""The samples: each attempt's prediction, met by what its calls were measured to use."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from autopack.events import (
    LlmUsageAmended,
    LlmUsageRecorded,
    PhaseCompleted,
    PhaseEstimated,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseTimedOut,
    SampleRecorded,
)
from autopack.events.usage import BUILDER, CUT_OFF
from autopack.ports.log import Recorded
from autopack.ports.work import USAGE_PROBLEMS

_MEASURED: Final = "measured"
_WEAKNESS: Final[Mapping[str, int]] = {_MEASURED: 0, "inferred": 1, "total_only": 2}
_UNKNOWN: Final = "unknown"
_JUDGED: Final[Mapping[str, bool]] = {"approve": True, "reject": False}


@attrs.frozen(kw_only=True)
class SampleCall:
    """One builder call of an attempt: its output in tokens, and how that was come by."""

    call_id: str
    provider: str | None = None
    output_tokens: int | None = None
    split: str = _MEASURED
    truncated: bool = False


@attrs.frozen(kw_only=True)
class SampleRow:
    """
    One attempt, or one imported pair.

    Args:
        position: Where the prediction stands in the log; without one, the first call.
        estimates: How many events gave a prediction; the last before any call is used.
        actual_output_tokens: Summed output of the builder calls; None if one is unmeasured, if
            some usage could not be read, or if an imported figure is unmeasured.
        split: The weakest of the calls' splits.
        late_calls: Builder calls that came after the lease was lost; not in the sum.
        success: None while the attempt runs, when it was given up, while it waits at a gate, and
            when it was sent back from there; a gate's answer is its own.
        ended_position: Where its end stands in the log.
    """

    position: int
    run_id: str | None = None
    phase_id: str | None = None
    attempt: int | None = None
    category: str = _UNKNOWN
    complexity: str = _UNKNOWN
    estimates: int = 0
    predicted_output_tokens: int | None = None
    actual_output_tokens: int | None = None
    budget_tokens: int | None = None
    ceiling_tokens: int | None = None
    estimator: str | None = None
    estimator_version: str | None = None
    success: bool | None = None
    truncated: bool = False
    split: str = _MEASURED
    late_calls: int = 0
    is_misread: bool = False
    model: str | None = None
    deliverables: int | None = None
    is_test: bool = False
    is_imported: bool = False
    source_category: str | None = None
    features: Mapping[str, Any] = attrs.Factory(dict)
    ended_position: int | None = None
    calls: tuple[SampleCall, ...] = ()

    @property
    def is_met(self) -> bool:
        """Whether the prediction has a measured figure beside it."""
        return self.predicted_output_tokens is not None and self.actual_output_tokens is not None

    @property
    def is_sample(self) -> bool:
        """Whether a calibrator may be shown it: imported, or predicted and at least one call."""
        return self.predicted_output_tokens is not None and bool(self.is_imported or self.calls)


@attrs.frozen(kw_only=True)
class SampleTotal:
    """
    Predictions in the log.

    Args:
        estimates: All of them.
        samples: Attempts and imported pairs whose prediction was met by a measured figure.
        won: Those samples whose attempt completed; only they can teach a calibrator.
    """

    estimates: int = 0
    samples: int = 0
    won: int = 0


class Samples:
    """
    Every attempt by ``RUN/PHASE#ATTEMPT``, and every imported pair by ``imported@POSITION``.

    Late usage and other roles' calls are not counted. An attempt that was released or reclaimed
    never gets an outcome. An amendment that does not name its attempt changes no row.
    """

    name: Final = "samples"
    version: Final = 3
    types: Final[tuple[type, ...]] = (
        PhaseEstimated,
        LlmUsageRecorded,
        LlmUsageAmended,
        PhaseCompleted,
        PhaseFailed,
        PhaseTimedOut,
        PhaseGated,
        PhaseGateDecided,
        SampleRecorded,
    )
    row_type: Final = SampleRow
    total_type: Final = SampleTotal

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return the attempt's key; None for an event that does not name its attempt."""
        event = recorded.event
        if isinstance(event, SampleRecorded):
            return f"imported@{recorded.position}"
        if event.run_id is None or event.phase_id is None or event.attempt is None:
            return None
        return f"{event.run_id}/{event.phase_id}#{event.attempt}"

    def project(self, row: SampleRow | None, recorded: Recorded[Any]) -> SampleRow | None:
        """Return the attempt after the event; an end or amendment alone makes no row."""
        match recorded.event:
            case SampleRecorded() as event:
                return _imported(event, recorded.position)
            case PhaseEstimated() as event:
                return _estimated(row, event, recorded.position)
            case LlmUsageRecorded() as event:
                return _called(row, event, recorded.position)
            case LlmUsageAmended() as event:
                return row and _amended(row, event)
            case PhaseCompleted() as event:
                return row and _ended(_read(row, event), recorded.position, success=True)
            case PhaseFailed() | PhaseTimedOut() as event:
                return row and _ended(_read(row, event), recorded.position, success=False)
            case PhaseGated() as event:
                return row and _read(row, event)
            case PhaseGateDecided(decision=decision) if decision in _JUDGED:
                return row and _ended(row, recorded.position, success=_JUDGED[decision])
            case _:
                return row

    def initial_total(self) -> SampleTotal:
        """Return the counts of an empty log."""
        return SampleTotal()

    def total(
        self, total: SampleTotal, before: SampleRow | None, after: SampleRow | None
    ) -> SampleTotal:
        """Return the counts after one row changed."""
        was, now = _counted(before), _counted(after)
        return SampleTotal(
            estimates=total.estimates + now.estimates - was.estimates,
            samples=total.samples + now.samples - was.samples,
            won=total.won + now.won - was.won,
        )


def _read(
    row: SampleRow, event: PhaseCompleted | PhaseFailed | PhaseTimedOut | PhaseGated
) -> SampleRow:
    """Return *row* without a measured figure if some of the attempt's usage could not be read."""
    if USAGE_PROBLEMS not in event.artifacts:
        return row
    return attrs.evolve(row, is_misread=True, actual_output_tokens=None)


def _ended(row: SampleRow, position: int, *, success: bool) -> SampleRow:
    return attrs.evolve(row, success=success, ended_position=position)


def _imported(event: SampleRecorded, position: int) -> SampleRow:
    count = event.deliverable_count
    return SampleRow(
        position=position,
        run_id=event.run_id,
        phase_id=event.phase_id,
        category=event.category,
        complexity=event.complexity,
        estimates=1,
        predicted_output_tokens=event.predicted_output_tokens,
        actual_output_tokens=event.actual_output_tokens if event.split == _MEASURED else None,
        budget_tokens=event.budget_tokens,
        ceiling_tokens=event.ceiling_tokens,
        estimator=event.estimator,
        estimator_version=event.estimator_version,
        success=event.success,
        truncated=event.truncated,
        split=event.split,
        model=event.model,
        deliverables=len(event.deliverables) or None if count is None else count,
        is_test=event.is_test,
        is_imported=True,
        source_category=_text(event.source_fields.get("category")),
        features=_imported_features(event),
    )


def _imported_features(event: SampleRecorded) -> Mapping[str, Any]:
    features: dict[str, Any] = {"category": event.category, "complexity": event.complexity}
    if event.deliverables:
        features["deliverables"] = list(event.deliverables)
    if complexity := _text(event.source_fields.get("complexity")):
        features["source_complexity"] = complexity
    return features


def _estimated(row: SampleRow | None, event: PhaseEstimated, position: int) -> SampleRow:
    if row is not None and row.calls and row.predicted_output_tokens is not None:
        # What is said once a call's figure is known is no longer a prediction.
        return attrs.evolve(row, estimates=row.estimates + 1)
    features = event.features
    deliverables = features.get("deliverables")
    return SampleRow(
        position=position,
        run_id=event.run_id,
        phase_id=event.phase_id,
        attempt=event.attempt,
        category=_text(features.get("category")) or _UNKNOWN,
        complexity=_text(features.get("complexity")) or _UNKNOWN,
        estimates=row.estimates + 1 if row else 1,
        predicted_output_tokens=event.predicted_output_tokens,
        actual_output_tokens=row.actual_output_tokens if row else None,
        budget_tokens=event.budget_tokens,
        ceiling_tokens=event.ceiling_tokens,
        estimator=event.estimator,
        estimator_version=event.estimator_version,
        success=row.success if row else None,
        ended_position=row.ended_position if row else None,
        truncated=row.truncated if row else False,
        split=row.split if row else _MEASURED,
        late_calls=row.late_calls if row else 0,
        is_misread=row.is_misread if row else False,
        model=(row.model if row else None) or _text(features.get("model")),
        deliverables=len(deliverables) if isinstance(deliverables, list | tuple) else None,
        features=features,
        calls=row.calls if row else (),
    )


def _called(row: SampleRow | None, event: LlmUsageRecorded, position: int) -> SampleRow | None:
    if event.role != BUILDER:
        return row
    if event.late:
        return row and attrs.evolve(row, late_calls=row.late_calls + 1)
    row = row or SampleRow(
        position=position, run_id=event.run_id, phase_id=event.phase_id, attempt=event.attempt
    )
    call = SampleCall(
        call_id=event.call_id,
        provider=event.provider,
        output_tokens=event.output_tokens,
        split=event.split,
        truncated=_is_truncated(event),
    )
    others = tuple(known for known in row.calls if not _is_same(known, event))
    model = event.response_model or event.request_model or row.model
    return _with_calls(attrs.evolve(row, model=model), (*others, call))


def _is_truncated(event: LlmUsageRecorded) -> bool:
    """Go by the stop reason where the caller did not say whether the output was cut off."""
    if event.truncated is not None:
        return event.truncated
    return (event.stop_reason or "").lower() in CUT_OFF


def _amended(row: SampleRow, event: LlmUsageAmended) -> SampleRow:
    if event.output_tokens is None:
        return row
    changes: dict[str, Any] = {"output_tokens": event.output_tokens, "split": event.split}
    calls = tuple(
        attrs.evolve(call, **changes) if _is_same(call, event) else call for call in row.calls
    )
    return _with_calls(row, calls)


def _is_same(call: SampleCall, event: LlmUsageRecorded | LlmUsageAmended) -> bool:
    return (call.provider, call.call_id) == (event.provider, event.call_id)


def _with_calls(row: SampleRow, calls: tuple[SampleCall, ...]) -> SampleRow:
    figures = [call.output_tokens for call in calls if call.split == _MEASURED]
    known = [figure for figure in figures if figure is not None]
    is_measured = calls and len(known) == len(calls) and not row.is_misread
    return attrs.evolve(
        row,
        calls=calls,
        actual_output_tokens=sum(known) if is_measured else None,
        split=max((call.split for call in calls), key=_WEAKNESS.__getitem__, default=_MEASURED),
        truncated=any(call.truncated for call in calls),
    )


def _counted(row: SampleRow | None) -> SampleTotal:
    if row is None:
        return SampleTotal()
    is_won = row.is_met and row.success is True
    return SampleTotal(estimates=row.estimates, samples=int(row.is_met), won=int(is_won))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


SAMPLES: Final = Samples()
