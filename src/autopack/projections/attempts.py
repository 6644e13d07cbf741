"""The attempts: what each was predicted to use, what its calls used, and how it ended."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from autopack.aggregates.phase.state import GATE_VERDICTS, judge_of, verdict_of
from autopack.events import (
    LlmUsageAmended,
    LlmUsageRecorded,
    PhaseCancelled,
    PhaseChecked,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseJudged,
    PhaseReclaimed,
    PhaseReleased,
    PhaseSubmitted,
    PhaseTimedOut,
    SampleRecorded,
)
from autopack.events.phase import LEASE_LOST
from autopack.events.usage import BUILDER
from autopack.ports.log import Recorded, from_us
from autopack.ports.work import DENIED_USES, USAGE_PROBLEMS
from autopack.projections.attempt_row import NO_WORK, UNKNOWN, AttemptRow, work_of
from autopack.projections.call_use import MEASURED, NO_USE, Call, Use, amended, call_of, told
from autopack.projections.sums_by_drain_and_run import (
    AccountTotal,
    QuarterSums,
    Work,
    moved,
    shared,
)
from autopack.values.money import pico

QUARTER_US: Final = 15 * 60 * 1_000_000  # every time zone's midnight falls between two of them

End = (
    PhaseCompleted
    | PhaseFailed
    | PhaseTimedOut
    | PhaseGated
    | PhaseReleased
    | PhaseReclaimed
    | PhaseCancelled
)
_ENDINGS: Final[Mapping[type, str]] = {
    PhaseCompleted: "completed",
    PhaseFailed: "failed",
    PhaseTimedOut: "timed_out",
    PhaseGated: "gated",
    PhaseReleased: "released",
    PhaseReclaimed: "reclaimed",
    PhaseCancelled: "cancelled",
}
_NO_CALLS: Final[Mapping[str, Call]] = {}
_SUCCESS: Final = {"completed": True, "failed": False, "timed_out": False}
_OWN_ENDS: Final = frozenset({*_SUCCESS, "gated"})
"""How an attempt ends by itself, and not since its worker, or somebody else, gave it up."""


class Attempts:
    """
    Every attempt by ``RUN/PHASE#ATTEMPT``; imported pairs and calls without one stand alone.

    This is the one account of use: what a drain reports, what caps and limits count, what status
    shows and what calibrators learn from are sums over its rows. An attempt that was released or
    reclaimed never gets an outcome. An amendment names the attempt of its call.
    """

    name: Final = "attempts"
    version: Final = 6
    types: Final[tuple[type, ...]] = (
        PhaseEstimated,
        PhaseClaimed,
        PhaseSubmitted,
        LlmUsageRecorded,
        LlmUsageAmended,
        *_ENDINGS,
        PhaseGateDecided,
        PhaseChecked,
        PhaseJudged,
        SampleRecorded,
    )
    row_type: Final = AttemptRow
    total_type: Final = AccountTotal

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return the attempt's key; None for an event that belongs to none."""
        event = recorded.event
        if isinstance(event, SampleRecorded):
            return f"imported@{recorded.position}"
        if event.run_id is not None and event.phase_id is not None and event.attempt is not None:
            return attempt_key(event.run_id, event.phase_id, event.attempt)
        if isinstance(event, LlmUsageRecorded | LlmUsageAmended):
            place = f"{event.run_id or ''}/{event.phase_id or ''}#{event.attempt or ''}"
            return f"call {place} {call_key(event)}"
        return None

    def project(self, row: AttemptRow | None, recorded: Recorded[Any]) -> AttemptRow | None:
        """Return the attempt after the event; an end alone makes no row."""
        match recorded.event:
            case SampleRecorded() as event:
                return _imported(event, recorded.position)
            case PhaseEstimated() as event:
                return _estimated(_row(row, recorded), event, recorded.position)
            case PhaseClaimed() as event:
                return _claimed(_row(row, recorded), event, recorded.row[6])
            case PhaseSubmitted():
                return row and attrs.evolve(row, is_submitted=True)
            case LlmUsageRecorded() as event:
                return _called(_row(row, recorded), event, quarter_at(recorded.row[6]))
            case LlmUsageAmended() as event:
                return _amended(_row(row, recorded), event)
            case PhaseGateDecided(decision=decision, by=by):
                is_right = GATE_VERDICTS.get(decision)
                return row and _judged(row, recorded.position, is_right=is_right, by=by)
            case PhaseChecked() | PhaseJudged() as event:
                is_right, who = verdict_of(event), judge_of(event)
                return row and _judged(row, recorded.position, is_right=is_right, by=who)
            case event:
                return row and ended(row, event, recorded.position)

    def initial_total(self) -> AccountTotal:
        """Return the account of an empty log."""
        return AccountTotal()

    def total(
        self, total: AccountTotal, before: AttemptRow | None, after: AttemptRow | None
    ) -> AccountTotal:
        """Return the account after one row changed."""
        was, now = work_of(before), work_of(after)
        row = after or before
        if row is None:
            return total
        whole = total.all
        by_drain, by_run = total.by_drain, total.by_run
        if was != now:
            change = now - was
            whole = whole + change
            by_run = _credited(by_run, row.run_id, change)
            is_known = before is None or before.drain is not None
            by_drain = _credited(by_drain, row.drain, change if is_known else now)
        by_model, by_account = total.by_model, total.by_account
        for call, account, sign in _call_changes(before, after):
            by_model = _used(by_model, call.model, call, sign)
            by_account = _used(by_account, account, call, sign)
        return AccountTotal(
            all=whole,
            by_drain=by_drain,
            by_run=by_run,
            by_model=by_model,
            by_account=by_account,
            by_quarter=moved(
                total.by_quarter,
                QuarterSums(),
                {} if before is None else before.by_quarter,
                {} if after is None else after.by_quarter,
            ),
        )


