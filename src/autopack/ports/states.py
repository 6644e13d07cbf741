"""The states of a phase and the moves between them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, TypeAlias


class PhaseStatus(StrEnum):
    """Where a phase stands."""

    QUEUED = "QUEUED"
    CLAIMED = "CLAIMED"
    RUNNING = "RUNNING"
    SUBMITTED = "SUBMITTED"
    GATED = "GATED"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


GateDecision: TypeAlias = Literal["approve", "reject", "requeue"]
"""What a person may answer to a phase's gate."""

_S = PhaseStatus

MOVES: Mapping[PhaseStatus, frozenset[PhaseStatus]] = MappingProxyType(
    {
        _S.QUEUED: frozenset({_S.CLAIMED, _S.SKIPPED, _S.CANCELLED}),
        _S.CLAIMED: frozenset({_S.RUNNING, _S.QUEUED, _S.FAILED, _S.CANCELLED}),
        _S.RUNNING: frozenset(
            {
                _S.SUBMITTED,
                _S.COMPLETE,
                _S.FAILED,
                _S.TIMED_OUT,
                _S.GATED,
                _S.QUEUED,
                _S.CANCELLED,
            }
        ),
        _S.SUBMITTED: frozenset(
            {_S.SUBMITTED, _S.COMPLETE, _S.FAILED, _S.GATED, _S.QUEUED, _S.CANCELLED}
        ),
        _S.GATED: frozenset({_S.COMPLETE, _S.FAILED, _S.QUEUED, _S.CANCELLED}),
        _S.FAILED: frozenset({_S.QUEUED, _S.GATED, _S.SKIPPED, _S.CANCELLED}),
        _S.TIMED_OUT: frozenset({_S.QUEUED, _S.GATED, _S.SKIPPED, _S.CANCELLED}),
        _S.SKIPPED: frozenset({_S.QUEUED}),
        _S.CANCELLED: frozenset({_S.QUEUED}),
        _S.COMPLETE: frozenset({_S.QUEUED}),
    }
)
"""Every allowed move; ``decide`` refuses all others, and the last but for work judged wrong."""

LIVE = frozenset({_S.CLAIMED, _S.RUNNING})
"""A worker holds the phase."""

BEGUN = LIVE | {_S.SUBMITTED}
"""An attempt has begun, and has not ended: with a worker, or with a provider that answers later."""

OPEN = BEGUN | {_S.QUEUED, _S.GATED}
"""The phase still has work or a decision ahead."""

FINAL = frozenset(_S) - OPEN
"""Nothing more happens by itself."""
