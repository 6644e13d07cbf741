"""Whether a worker has what a phase requires, beside what it is at already."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from autopack.draining.queue.hold_reasons import Held, HeldBy
from autopack.ports.states import LIVE, PhaseStatus
from autopack.ports.work import PhaseView

Requirement: TypeAlias = tuple[tuple[str, Any], ...]
"""What a phase requires, in one order, so that those that require alike are one."""


def requirement_of(requires: Mapping[str, Any]) -> Requirement:
    """Return a table of amounts and words as one value."""
    made = ((name, tuple(v) if isinstance(v, list) else v) for name, v in requires.items())
    return tuple(sorted(made, key=lambda one: one[0]))


@attrs.frozen
class Offers:
    """
    What one worker offers: amounts that its phases share, and words that hold for all of them.

    Args:
        offered: By name.
    """

    offered: Mapping[str, Any]

    def lacking(self, requirement: Requirement) -> str | None:
        """Return what is required that is never there, in words; None if it all is."""
        for name, wanted in requirement:
            there = self.offered.get(name)
            if isinstance(wanted, tuple):
                words = there if isinstance(there, list) else ()
                if missing := [word for word in wanted if word not in words]:
                    return _missing(name, missing[0], there)
            elif not isinstance(there, int | float) or there < wanted:
                return _missing(name, f"{wanted:g}", there)
        return None

    def taken(self, requirement: Requirement, in_work: Iterable[Requirement]) -> str | None:
        """Return what is required that others have just now, in words; None if it is free."""
        amounts = {name: wanted for name, wanted in requirement if not isinstance(wanted, tuple)}
        left = {name: self.offered[name] for name in amounts}
        for other in in_work:
            for name, amount in other:
                if name in left and not isinstance(amount, tuple):
                    left[name] -= amount
        for name, wanted in amounts.items():
            if left[name] < wanted:
                return (
                    f"it requires {name} {wanted:g}, and of {self.offered[name]:g} that this "
                    f"drain offers {max(left[name], 0):g} is free"
                )
        return None


class Needs:
    """
    Which phases one worker has room for, kept up to date as its own work begins and ends.

    Phases that require alike are one: what it does for an event depends on how many kinds there
    are, not on how many phases.
    """

    def __init__(self, worker: str | None, offers: Offers | None) -> None:
        self._worker, self._offers = worker, offers
        self._in_work: dict[str, Requirement] = {}
        self._queued: dict[Requirement, set[str]] = {}
        self._kind: dict[str, Requirement] = {}
        self._has_room: dict[Requirement, bool] = {}

    def changed(self, rows: Iterable[tuple[str, PhaseView]]) -> set[str]:
        """Take note of phases as they stand; return the queued ones that turn on what changed."""
        is_other = False
        for key, row in rows if self._offers is not None else ():
            if row.requires:
                is_other |= self._note(key, row)
        if not is_other:
            return set()
        turned: set[str] = set()
        for kind, keys in self._queued.items():
            has_room = self._why(kind) is None
            if self._has_room.get(kind) is not has_room:
                self._has_room[kind] = has_room
                turned |= keys
        return turned

    def why_not(self, row: PhaseView) -> Held | None:
        """Return why there is no room for a phase; None if there is."""
        if self._offers is None or not row.requires:
            return None
        kind = self._kind.get(row.key) or requirement_of(row.requires)
        why = self._offers.lacking(kind) or self._why(kind)
        return None if why is None else Held(HeldBy.REQUIRES, why)

    def _note(self, key: str, row: PhaseView) -> bool:
        """Tell whether a phase now takes of what there is, or no longer does."""
        kind = self._kind.get(key)
        if kind is None:
            kind = self._kind[key] = requirement_of(row.requires)
        if row.status is PhaseStatus.QUEUED:
            self._queued.setdefault(kind, set()).add(key)
        else:
            self._queued.get(kind, set()).discard(key)
        is_ours = row.status in LIVE and row.worker == self._worker
        if is_ours == (key in self._in_work):
            return False
        if is_ours:
            self._in_work[key] = kind
        else:
            del self._in_work[key]
        return True

    def _why(self, kind: Requirement) -> str | None:
        offers = self._offers
        if offers is None or offers.lacking(kind) is not None:
            return None  # which no work of ours changes
        return offers.taken(kind, self._in_work.values())


def _missing(name: str, wanted: str, there: Any) -> str:
    if there is None:
        return f"it requires {name} {wanted}, and this drain offers no {name} (--offers)"
    told = ", ".join(there) if isinstance(there, list) else f"{there:g}"
    return f"it requires {name} {wanted}, and this drain offers {told}"
