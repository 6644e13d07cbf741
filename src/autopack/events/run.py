"""Facts of a run's own stream, ``run-<id>``."""

from collections.abc import Mapping
from typing import Literal

import attrs

from autopack.events.cap_table import NO_CAPS, CapTable
from autopack.events.schema import (
    Count,
    Digests,
    Instant,
    Json,
    Key,
    Reason,
    ReasonText,
    Seconds,
    Text,
    Tokens,
    event,
)
from autopack.values.money import Usd

Outcome = Literal["succeeded", "failed", "cancelled", "unrecorded"]


@event("run.created", schema=4)
class RunCreated:
    """
    A run exists; what its phases have in common, and the checks of those that name none.

    ``workspace`` is who keeps a folder for each attempt: a name, or a table with it and options.
    A fork names its parent, and the position of the log at which they part.
    """

    run_id: Key
    goal: Text | None = None
    settings: Mapping[str, Json] = attrs.Factory(dict)
    caps: CapTable = NO_CAPS
    labels: Mapping[str, str] = attrs.Factory(dict)
    forked_from: Key | None = None
    source_fields: Mapping[str, Json] = attrs.Factory(dict)
    workspace: Json = None
    checks: tuple[Mapping[str, Json], ...] | None = None
    forked_at: Count | None = None


@event("run.prepared")
class RunPrepared:
    """What the run starts from was captured, once."""

    run_id: Key
    commit: str | None = None
    environment: Mapping[str, str] = attrs.Factory(dict)
    artifacts: Digests = attrs.Factory(dict)
    summary: Text | None = None
    duration_s: Seconds | None = None


@event("run.prepare_failed")
class RunPrepareFailed:
    """The run's starting point could not be captured; none of its phases was claimed."""

    run_id: Key
    code: Reason
    message: ReasonText
    duration_s: Seconds | None = None


@event("phase.queued", schema=4)
class PhaseQueued:
    """
    A phase is waiting; its index gives the order within the run.

    ``touches`` are patterns of the files that it will change: those that can meet are kept apart.
    ``requires`` are the amounts and words, by name, that whoever works at it must offer.
    ``checks`` are what its work is judged by: ``name``, ``run`` or ``use``, ``options`` and
    ``timeout_s`` of each. None leaves it to the run, and an empty list to nobody.
    """

    run_id: Key
    phase_id: Key
    index: int
    category: str
    complexity: str
    tier: str | None = None
    deliverables: tuple[str, ...] = ()
    goal: Text | None = None
    payload: Json = None
    inputs: Digests = attrs.Factory(dict)
    model: str | None = None
    priority: int = 0
    after: tuple[Key, ...] = ()
    touches: tuple[str, ...] = ()
    timeout_s: Seconds | None = None
    max_attempts: int = 3
    prompt_tokens: int | None = None
    max_tokens: Tokens | None = None
    max_usd: Usd | None = None
    labels: Mapping[str, str] = attrs.Factory(dict)
    source_fields: Mapping[str, Json] = attrs.Factory(dict)
    checks: tuple[Mapping[str, Json], ...] | None = None
    requires: Mapping[str, Json] = attrs.Factory(dict)


@event("run.paused")
class RunPaused:
    """No phase of the run may be claimed until it is resumed."""

    run_id: Key
    why: ReasonText
    actor: str


@event("run.resumed")
class RunResumed:
    """Phases may be claimed again."""

    run_id: Key
    why: ReasonText
    actor: str


@event("run.finished")
class RunFinished:
    """No phase of the run has work ahead."""

    run_id: Key
    outcome: Outcome
    why: Text | None = None
    phases_by_state: Mapping[str, int] = attrs.Factory(dict)
    source_fields: Mapping[str, Json] = attrs.Factory(dict)


@event("run.reopened")
class RunReopened:
    """A finished run has work again: a phase was queued or requeued."""

    run_id: Key
    why: ReasonText
    not_before: Instant | None = None


RunEvent = (
    RunCreated
    | RunPrepared
    | RunPrepareFailed
    | PhaseQueued
    | RunPaused
    | RunResumed
    | RunFinished
    | RunReopened
)
