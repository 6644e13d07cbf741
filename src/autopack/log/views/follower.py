"""One reader of what is new in a log, for all who follow it within a process."""

from collections.abc import Callable, Sequence
from typing import Any

from autopack.log.journal import END, Journal
from autopack.log.write_transaction import PAGE
from autopack.ports.log import Recorded

Hear = Callable[[Sequence[Recorded[Any]]], None]


class Follower:
    """
    Reads each new event once, decodes it once, and tells it to everybody who listens.

    Args:
        position: After which event to begin.
        listeners: Called with the events of a page, in order.
    """

    def __init__(self, journal: Journal, *, position: int, listeners: Sequence[Hear] = ()) -> None:
        self.position = position
        self._journal, self._listeners = journal, list(listeners)

    def add(self, listener: Hear) -> None:
        """Tell another one too, from the next page on; one that is told already is told once."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    def catch_up(self) -> int:
        """Tell what is new by now; return the last position that was told."""
        source = self._journal.backend
        while rows := source.page(after=self.position, until=END, limit=PAGE):
            events = list(self._journal.decode(rows))
            self.position = rows[-1][0]
            for hear in self._listeners:
                hear(events)
            if len(rows) < PAGE:
                break
        return self.position
