"""Why a queued phase may not be claimed now."""

import enum
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import attrs

_SHOWN: Final = 3


class HeldBy(enum.Enum):
    """What holds a queued phase back."""

    RUN_PAUSED = enum.auto()
    RUN_HELD = enum.auto()
    PUT_OFF = enum.auto()
    ATTEMPTS_SPENT = enum.auto()
    PREDECESSOR = enum.auto()
    TOUCHES = enum.auto()
    REQUIRES = enum.auto()
    BACK_OFF = enum.auto()
    CLAIM_REFUSED = enum.auto()


@attrs.frozen
class Held:
    """
    Why a phase may not be claimed now: what holds it, and that in words.

    Args:
        by: What holds it.
        words: The same for a reader, with names and moments.
    """

    by: HeldBy
    words: str

    @classmethod
    def until(cls, due: datetime) -> "Held":
        """Return that a phase backs off until a moment."""
        return cls(HeldBy.BACK_OFF, f"backs off until {due.isoformat(timespec='milliseconds')}")

    @property
    def kind(self) -> str:
        """The words without the moment in them, so that phases that back off are one number."""
        return "backs off" if self.by is HeldBy.BACK_OFF else self.words


def in_words(reasons: Iterable[Held]) -> str:
    """Return the most common of some reasons, with how many phases each of them holds back."""
    counts = Counter(held.kind for held in reasons).most_common(_SHOWN)
    return "; ".join(f"{n} x {reason}" for reason, n in counts)