def _credited(sums: Mapping[str, Work], name: str | None, change: Work) -> Mapping[str, Work]:
    if name is None:
        return sums
    return shared(sums).insert(name, (sums.get(name) or NO_WORK) + change)


def _call_changes(
    before: AttemptRow | None, after: AttemptRow | None
) -> Iterator[tuple[Call, str | None, int]]:
    """Yield calls as they were, with -1, and as they are, with 1, each with its account."""
    was, was_of = (_NO_CALLS, None) if before is None else (before.calls, before.account)
    now, now_of = (_NO_CALLS, None) if after is None else (after.calls, after.account)
    if was is now and was_of == now_of:
        return
    for key, call in now.items():
        old = was.get(key)
        if old is call and was_of == now_of:
            continue
        if old is not None:
            yield old, old.account or was_of, -1
        yield call, call.account or now_of, 1
    if after is None:
        for call in was.values():
            yield call, call.account or was_of, -1


def _used(sums: Mapping[str, Use], name: str | None, call: Call, sign: int) -> Mapping[str, Use]:
    found = shared(sums)
    use = (found.get(name or "") or NO_USE).plus(call, sign)
    return found.discard(name or "") if use == NO_USE else found.insert(name or "", use)


def attempt_key(run_id: str, phase_id: str, attempt: int) -> str:
    """Return the key of an attempt's row."""
    return f"{run_id}/{phase_id}#{attempt}"


def call_key(event: LlmUsageRecorded | LlmUsageAmended) -> str:
    """Return what tells a call from all others: its provider and its id there."""
    return f"{event.provider or ''}\x00{event.call_id}"


def quarter_at(us: int) -> str:
    """Return the beginning of the quarter of an hour that is *us* microseconds after 1970."""
    return from_us(us - us % QUARTER_US).isoformat()


def _row(row: AttemptRow | None, recorded: Recorded[Any]) -> AttemptRow:
    if row is not None:
        return row
    event = recorded.event
    return AttemptRow(
        position=recorded.position,
        run_id=event.run_id,
        phase_id=event.phase_id,
        attempt=event.attempt,
    )


def _estimated(row: AttemptRow, event: PhaseEstimated, position: int) -> AttemptRow:
    if row.built.calls and row.predicted_output_tokens is not None:
        # What is said once a call's figure is known is no longer a prediction.
        return attrs.evolve(row, estimates=row.estimates + 1)
    features = event.features
    deliverables = features.get("deliverables")
    return attrs.evolve(
        row,
        position=position,
        category=_text(features.get("category")) or UNKNOWN,
        complexity=_text(features.get("complexity")) or UNKNOWN,
        estimates=row.estimates + 1,
        predicted_output_tokens=event.predicted_output_tokens,
        budget_tokens=event.budget_tokens,
        ceiling_tokens=event.ceiling_tokens,
        estimator=event.estimator,
        estimator_version=event.estimator_version,
        model=row.model or _text(features.get("model")),
        deliverables=len(deliverables) if isinstance(deliverables, list | tuple) else None,
        features=features,
    )


