"""The phase board: every phase as it stands, with counts by run and state."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import attrs
from rpds import HashTrieMap

from autopack.aggregates import phase
from autopack.aggregates.phase import PhaseState
from autopack.aggregates.phase.state import GATE_VERDICTS, judge_of
from autopack.events import (
    LlmUsageRecorded,
    PhaseChecked,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseInherited,
    PhaseJudged,
    PhaseQueued,
    PhaseReclaimed,
    PhaseReleased,
    PhaseRequeued,
    PhaseSubmitted,
    PhaseTimedOut,
)
from autopack.events.phase import PhaseEvent
from autopack.ports.log import Recorded
from autopack.ports.states import LIVE, PhaseStatus
from autopack.ports.work import PhaseView

_PHASE_EVENTS: Final = PhaseEvent.__args__
_QUEUED: Final = PhaseStatus.QUEUED


@attrs.frozen(kw_only=True)
class BoardTotal:
    """
    Phases by state for each run, and the keys of those that a worker holds.

    Args:
        ordered: How many queued phases of a run come after others; no run is in it without one.
    """

    by_run: Mapping[str, Mapping[str, int]] = attrs.Factory(dict)
    live: tuple[str, ...] = ()
    ordered: Mapping[str, int] = attrs.Factory(dict)

    def by_state(self) -> dict[str, int]:
        """Return the number of phases in each state over all runs."""
        counts: dict[str, int] = {}
        for states in self.by_run.values():
            for state, n in states.items():
                counts[state] = counts.get(state, 0) + n
        return dict(sorted(counts.items()))


class PhaseBoard:
    """Every queued phase by ``RUN/PHASE``; phases that were never queued are left out."""

    name: Final = "phases"
    version: Final = 10
    types: Final[tuple[type, ...]] = (PhaseQueued, LlmUsageRecorded, *_PHASE_EVENTS)
    row_type: Final = PhaseView
    total_type: Final = BoardTotal

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return ``RUN/PHASE``."""
        event = recorded.event
        if event.run_id is None or event.phase_id is None:
            return None
        return f"{event.run_id}/{event.phase_id}"

    def project(self, row: PhaseView | None, recorded: Recorded[Any]) -> PhaseView | None:
        """Return the phase after the event."""
        event = recorded.event
        if isinstance(event, PhaseQueued):
            return row or _queued(event, recorded.position)
        if row is None:
            return None
        if isinstance(event, LlmUsageRecorded):
            ours = not event.late and event.attempt == row.attempts
            return attrs.evolve(
                row,
                calls=row.calls + 1,
                calls_this_attempt=row.calls_this_attempt + (1 if ours else 0),
            )
        return _moved(row, event, recorded)

    def initial_total(self) -> BoardTotal:
        """Return the counts of an empty board."""
        return BoardTotal()

    def total(
        self, total: BoardTotal, before: PhaseView | None, after: PhaseView | None
    ) -> BoardTotal:
        """Return the counts after one phase changed."""
        was = before.status if before else None
        now = after.status if after else None
        row = before or after
        if was == now or row is None:
            return total
        by_run = _shared(total.by_run)
        states = dict(by_run.get(row.run_id) or {})
        if was is not None:
            states[was] -= 1
            if not states[was]:
                del states[was]
        if now is not None:
            states[now] = states.get(now, 0) + 1
        live = total.live
        if (was in LIVE) != (now in LIVE):
            live = tuple(key for key in live if key != row.key)
            live = (*live, row.key) if now in LIVE else live
        ordered = total.ordered
        if row.after and (was is _QUEUED or now is _QUEUED):
            ordered = _counted(_shared(ordered), row.run_id, 1 if now is _QUEUED else -1)
        return BoardTotal(by_run=by_run.insert(row.run_id, states), live=live, ordered=ordered)


def standing(event: PhaseQueued, state: PhaseState) -> PhaseView:
    """Return a phase as its own stream says that it stands; its order is that of its run."""
    return attrs.evolve(_queued(event, event.index + 1), **_state_fields(state))


def _shared(counts: Mapping[str, Any]) -> "HashTrieMap[str, Any]":
    """Return counts by run as a map that shares its parts: a change costs the same with many."""
    return counts if isinstance(counts, HashTrieMap) else HashTrieMap(counts)


def _counted(counts: "HashTrieMap[str, int]", run_id: str, more: int) -> "HashTrieMap[str, int]":
    n = counts.get(run_id, 0) + more
    return counts.insert(run_id, n) if n else counts.remove(run_id)


