"""Facts of a drain's stream, ``drain-<id>``: what was chosen, passed over, asked, and its end."""

from collections.abc import Mapping

import attrs

from autopack.events.schema import Count, Instant, Json, Key, Reason, ReasonText, Text, event


@event("drain.started", schema=2)
class DrainStarted:
    """
    A drain began; with what settings, strategy, executor and versions, in the log ``log_id``.

    A log that came by its events otherwise is another one, and runs nothing that they name.
    ``read_to`` is the position from which the drain followed the log.
    """

    drain_id: Key
    strategy: str
    executor: str
    worker: str
    settings: Mapping[str, Json] = attrs.Factory(dict)
    versions: Mapping[str, str] = attrs.Factory(dict)
    resumes: Key | None = None
    log_id: Key | None = None
    read_to: Count | None = None


@event("drain.launched")
class DrainLaunched:
    """
    A process was begun that goes on with the drain by itself, without whoever began it.

    ``output`` is the file into which it writes what it says, on that host.
    """

    drain_id: Key
    pid: Count
    host: str
    output: str


@event("drain.phase_selected", schema=2)
class DrainPhaseSelected:
    """
    The strategy chose a phase, and why.

    ``read_to`` is the position up to which the drain had read the log, and ``looked_at`` the time
    that it showed the strategy. ``circumstances`` is what was closed to it just then, and ``holds``
    what it held back of its own accord, as far as that changed since the worker's choice before;
    null lifts one. With these the choice follows from the log.
    """

    drain_id: Key
    run_id: Key
    phase_id: Key
    reason: ReasonText
    read_to: Count | None = None
    looked_at: Instant | None = None
    circumstances: Mapping[str, Json] = attrs.Factory(dict)
    holds: Mapping[Key, Json] = attrs.Factory(dict)


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


@event("drain.stopped", schema=2)
class DrainStopped:
    """
    The drain ended; why, with totals and how often phases were passed over.

    Where its strategy ended it, ``answer`` is ``stop``, or ``wait`` where nothing could come any
    more; ``worker`` asked it, and the rest is what it went by, as in ``drain.phase_selected``.
    """

    drain_id: Key
    reason: Reason
    detail: Text | None = None
    totals: Mapping[str, Json] = attrs.Factory(dict)
    passed_over: Mapping[str, int] = attrs.Factory(dict)
    worker: str | None = None
    answer: str | None = None
    read_to: Count | None = None
    looked_at: Instant | None = None
    circumstances: Mapping[str, Json] = attrs.Factory(dict)
    holds: Mapping[Key, Json] = attrs.Factory(dict)


@event("drain.set_requested")
class DrainSetRequested:
    """
    Somebody asks the processes at work on the drain to go by other settings from now on.

    ``settings`` has them by the names that ``drain.started`` has; null lifts one.
    """

    drain_id: Key
    settings: Mapping[str, Json]
    why: ReasonText
    actor: str


@event("drain.pause_requested")
class DrainPauseRequested:
    """Somebody asks the drain to take no phase; with *is_now*, to give back those in work too."""

    drain_id: Key
    actor: str
    why: Text | None = None
    is_now: bool = False


@event("drain.resume_requested")
class DrainResumeRequested:
    """Somebody asks a paused drain to take phases again."""

    drain_id: Key
    actor: str
    why: Text | None = None


@event("drain.request_answered")
class DrainRequestAnswered:
    """
    A process at work on the drain has done what was asked, or says why it cannot.

    ``request`` is the version that the request has in the drain's stream; ``answer`` is ``set``,
    ``paused``, ``resumed`` or ``refused``.
    """

    drain_id: Key
    worker: str
    request: Count
    answer: Reason
    detail: Text | None = None


DrainRequest = DrainSetRequested | DrainPauseRequested | DrainResumeRequested
"""What people ask of a drain while it runs."""

DrainEvent = (
    DrainStarted
    | DrainLaunched
    | DrainPhaseSelected
    | DrainPassedOver
    | DrainBreakerTripped
    | DrainStopped
    | DrainRequest
    | DrainRequestAnswered
)
