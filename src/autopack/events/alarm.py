"""The fact that an attempt is past what almost all like it used, on its phase's own stream."""

from typing import Annotated

from msgspec import Meta

from autopack.events.schema import Attempt, Count, Key, ReasonText, event

Used = Annotated[float, Meta(ge=0, le=2**53)]
"""An amount in a measure: calls, tokens or seconds."""


@event("phase.alarmed")
class PhaseAlarmed:
    """
    An attempt in work has used more than the share *tau* of those like it that ended well.

    *used* and *predicted*, which these stayed under, are in *measure*: ``calls``,
    ``total_tokens`` or ``seconds``. ``like`` says who they are, and ``known`` how many.
    ``policy`` is what becomes of it: ``note`` lets it go on, ``ask`` leaves it to a person, and
    ``stop`` ends it.
    """

    run_id: Key
    phase_id: Key
    attempt: Attempt
    lease_token: Key
    measure: Key
    used: Used
    predicted: Used
    tau: float
    policy: Key
    like: str
    known: Count
    why: ReasonText
