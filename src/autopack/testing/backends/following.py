"""How a backend is read on from a place."""

from typing import Any

import pytest

from autopack.errors import ForeignCursorError
from autopack.events import RunPaused
from autopack.log.backends.memory import MemoryBackend
from autopack.log.journal import Journal
from autopack.log.log import Log
from autopack.ports.log import Cursor, Recorded
from autopack.testing.facts import created, paused


class CursorContract:
    """A position means something in its own log only."""

    def test_a_cursor_of_this_log_goes_on(self, journal: Journal) -> None:
        """Reading after a cursor starts behind it."""
        journal.append("s", [paused(), paused()], expected_version=0)
        cursor = journal.head()
        journal.append("s", [paused()], expected_version=2)

        assert [3] == [r.position for r in journal.read_all(after=cursor)]

    def test_a_cursor_of_another_log_is_refused_by_name(self, journal: Journal) -> None:
        """The refusal names both logs."""
        foreign = Log(MemoryBackend()).head()

        with pytest.raises(ForeignCursorError) as refused:
            list(journal.read_all(after=foreign))

        assert (foreign.log_id, journal.log_id) == (
            refused.value.cursor_log,
            refused.value.this_log,
        )
        assert Cursor(journal.log_id, 0) == journal.head()

    def test_a_subscription_hands_out_each_event_once(self, journal: Journal, log: Log) -> None:
        """A saved cursor goes on where the last call ended; an error repeats only its event."""
        journal.append("s", [paused(str(n)) for n in range(5)], expected_version=0)
        seen = []

        def stumble(recorded: Recorded[Any]) -> None:
            seen.append(recorded.position)
            if recorded.position == 4 and seen.count(4) == 1:
                raise KeyError("stop")

        with pytest.raises(KeyError):
            log.subscribe("mail", stumble, batch=2)
        handled = log.subscribe("mail", stumble, batch=2)

        assert [1, 2, 3, 4, 4, 5] == seen
        assert 2 == handled
        assert 0 == log.subscribe("mail", stumble)

    def test_following_yields_what_is_there_and_ends_when_told(
        self, journal: Journal, log: Log
    ) -> None:
        """Following goes on after a place and asks whether to stop once nothing is new."""
        journal.append("s", [paused(), created(), paused()], expected_version=0)

        assert [2, 3] == [r.position for r in log.follow(after=1, until=lambda: True)]
        assert [1, 3] == [r.position for r in log.follow(types=[RunPaused], until=lambda: True)]
