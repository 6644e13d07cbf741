"""Facts of an account's stream, ``account-<name>``: what a provider's limits let through."""

from typing import Annotated

from msgspec import Meta

from autopack.events.schema import Count, Instant, Key, Reason, ReasonText, Seconds, event

Share = Annotated[float, Meta(ge=0, le=1e6)]
"""A part of a whole, from 0; 1 is all of it, and beyond is what was used above a limit."""


@event("limit.reported")
class LimitReported:
    """
    A provider or its client told how much of a window is used.

    Written when the window, its reset or the whole percent changed. ``model`` is whose window it
    is, where it is not all models'; ``source`` is who told it.
    """

    account: Key
    window: str
    utilization: Share | None = None
    resets_at: Instant | None = None
    model: str | None = None
    source: str


@event("lane.rested")
class LaneRested:
    """
    Nobody is sent to an account, or to one model of it, until a moment.

    ``cause`` is the class of the failure that closed it, or ``leave``; ``wait_s`` is how long that
    is from when it was recorded, ``closed_at`` when the lane let somebody in last, and ``refused``
    how often in a row it has refused. The attempt is the one that was refused.
    """

    account: Key
    model: str | None = None
    cause: Reason
    until: Instant
    wait_s: Seconds
    closed_at: Instant
    refused: Count = 1
    window: str | None = None
    run_id: Key | None = None
    phase_id: Key | None = None
    lease_token: Key | None = None


@event("lane.probed")
class LaneProbed:
    """
    A rest is over, and one attempt goes ahead; all others wait for what becomes of it.

    Who is not refused by ``until`` was let in.
    """

    account: Key
    model: str | None = None
    run_id: Key
    phase_id: Key
    lease_token: Key
    until: Instant


@event("lane.opened")
class LaneOpened:
    """A lane lets everybody in again, and why; a person who opened it is named."""

    account: Key
    model: str | None = None
    why: ReasonText
    lease_token: Key | None = None
    by: str | None = None


AccountEvent = LimitReported | LaneRested | LaneProbed | LaneOpened
