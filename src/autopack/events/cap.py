"""Facts of a cap's stream, ``cap-<scope>``."""

from autopack.events.cap_table import NO_CAPS, CapTable
from autopack.events.schema import Count, Key, Minutes, ReasonText, Tokens, event
from autopack.values.money import Usd, UsdSum


@event("cap.set")
class CapSet:
    """A scope has these caps from here on; without any, none."""

    scope: Key
    max_tokens: Tokens | None = None
    max_usd: Usd | None = None
    by: str
    why: ReasonText
    max_attempts: Count | None = None
    max_minutes: Minutes | None = None


@event("cap.reserved")
class CapReserved:
    """A claim set aside what its attempt may use."""

    scope: Key
    lease_token: Key
    tokens: Tokens | None = None
    usd: UsdSum | None = None


@event("cap.settled")
class CapSettled:
    """
    What the attempt used replaces what was set aside for it.

    *attempts* is more than 1 only where it stands for all that was done before the cap was set.
    *worked_us* is how long they were at work, in microseconds.
    """

    scope: Key
    lease_token: Key
    tokens: Tokens | None = None
    usd: UsdSum | None = None
    attempts: Count = 1
    worked_us: Count = 0


@event("cap.asked")
class CapAsked:
    """What a claim would set aside does not fit any more, and the owner is asked; claims wait."""

    scope: Key
    unit: str
    by: str
    why: ReasonText


@event("cap.decided")
class CapDecided:
    """The owner's answer: the caps that are raised, to what, by unit; none is a no."""

    scope: Key
    raise_to: CapTable = NO_CAPS
    by: str
    why: ReasonText


CapEvent = CapSet | CapReserved | CapSettled | CapAsked | CapDecided
