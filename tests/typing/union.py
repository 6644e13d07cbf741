"""A match over the closed union of core events: a new event that is not handled fails mypy."""

from typing import assert_never

from autopack.events import (
    ArtifactsPruned,
    BudgetEscalated,
    CalibrationApplied,
    CalibrationProposed,
    CalibrationRejected,
    CapAsked,
    CapDecided,
    CapReserved,
    CapSet,
    CapSettled,
    CoreEvent,
    DrainBreakerTripped,
    DrainLaunched,
    DrainPassedOver,
    DrainPauseRequested,
    DrainPhaseSelected,
    DrainRequestAnswered,
    DrainResumeRequested,
    DrainSetRequested,
    DrainStarted,
    DrainStopped,
    HeadSigned,
    LaneOpened,
    LaneProbed,
    LaneRested,
    LimitReported,
    LlmUsageAmended,
    LlmUsageRecorded,
    PhaseAlarmed,
    PhaseCancelled,
    PhaseChecked,
    PhaseCheckpointed,
    PhaseCheckpointsDropped,
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
    PhaseResultLate,
    PhaseSkipped,
    PhaseStarted,
    PhaseSubmitted,
    PhaseTimedOut,
    RunCreated,
    RunFinished,
    RunPaused,
    RunPrepared,
    RunPrepareFailed,
    RunReopened,
    RunResumed,
    SampleRecorded,
    SubscriptionEventSkipped,
    WorkspaceClosed,
    WorkspaceCommitted,
    WorkspaceIntegrated,
    WorkspaceOpened,
)


def subject(event: CoreEvent) -> str:
    """Return what an event is about; every one of the union is named."""
    match event:
        case RunCreated(run_id=run) | RunPaused(run_id=run) | RunResumed(run_id=run):
            return run
        case RunFinished() | RunReopened() | RunPrepared() | RunPrepareFailed():
            return event.run_id
        case PhaseQueued(phase_id=phase) | PhaseEstimated(phase_id=phase):
            return phase
        case PhaseClaimed() | PhaseStarted() | BudgetEscalated() | PhaseCompleted():
            return event.phase_id
        case PhaseFailed() | PhaseTimedOut() | PhaseResultLate() | PhaseReleased():
            return event.phase_id
        case PhaseReclaimed() | PhaseRequeued() | PhaseGated() | PhaseGateDecided():
            return event.phase_id
        case PhaseSubmitted() | PhaseSkipped() | PhaseCancelled() | PhaseInherited():
            return event.phase_id
        case PhaseAlarmed() | PhaseChecked() | PhaseJudged():
            return event.phase_id
        case LlmUsageRecorded(call_id=call) | LlmUsageAmended(call_id=call):
            return call
        case SampleRecorded():
            return event.category
        case DrainStarted() | DrainPhaseSelected() | DrainPassedOver() | DrainStopped():
            return event.drain_id
        case DrainBreakerTripped() | DrainRequestAnswered() | DrainLaunched():
            return event.drain_id
        case DrainSetRequested() | DrainPauseRequested() | DrainResumeRequested():
            return event.actor
        case CalibrationProposed() | CalibrationApplied() | CalibrationRejected():
            return event.estimator
        case CapSet() | CapReserved() | CapSettled() | CapAsked() | CapDecided():
            return event.scope
        case LimitReported() | LaneRested() | LaneProbed() | LaneOpened():
            return event.account
        case SubscriptionEventSkipped(subscription=name):
            return name
        case ArtifactsPruned():
            return event.by
        case HeadSigned(public_key=key):
            return key
        case WorkspaceOpened() | WorkspaceCommitted() | WorkspaceIntegrated() | WorkspaceClosed():
            return event.phase_id
        case PhaseCheckpointed() | PhaseCheckpointsDropped():
            return event.phase_id
        case _:
            assert_never(event)
