"""Facts of the stream ``freezes``; names and fields are a format, like those of the library."""

from typing import Final

from autopack import event
from autopack.events.schema import Reason, ReasonText

STREAM: Final = "freezes"


@event("freeze.set")
class FreezeSet:
    """From now on nobody may begin a drain, and why."""

    name: Reason
    by: str
    why: ReasonText


@event("freeze.lifted")
class FreezeLifted:
    """The freeze of that name holds no longer, and why."""

    name: Reason
    by: str
    why: ReasonText


FreezeEvent = FreezeSet | FreezeLifted
