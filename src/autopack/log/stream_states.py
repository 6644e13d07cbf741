"""Streams folded to their states as of now, kept so that only a stream's tail is ever read."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, TypeVar

from autopack.log.journal import Journal
from autopack.log.write_transaction import PAGE
from autopack.ports.backend import Reader
from autopack.ports.log import Recorded

S = TypeVar("S")

_KEPT_MOST: Final = 8192


class StreamStates(Generic[S]):
    """
    States by stream with their versions; safe to use from any thread.

    What is known may be behind the log. Whoever decides by it asserts its version, or catches up
    within the write transaction.

    Args:
        step: Returns a state after an event; the state is never changed in place.
        initial: The state of a stream without events.
    """

    def __init__(self, journal: Journal, step: Callable[[S, Recorded[Any]], S], initial: S) -> None:
        self._journal, self._step, self._initial = journal, step, initial
        self._states: OrderedDict[str, tuple[int, S]] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, stream: str) -> tuple[int, S]:
        """Return the version and the state as known, and read them if the stream is not known."""
        with self._lock:
            found = self._states.get(stream)
        return self.caught_up(stream) if found is None else found

    def held(self, stream: str) -> S | None:
        """Return the state as known, without looking into the log; None if nothing is."""
        with self._lock:
            found = self._states.get(stream)
        return None if found is None else found[1]

    def caught_up(self, stream: str, reader: Reader | None = None) -> tuple[int, S]:
        """
        Return the version and the state as of now.

        Args:
            reader: A transaction's own, before anything is appended in it.
        """
        source = reader or self._journal.backend
        with self._lock:
            version, state = self._states.get(stream, (0, self._initial))
        while rows := source.stream_page(stream, after_version=version, limit=PAGE):
            for recorded in self._journal.decode(rows):
                state = self._step(state, recorded)
            version = rows[-1][3]
            if len(rows) < PAGE:
                break
        return self._keep(stream, version, state)

    def expect_new(self, stream: str) -> None:
        """Take it that a stream has no events, if nothing is known of it, so that none are read."""
        with self._lock:
            self._states.setdefault(stream, (0, self._initial))

    def learn(self, events: Iterable[Recorded[Any]]) -> None:
        """Fold events that were just recorded, where they follow on what is known."""
        for recorded in events:
            with self._lock:
                version, state = self._states.get(recorded.stream, (-1, self._initial))
                if version + 1 == recorded.version:
                    after = self._step(state, recorded)
                    self._states[recorded.stream] = recorded.version, after

    def _keep(self, stream: str, version: int, state: S) -> tuple[int, S]:
        with self._lock:
            there = self._states.get(stream)
            if there is not None and there[0] > version:
                return there  # another thread came further
            self._states[stream] = version, state
            self._states.move_to_end(stream)
            if len(self._states) > _KEPT_MOST:
                self._states.popitem(last=False)
        return version, state
