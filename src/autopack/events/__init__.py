"""Every fact that the library itself records, by subject; the names here are a log format."""

from typing import Any, get_args

from autopack.events.account import (
    AccountEvent,
    LaneOpened,
    LaneProbed,
    LaneRested,
    LimitReported,
)
from autopack.events.alarm import PhaseAlarmed
from autopack.events.artifact import ArtifactEvent, ArtifactsPruned
from autopack.events.calibration import (
    CalibrationApplied,
    CalibrationEvent,
    CalibrationProposed,
    CalibrationRejected,
)
from autopack.events.cap import CapAsked, CapDecided, CapEvent, CapReserved, CapSet, CapSettled
from autopack.events.checkpoint import (
    CheckpointEvent,
    PhaseCheckpointed,
    PhaseCheckpointsDropped,
)
from autopack.events.drain import (
    DrainBreakerTripped,
    DrainEvent,
    DrainLaunched,
    DrainPassedOver,
    DrainPauseRequested,
    DrainPhaseSelected,
    DrainRequest,
    DrainRequestAnswered,
    DrainResumeRequested,
    DrainSetRequested,
    DrainStarted,
    DrainStopped,
)
from autopack.events.head import HeadEvent, HeadSigned
from autopack.events.phase import (
    BudgetEscalated,
    PhaseCancelled,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseEvent,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseInherited,
    PhaseReclaimed,
    PhaseReleased,
    PhaseRequeued,
    PhaseResultLate,
    PhaseSkipped,
    PhaseStarted,
    PhaseSubmitted,
    PhaseTimedOut,
)
from autopack.events.run import (
    PhaseQueued,
    RunCreated,
    RunEvent,
    RunFinished,
    RunPaused,
    RunPrepared,
    RunPrepareFailed,
    RunReopened,
    RunResumed,
)
from autopack.events.schema import event
from autopack.events.subscription import SubscriptionEvent, SubscriptionEventSkipped
from autopack.events.usage import LlmUsageAmended, LlmUsageRecorded, SampleRecorded, UsageEvent
from autopack.events.verdicts import PhaseChecked, PhaseJudged
from autopack.events.workspace import (
    WorkspaceClosed,
    WorkspaceCommitted,
    WorkspaceEvent,
    WorkspaceIntegrated,
    WorkspaceOpened,
)

CoreEvent = (
    RunEvent
    | PhaseEvent
    | UsageEvent
    | DrainEvent
    | CalibrationEvent
    | CapEvent
    | AccountEvent
    | SubscriptionEvent
    | ArtifactEvent
    | WorkspaceEvent
    | CheckpointEvent
    | HeadEvent
)
"""The closed union that the core folds; a plugin's events are never in it."""

CORE_EVENTS: tuple[type[Any], ...] = get_args(CoreEvent)

__all__ = [
    "CORE_EVENTS",
    "AccountEvent",
    "ArtifactEvent",
    "ArtifactsPruned",
    "BudgetEscalated",
    "CalibrationApplied",
    "CalibrationEvent",
    "CalibrationProposed",
    "CalibrationRejected",
    "CapAsked",
    "CapDecided",
    "CapEvent",
    "CapReserved",
    "CapSet",
    "CapSettled",
    "CheckpointEvent",
    "CoreEvent",
    "DrainBreakerTripped",
    "DrainEvent",
    "DrainLaunched",
    "DrainPassedOver",
    "DrainPauseRequested",
    "DrainPhaseSelected",
    "DrainRequest",
    "DrainRequestAnswered",
    "DrainResumeRequested",
    "DrainSetRequested",
    "DrainStarted",
    "DrainStopped",
    "HeadEvent",
    "HeadSigned",
    "LaneOpened",
    "LaneProbed",
    "LaneRested",
    "LimitReported",
    "LlmUsageAmended",
    "LlmUsageRecorded",
    "PhaseAlarmed",
    "PhaseCancelled",
    "PhaseChecked",
    "PhaseCheckpointed",
    "PhaseCheckpointsDropped",
    "PhaseClaimed",
    "PhaseCompleted",
    "PhaseEstimated",
    "PhaseEvent",
    "PhaseFailed",
    "PhaseGateDecided",
    "PhaseGated",
    "PhaseInherited",
    "PhaseJudged",
    "PhaseQueued",
    "PhaseReclaimed",
    "PhaseReleased",
    "PhaseRequeued",
    "PhaseResultLate",
    "PhaseSkipped",
    "PhaseStarted",
    "PhaseSubmitted",
    "PhaseTimedOut",
    "RunCreated",
    "RunEvent",
    "RunFinished",
    "RunPaused",
    "RunPrepareFailed",
    "RunPrepared",
    "RunReopened",
    "RunResumed",
    "SampleRecorded",
    "SubscriptionEvent",
    "SubscriptionEventSkipped",
    "UsageEvent",
    "WorkspaceClosed",
    "WorkspaceCommitted",
    "WorkspaceEvent",
    "WorkspaceIntegrated",
    "WorkspaceOpened",
    "event",
]
