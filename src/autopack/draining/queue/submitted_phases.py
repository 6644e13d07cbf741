"""Which of the phases that providers have are to be asked for, and when."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from heapq import heappop, heappush
from itertools import count

from autopack.ports.work import PhaseView
from autopack.report.quantities import count as counted
from autopack.report.quantities import moment


class SubmittedPhases:
    """
    Keeps when each submitted phase is asked for next; what it does for one depends on no other.

    Args:
        rows: The submitted phases in scope by key, as they stand.
        take_new: Returns the keys of those that came, or changed, since it was asked last.
        is_once: Whether each is asked for once at most, if it is due, and none is waited for.
    """

    def __init__(
        self,
        rows: Mapping[str, PhaseView],
        take_new: Callable[[], Iterable[str]],
        *,
        is_once: bool = False,
    ) -> None:
        self._rows, self._take_new, self._is_once = rows, take_new, is_once
        self._due: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, int, str]] = []
        self._known: dict[str, tuple[str | None, str | None]] = {}
        self._left: dict[str, str] = {}
        self._refusing: dict[str, str] = {}
        self._rests: dict[str, datetime] = {}
        self._count = count()

    def __len__(self) -> int:
        return len(self._rows)

    def hear(self, now: datetime) -> None:
        """Take in those that are new: the clock that recorded them may have been ahead of ours."""
        for key in self._take_new():
            row = self._rows.get(key)
            if row is None or self._known.get(key) == (row.lease_token, row.handle):
                continue
            self._known[key] = row.lease_token, row.handle
            self._left.pop(key, None)
            at = row.poll_at or now
            longest = now if row.since is None else now + max(at - row.since, now - now)
            self.ask_at(key, min(at, longest))

    def ask_at(self, key: str, at: datetime) -> None:
        """Ask for a phase at a moment."""
        self._due[key] = at
        heappush(self._heap, (at, next(self._count), key))

    def due(self, now: datetime, room: int) -> list[str]:
        """Return the keys of up to *room* phases to be asked for now; they are not due any more."""
        found: list[str] = []
        while self._heap and self._heap[0][0] <= now and len(found) < room:
            at, _number, key = heappop(self._heap)
            row = self._rows.get(key)
            if row is None or self._due.get(key) != at or self.why_left(row) is not None:
                continue
            until = self._rests.get(row.last_executor or "", now)
            if until > now:
                self.ask_at(key, until)
                continue
            del self._due[key]
            found.append(key)
        return found

    def again(self, key: str, at: datetime) -> None:
        """Ask for a phase once more, unless each is asked for once."""
        if self._is_once:
            self._left.setdefault(key, "")
        else:
            self.ask_at(key, at)

    def rest(self, executor: str, until: datetime) -> None:
        """Ask an executor's provider for nothing until a moment."""
        self._rests[executor] = until

    def leave(self, key: str, why: str) -> None:
        """Ask for a phase no more."""
        self._left[key] = why

    def refuse(self, executor: str, why: str) -> None:
        """Ask for nothing of an executor's any more."""
        self._refusing[executor] = why

    def why_left(self, row: PhaseView) -> str | None:
        """Return why a phase is not asked for any more, by this drain; None if it is."""
        return self._left.get(row.key, self._refusing.get(row.last_executor or ""))

    def next_at(self, now: datetime) -> datetime | None:
        """Return when the next one is to be asked for; None if none is waited for."""
        while self._heap:
            at, _number, key = self._heap[0]
            row = self._rows.get(key)
            if row is not None and self._due.get(key) == at and self.why_left(row) is None:
                return None if self._is_once and at > now else at
            heappop(self._heap)
        return None

    def words(self, now: datetime) -> str:
        """Return how many are left with their providers, and when they may be asked for."""
        n, first = len(self._rows), min(self._due.values(), default=None)
        told = f"{counted(n, 'phase')} {'is' if n == 1 else 'are'} with a provider"
        whys = dict.fromkeys(why for row in self._rows.values() if (why := self.why_left(row)))
        if whys:
            return f"{told}: {'; '.join(list(whys)[:3])}"
        when = "now" if first is None or first <= now else f"at {moment(first, now)}"
        return f"{told}; any later drain asks for {'it' if n == 1 else 'them'}, the first {when}"
