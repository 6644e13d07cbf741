"""Facts of a drain's stream, ``drain-<id>``: what was chosen, passed over, and why it ended."""

from collections.abc import Mapping

import attrs

from autopack.events.schema import Json, Key, Reason, ReasonText, Text, event


@event("drain.started", schema=2)
class DrainStarted:
    """
    A drain began; with what settings, strategy, executor and versions, in the log ``log_id``.

    A log that came by its events otherwise is another one, and runs nothing that they name.
    """

    drain_id: Key
    strategy: str
    executor: str
    worker: str
    settings: Mapping[str, Json] = attrs.Factory(dict)
    versions: Mapping[str, str] = attrs.Factory(dict)
    resumes: Key | None = None
    log_id: Key | None = None


@event("drain.phase_selected")
class DrainPhaseSelected:
    """The strategy chose a phase, and why."""

    drain_id: Key
    run_id: Key
    phase_id: Key
    reason: ReasonText


@event("drain.passed_over")
class DrainPassedOver:
    """
    A phase cannot be taken now; written only when its reason changes within the drain.

    Without a phase it is said of *count* phases of the run at once.
    """

    drain_id: Key
    run_id: Key
    phase_id: Key | None
    reason: ReasonText
    count: int = 1


@event("drain.breaker_tripped")
class DrainBreakerTripped:
    """
    A failure came so often that this drain goes on without it: without the run, or not at all.

    ``scope`` is ``run`` or ``drain``; ``count`` is how often it was seen.
    """

    drain_id: Key
    scope: str
    reason: ReasonText
    run_id: Key | None = None
    fingerprint: str | None = None
    count: int = 0


@event("drain.stopped")
class DrainStopped:
    """The drain ended; why, with totals and how often phases were passed over."""

    drain_id: Key
    reason: Reason
    detail: Text | None = None
    totals: Mapping[str, Json] = attrs.Factory(dict)
    passed_over: Mapping[str, int] = attrs.Factory(dict)


DrainEvent = (
    DrainStarted | DrainPhaseSelected | DrainPassedOver | DrainBreakerTripped | DrainStopped
)
