"""
As of which moment each event counts, whatever the clock said that recorded it.

``recorded_at`` is the clock's word. An event counts as of the greatest word so far: the running
maximum of ``recorded_at``. Words that were far ahead are left out of it. All of it follows from the
words alone, in order of position; times are microseconds, a day is 86,400,000,000.

Let ``m(i)`` be the moment as of which event ``i`` counts, and ``r`` the word of the next, ``n``.

1. ``r >= m(n-1)``, or there is no event yet: ``m(n) = r``.
2. ``r >= m(n-1) - day``: the clock went back, or another machine's is behind; ``m(n) = m(n-1)``.
3. Else somebody is wrong by more than a day. Let ``g`` be the last event with ``m(g) <= r``, or 0,
   and ``k`` the last one whose own word is the maximum. Events ``g+1`` to ``k`` say later than
   ``r``. They are *left out* if

   - they began with a leap: ``g > 0`` and ``m(g+1) - m(g) > day``; or ``g = 0`` and
     ``m(k) - m(1) <= day``, so that the whole log was told within a day; or
   - they are outnumbered: ``n - k >= k - g``.

   Then ``m(n) = r``, and ``m(i) = m(g)`` for every ``i`` from ``g+1`` to ``n-1``; ``r`` if
   ``g = 0``. Otherwise it is ``r`` that is wrong, and ``m(n) = m(n-1)``.

So ``m`` never decreases, and a moment ends after the last event with ``m(i) <= moment``. What is
kept beside the events are the stretches in which ``m`` is not the event's own word; most logs have
none.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, Protocol

from autopack.ports.backend import ClockHold

FAR_US: Final = 24 * 3600 * 1_000_000


class Counted(Protocol):
    """What is known of the events so far."""

    def as_of(self, position: int) -> int:
        """Return the moment as of which an event counts."""

    def clock_hold(self, position: int) -> ClockHold | None:
        """Return the stretch in which an event stands, if it counts by another's word."""


def held(known: Counted, head: int, as_of: int, word: int, n: int) -> ClockHold | None:
    """
    Return the stretch that *n* more events make, recorded when a clock said *word*.

    Stretches that begin at its first event, or later, are replaced by it; None changes nothing.

    Args:
        head: The last position so far.
        as_of: The moment as of which it counts.
    """
    if not head or word >= as_of:
        return None
    current = known.clock_hold(head)
    first = current.first if current else head + 1
    if word < as_of - FAR_US:
        found = _left_out(known, head, as_of, word, n, first)
        if found is not None:
            return found
    return ClockHold(first=first, last=head + n, as_of=as_of, is_left_out=False)


def _left_out(
    known: Counted, head: int, as_of: int, word: int, n: int, first: int
) -> ClockHold | None:
    """Return the stretch of those who say later than *word*, if it is they who are wrong."""
    greatest = first - 1
    before = last_by(known, word, head)
    if before:
        base = known.as_of(before)
        has_leapt = known.as_of(before + 1) - base > FAR_US
    else:
        base = word
        has_leapt = as_of - known.as_of(1) <= FAR_US
    needed = 1 if has_leapt else max(1, greatest - before - (head - greatest))
    if n < needed:
        return None
    return ClockHold(first=before + 1, last=head + needed - 1, as_of=base, is_left_out=True)


def last_by(known: Counted, moment: int, head: int) -> int:
    """Return the last position that counts as of *moment* or earlier, by halving; 0 if none."""
    low, high = 0, head
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if known.as_of(middle) <= moment else (low, middle - 1)
    return low


def hold_of(holds: Sequence[ClockHold], position: int) -> ClockHold | None:
    """Return the one of *holds*, in order, in which a position stands."""
    index = bisect_right(holds, position, key=lambda hold: hold.first) - 1
    return holds[index] if index >= 0 and holds[index].last >= position else None


def replacing(holds: Sequence[ClockHold], hold: ClockHold) -> list[ClockHold]:
    """Return *holds* with one more, in the place of those that begin with it or later."""
    end = bisect_right(holds, hold.first - 1, key=lambda one: one.first)
    return [*holds[:end], hold]


class Count:
    """The moments of a log that is read from its first event on."""

    def __init__(self) -> None:
        self.holds: list[ClockHold] = []
        self._words = array("q")

    def add(self, word: int) -> None:
        """Count one more event, recorded when a clock said *word*."""
        head = len(self._words)
        hold = held(self, head, self.as_of(head), word, 1) if head else None
        self._words.append(word)
        if hold is not None:
            self.holds = replacing(self.holds, hold)

    def as_of(self, position: int) -> int:
        """Return the moment as of which an event counts."""
        hold = hold_of(self.holds, position)
        return self._words[position - 1] if hold is None else hold.as_of

    def clock_hold(self, position: int) -> ClockHold | None:
        """Return the stretch in which an event stands."""
        return hold_of(self.holds, position)