def _queued(event: PhaseQueued, position: int) -> PhaseView:
    return PhaseView(
        run_id=event.run_id,
        phase_id=event.phase_id,
        order=position,
        index=event.index,
        category=event.category,
        complexity=event.complexity,
        tier=event.tier,
        deliverables=event.deliverables,
        goal=event.goal,
        payload=event.payload,
        inputs=event.inputs,
        model=event.model,
        priority=event.priority,
        after=event.after,
        touches=event.touches,
        requires=event.requires,
        timeout_s=event.timeout_s,
        max_attempts=event.max_attempts,
        prompt_tokens=event.prompt_tokens,
        max_tokens=event.max_tokens,
        max_usd=event.max_usd,
        labels=event.labels,
        checks=event.checks,
    )


def _moved(row: PhaseView, event: PhaseEvent, recorded: Recorded[Any]) -> PhaseView:
    state = phase.evolve(
        PhaseState(
            status=row.status,
            attempts=row.attempts,
            spent=row.attempts_spent,
            lease_token=row.lease_token,
            handle=row.handle,
            worker=row.worker,
            not_before=row.not_before,
            wait_s=row.wait_s,
            escalated_tokens=row.escalated_tokens,
            is_right=row.is_right,
            feedback=row.feedback,
        ),
        event,
    )
    changes = {**_state_fields(state), **_told(event), "judged_by": _judge(row, event)}
    if state.status is PhaseStatus.SUBMITTED and isinstance(event, PhaseSubmitted):
        changes["poll_at"] = recorded.recorded_at + timedelta(seconds=event.poll_after_s)
    elif state.handle is None:
        changes["poll_at"] = None
    if state.status is not row.status:
        changes["since"] = recorded.occurred_at
    return attrs.evolve(row, **changes)


def _state_fields(state: PhaseState) -> dict[str, Any]:
    return {
        "status": state.status,
        "attempts": state.attempts,
        "attempts_spent": state.spent,
        "lease_token": state.lease_token,
        "handle": state.handle,
        "worker": state.worker,
        "not_before": state.not_before,
        "wait_s": state.wait_s,
        "escalated_tokens": state.escalated_tokens,
        "is_right": state.is_right,
        "feedback": state.feedback,
    }


def _told(event: PhaseEvent) -> dict[str, Any]:
    match event:
        case PhaseEstimated(predicted_output_tokens=tokens, budget_tokens=budget):
            return {"predicted_output_tokens": tokens, "budget_tokens": budget}
        case PhaseClaimed(model=model, executor=executor):
            return {"calls_this_attempt": 0, "last_model": model, "last_executor": executor}
        case PhaseCompleted():
            return _ended(event, None, None)
        case PhaseFailed():
            return _ended(event, event.code, event.message)
        case PhaseTimedOut():
            return {**_ended(event, "timed_out", event.message), "duration_s": event.timeout_s}
        case PhaseGated():
            return _ended(event, "gated", event.question)
        case PhaseGateDecided(decision="reject", why=why):
            return {"reason_code": "rejected", "reason": why}
        case PhaseChecked() | PhaseJudged():
            return {}
        case PhaseInherited():
            return {
                name: getattr(event, name)
                for name in ("reason_code", "reason", "outputs", "artifacts", "summary")
            }
        case PhaseReleased(why=why):
            return {"reason_code": "released", "reason": why}
        case PhaseReclaimed(why=why):
            return {"reason_code": "reclaimed", "reason": why}
        case PhaseRequeued(why=why):
            return {"reason_code": "requeued", "reason": why}
        case _:
            return {"reason": event.why, "reason_code": None} if hasattr(event, "why") else {}


def _judge(row: PhaseView, event: PhaseEvent) -> str | None:
    """Return who said last whether the work of the last attempt is right."""
    match event:
        case PhaseChecked() | PhaseJudged() if (event.attempt or row.attempts) == row.attempts:
            return judge_of(event) or row.judged_by
        case PhaseGateDecided(decision=decision, by=by) if decision in GATE_VERDICTS:
            return by
        case PhaseClaimed():
            return None
        case _:
            return row.judged_by


def _ended(
    event: PhaseCompleted | PhaseFailed | PhaseTimedOut | PhaseGated,
    code: str | None,
    reason: str | None,
) -> dict[str, Any]:
    return {
        "reason_code": code,
        "reason": reason,
        "duration_s": getattr(event, "duration_s", None),
        "zero_yield_reason": event.zero_yield_reason,
        "outputs": getattr(event, "outputs", {}),
        "artifacts": event.artifacts,
        "summary": getattr(event, "summary", None),
        "failure_class": getattr(event, "failure_class", None),
        "fingerprint": getattr(event, "fingerprint", None),
    }


PHASES: Final = PhaseBoard()
DONE_STATES: Final = (PhaseStatus.COMPLETE, PhaseStatus.SKIPPED)
FAILED_STATES: Final = (PhaseStatus.FAILED, PhaseStatus.TIMED_OUT)
