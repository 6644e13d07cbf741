"""Lanes that rest: nobody is sent to who has just refused, and the first one back is a probe."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import attrs

from autopack.draining.attempts.backoff import Backoff

FORGOTTEN_AFTER: Final = timedelta(minutes=10)
"""A lane whose rest ended so long ago without a word from anybody is as good as new."""

_PROVEN_AFTER: Final = timedelta(minutes=5)
_LOOKS_AGAIN: Final = timedelta(seconds=1)
_WINDOW: Final = Backoff(base_s=60.0, cap_s=900.0)


@attrs.define
class _Rest:
    """Since when and until when a lane rests, and how often in a row it has been refused."""

    since: datetime
    until: datetime
    refused: int = 1


class RestingLanes:
    """
    One back-off for all who ask the same model.

    A refusal closes its lane: until the moment that the provider named, else for a back-off that
    grows with each refusal in a row. Attempts that had begun before are refused too, and make it no
    longer. Once the rest is over one phase goes ahead; when it is answered, the lane is open, and
    when it is refused, the lane rests again. What takes longer than five minutes is not refused.

    Args:
        backoff: How long a lane rests whose provider did not say; a plan's window that names no
            end is looked at again after one to fifteen minutes.
        draw: Draws a random number from 0 to 1.
    """

    def __init__(self, backoff: Backoff, *, draw: Callable[[], float] = random.random) -> None:
        self._backoff, self._draw = backoff, draw
        self._rests: dict[str, _Rest] = {}
        self._flights: dict[str, tuple[str, datetime]] = {}

    def begun(self, token: str, lane: str, at: datetime) -> None:
        """Take note that an attempt began."""
        self._flights[token] = (lane, at)

    def ended(self, token: str) -> None:
        """Take note that an attempt ended, whatever that says of its lane."""
        self._flights.pop(token, None)

    def answered(self, token: str, lane: str) -> None:
        """Take note that an attempt was answered: its lane is open, if it began after the rest."""
        rest, flight = self._rests.get(lane), self._flights.get(token)
        if rest is not None and flight is not None and flight[1] >= rest.until:
            del self._rests[lane]

    def refused(
        self, token: str, lane: str, at: datetime, *, wait_s: float | None, is_window: bool = False
    ) -> None:
        """
        Let a lane rest, since an attempt in it was refused.

        Args:
            wait_s: What the provider asked for, if it did.
            is_window: Whether a plan's window is used up, which takes its time.
        """
        _lane, begun = self._flights.pop(token, (lane, at))
        rest = self._rests.get(lane)
        is_next = rest is None or begun >= rest.until
        n = 1 if rest is None else rest.refused + is_next
        if not is_next and wait_s is None:
            return
        backoff = _WINDOW if is_window else self._backoff
        rests_s = backoff.wait_s(n, draw=self._draw(), retry_after_s=wait_s)
        until = at + timedelta(seconds=rests_s)
        if rest is not None and until <= rest.until:
            rest.refused = n
        else:
            self._rests[lane] = _Rest(at, until, n)

    def closed(self, now: datetime) -> dict[str, datetime]:
        """Return the lanes that let nothing in now, with when to look again."""
        found = {}
        for lane, rest in list(self._rests.items()):
            if rest.since > now:  # by a clock that is ahead, or ours was set back
                rest.since, rest.until = now, rest.until - (rest.since - now)
            if rest.until > now:
                found[lane] = rest.until
            elif rest.until + FORGOTTEN_AFTER <= now and not self._probes(lane, rest):
                del self._rests[lane]
            elif probes := self._probes(lane, rest):
                if now - min(probes) > _PROVEN_AFTER:
                    del self._rests[lane]
                else:
                    found[lane] = now + _LOOKS_AGAIN
        return found

    def _probes(self, lane: str, rest: _Rest) -> list[datetime]:
        """Return since when attempts are in work that began once the rest was over."""
        flights = self._flights.values()
        return [begun for name, begun in flights if name == lane and begun >= rest.until]