def _claimed(row: AttemptRow, event: PhaseClaimed, at_us: int) -> AttemptRow:
    return attrs.evolve(
        row,
        lease_token=event.lease_token,
        worker=event.worker,
        drain=event.drain,
        account=event.account,
        executor=event.executor,
        claimed_model=event.model,
        claimed_us=at_us,
        capped=event.capped,
        scopes=event.scopes,
        reserved_tokens=event.reserved_tokens,
        reserved_usd=event.reserved_usd,
        assumed_usd=event.assumed_usd,
        model=row.model or event.model,
    )


def _called(row: AttemptRow, event: LlmUsageRecorded, quarter: str) -> AttemptRow:
    key = call_key(event)
    before = row.calls.get(key)
    if before is not None and before.is_told:
        return row  # one call is one event; a second of that id is not a second call
    call = call_of(event, quarter) if before is None else told(before, event, quarter)
    return _with(row, key, None, call)


def _amended(row: AttemptRow, event: LlmUsageAmended) -> AttemptRow:
    key = call_key(event)
    before = row.calls.get(key)
    return _with(row, key, before, amended(before, event))


def _with(row: AttemptRow, key: str, before: Call | None, after: Call) -> AttemptRow:
    use, built, model = row.use, row.built, row.model
    if before is not None:
        use = use.plus(before, -1)
        built = built.plus(before, -1) if _builds(before) else built
    if _builds(after):
        built, model = built.plus(after), after.model or model
    return attrs.evolve(
        row,
        calls=shared(row.calls).insert(key, after),
        use=use.plus(after),
        built=built,
        model=model,
        by_quarter=moved(row.by_quarter, QuarterSums(), _pace(before), _pace(after)),
    )


def _builds(call: Call) -> bool:
    return call.is_told and call.role == BUILDER and not call.late


def _pace(call: Call | None) -> Mapping[str, QuarterSums]:
    if call is None or not call.is_told:
        return {}
    cost = pico(call.cost_usd)
    return {call.quarter: QuarterSums(calls=1, tokens=call.known_tokens, pico_usd=cost)}


def ended(row: AttemptRow, event: End, position: int) -> AttemptRow:
    """Return an attempt after its end."""
    ending, alike, failure_class, code = _ENDINGS[type(event)], None, None, None
    success = _SUCCESS.get(ending)
    if isinstance(event, PhaseFailed) and event.code == LEASE_LOST:
        ending = "reclaimed"
    elif isinstance(event, PhaseFailed):
        alike, failure_class = event.fingerprint or event.code, event.failure_class
        code = event.code
    elif isinstance(event, PhaseTimedOut):
        alike = "timed_out"
    artifacts = getattr(event, "artifacts", {})
    duration_s = event.timeout_s if isinstance(event, PhaseTimedOut) else event.duration_s
    return attrs.evolve(
        row,
        ending=ending,
        success=success,
        ended_position=row.ended_position if success is None else position,
        duration_s=duration_s,
        failure_class=failure_class,
        reason_code=code,
        alike=alike,
        message=getattr(event, "message", None),
        zero_yield_reason=getattr(event, "zero_yield_reason", None),
        is_misread=row.is_misread or USAGE_PROBLEMS in artifacts,
        is_denied=row.is_denied or DENIED_USES in artifacts,
    )


def _judged(row: AttemptRow, position: int, *, is_right: bool | None, by: str | None) -> AttemptRow:
    """Return an attempt with a verdict, which is its success if it came to an end of its own."""
    if is_right is None:
        return row
    verdict = "right" if is_right else "wrong"
    if row.ending not in _OWN_ENDS or row.success is is_right:  # known since it was said first
        return attrs.evolve(row, verdict=verdict, judged_by=by)
    return attrs.evolve(
        row, success=is_right, ended_position=position, verdict=verdict, judged_by=by
    )


def _imported(event: SampleRecorded, position: int) -> AttemptRow:
    count = event.deliverable_count
    return AttemptRow(
        position=position,
        run_id=event.run_id,
        phase_id=event.phase_id,
        category=event.category,
        complexity=event.complexity,
        estimates=1,
        predicted_output_tokens=event.predicted_output_tokens,
        paired_output_tokens=event.actual_output_tokens if event.split == MEASURED else None,
        budget_tokens=event.budget_tokens,
        ceiling_tokens=event.ceiling_tokens,
        estimator=event.estimator,
        estimator_version=event.estimator_version,
        success=event.success,
        source_truncated=event.truncated,
        source_split=event.split,
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


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


ATTEMPTS: Final = Attempts()
