"""Every exception that the library raises on purpose.

::

    AutopackError
    ├── InvalidNameError            a run, phase or view name that cannot be used
    ├── InvalidEventError           an event, or a value in it, that the log would not take
    ├── InvalidInputError           a run file, a phase spec or an option that is wrong
    ├── MachineFaultError           the machine lacks processes, threads or descriptors
    ├── LogError
    │   ├── LogMissingError         nothing at that path
    │   ├── LogExistsError          creating never opens
    │   ├── NotALogError            something else is at that path
    │   ├── NewerLogError           the file is of a later log format
    │   ├── ReadOnlyLogError        the file or its folder cannot be written
    │   ├── LogBusyError            another process held the write lock too long
    │   ├── LogFullError            no room is left where the log is
    │   ├── LogHinderedError        the machine could not read or write the log
    │   ├── LogClosedError          the log was closed, or under a reader
    │   ├── LogForkedError          a process that was forked goes on with its parent's log
    │   ├── LogGoneError            the files of an open log were removed or replaced
    │   ├── MomentLostError         a moment that a user without permission could not hold
    │   ├── UnfinishedCopyError     not all of what it is a copy of is there
    │   ├── OlderLogError           kept on a server as an earlier version did: upgrade it
    │   ├── LogDamagedError         the file is not what was written
    │   ├── VersionConflictError    the stream is not at the expected version
    │   ├── EventIdConflictError    the event id is known with other content
    │   │   └── UsageConflictError  the call is recorded with other figures
    │   ├── ForeignCursorError      a position of another log
    │   ├── ForeignPlaceError       a reader has read what the log does not hold
    │   └── ArtifactMissingError    no text under that digest
    ├── CodecError
    │   ├── NewerEventError         the event's schema is above the known one
    │   └── StoredEventError        a stored event that its type does not allow
    ├── CommandRefusedError
    │   ├── RunExistsError, RunMissingError, RunPausedError
    │   ├── PhaseExistsError, PhaseMissingError, MoveRefusedError, AttemptsSpentError,
    │   │   NothingToJudgeError
    │   ├── LeaseLostError          the phase is no longer this worker's
    │   ├── CapReachedError         a cap is used up
    │   ├── CapFullError            what a claim would set aside does not fit under a cap
    │   ├── LaneRestingError        nobody is sent to an account, or a model of it, for now
    │   ├── PriceUnknownError       a cap in USD, and a claim that nobody can price
    │   ├── NothingReadyError       a probe found no phase to try
    │   ├── EmptyLogError           nothing to drain, and that is suspicious
    │   ├── DrainUsedError          a drain is run once
    │   └── DrainRefusedError       a guard said no
    ├── UnknownNameError            no strategy, executor, ... of that name
    ├── PluginError                 a plugin that failed or broke its promise
    └── ImportRefusedError          a source that an importer cannot take
"""

from autopack.errors.base import (
    AutopackError,
    InvalidEventError,
    InvalidInputError,
    InvalidNameError,
    MachineFaultError,
)
from autopack.errors.extensions import (
    ImportRefusedError,
    PluginError,
    UnknownNameError,
)
from autopack.errors.logs import (
    ArtifactMissingError,
    EventIdConflictError,
    ForeignCursorError,
    ForeignPlaceError,
    LogBusyError,
    LogClosedError,
    LogDamagedError,
    LogError,
    LogExistsError,
    LogForkedError,
    LogFullError,
    LogGoneError,
    LogHinderedError,
    LogMissingError,
    MomentLostError,
    NewerLogError,
    NotALogError,
    OlderLogError,
    ReadOnlyLogError,
    UnfinishedCopyError,
    UsageConflictError,
    VersionConflictError,
)
from autopack.errors.refused import (
    AttemptsSpentError,
    CapFullError,
    CapReachedError,
    CommandRefusedError,
    DrainRefusedError,
    DrainUsedError,
    EmptyLogError,
    LaneRestingError,
    LeaseLostError,
    MoveRefusedError,
    NothingReadyError,
    NothingToJudgeError,
    PhaseExistsError,
    PhaseMissingError,
    PriceUnknownError,
    RunExistsError,
    RunMissingError,
    RunPausedError,
)
from autopack.errors.stored import (
    CodecError,
    NewerEventError,
    StoredEventError,
)

__all__ = [
    "ArtifactMissingError",
    "AttemptsSpentError",
    "AutopackError",
    "CapFullError",
    "CapReachedError",
    "CodecError",
    "CommandRefusedError",
    "DrainRefusedError",
    "DrainUsedError",
    "EmptyLogError",
    "EventIdConflictError",
    "ForeignCursorError",
    "ForeignPlaceError",
    "ImportRefusedError",
    "InvalidEventError",
    "InvalidInputError",
    "InvalidNameError",
    "LaneRestingError",
    "LeaseLostError",
    "LogBusyError",
    "LogClosedError",
    "LogDamagedError",
    "LogError",
    "LogExistsError",
    "LogForkedError",
    "LogFullError",
    "LogGoneError",
    "LogHinderedError",
    "LogMissingError",
    "MachineFaultError",
    "MomentLostError",
    "MoveRefusedError",
    "NewerEventError",
    "NewerLogError",
    "NotALogError",
    "NothingReadyError",
    "NothingToJudgeError",
    "OlderLogError",
    "PhaseExistsError",
    "PhaseMissingError",
    "PluginError",
    "PriceUnknownError",
    "ReadOnlyLogError",
    "RunExistsError",
    "RunMissingError",
    "RunPausedError",
    "StoredEventError",
    "UnfinishedCopyError",
    "UnknownNameError",
    "UsageConflictError",
    "VersionConflictError",
]
