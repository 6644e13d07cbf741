"""Events as they come, and subscriptions that stop at what they cannot take."""

import asyncio
import threading
from contextlib import closing

import pytest

from autopack import open_log
from autopack.errors import InvalidInputError, LogClosedError, StoredEventError
from autopack.events import RunPaused, SubscriptionEventSkipped
from autopack.log.log import journal_of
from autopack.log.write_transaction import PAGE
from autopack.ports.log import ANY
from autopack.testing.facts import created, paused, queued
from log.backends.test_verification import edit


def append(log, *events):
    """Append facts to one stream."""
    log.append("s", events, expected_version=ANY)


class TestFollow:
    """Following across threads, open logs and processes."""

    def test_another_open_log_of_the_file_is_followed(self, log_path):
        """What a second connection appends is yielded in order, without a gap."""
        seen = []
        with open_log(log_path) as reader, open_log(log_path) as writer:

            def write():
                for number in range(20):
                    append(writer, paused(str(number)))

            thread = threading.Thread(target=write)
            thread.start()
            for recorded in reader.follow():
                seen.append((recorded.position, recorded.event.why))
                if len(seen) == 20:
                    break
            thread.join()

        assert [(n + 1, str(n)) for n in range(20)] == seen

    def test_closing_ends_a_follower_that_waits(self, sqlite_log):
        """A follower that waits for news learns that its log was closed."""
        threading.Timer(0.1, sqlite_log.close).start()

        with pytest.raises(LogClosedError):
            list(sqlite_log.follow())

    def test_an_async_follower_yields_the_same(self, log):
        """The async form gives the same events and ends in the same way."""
        append(log, paused(), created(), paused())

        async def collect():
            return [r async for r in log.afollow(types=[RunPaused], until=lambda: True)]

        assert list(log.read_all(types=[RunPaused])) == asyncio.run(collect())

    def test_an_async_follower_that_is_far_behind_misses_nothing(self, log):
        """It reads page by page up to where the log stood, and then what has come since."""
        append(log, *[paused()] * (2 * PAGE + 1))

        async def collect():
            return [r.position async for r in log.afollow(after=1, until=lambda: True)]

        assert list(range(2, 2 * PAGE + 2)) == asyncio.run(collect())


class TestSubscribe:
    """A subscription remembers its place and is stopped by what it cannot take."""

    @pytest.fixture
    def damaged(self, log_path):
        """A log whose second of three events cannot be read."""
        with open_log(log_path) as log:
            append(log, paused("1"), paused("2"), paused("3"))
        edit(log_path, "UPDATE events SET data = '{}' WHERE position = 2")
        with closing(open_log(log_path)) as log:
            yield log

    def test_a_bad_event_stops_it_until_it_is_skipped(self, damaged):
        """It stands before the bad event, says so, and goes on once told to leave it out."""
        seen = []
        for _again in range(2):
            with pytest.raises(StoredEventError) as refused:
                damaged.subscribe("mail", seen.append)
        damaged.skip_event("mail", 2, why="the source was repaired by hand")
        handled = damaged.subscribe("mail", seen.append)

        assert "stopped before position 2" in refused.value.__notes__[0]
        assert [1, 3, 4] == [recorded.position for recorded in seen]
        assert 2 == handled
        assert (
            SubscriptionEventSkipped(
                subscription="mail", position=2, by="user", why="the source was repaired by hand"
            )
            == next(damaged.read("subscription-mail")).event
        )

    def test_other_subscriptions_go_on(self, damaged):
        """One that does not need the bad event's type is not stopped by it."""
        append(damaged, created())
        seen = []

        assert 1 == damaged.subscribe("runs", seen.append, types=[type(created())])
        assert [4] == [recorded.position for recorded in seen]

    def test_it_goes_on_past_what_it_does_not_name(self, log):
        """Events of other types move its place, so that they are looked at once."""
        append(log, paused(), queued(), paused())

        assert 1 == log.subscribe("q", lambda _r: None, types=[type(queued())])
        assert 3 == journal_of(log).backend.checkpoint("subscription:q").position

    def test_it_keeps_on_until_told(self, log):
        """With *until* it waits for news, and is asked whenever there is none."""
        append(log, paused("1"))
        seen = []

        def enough():
            if len(seen) == 1:
                append(log, paused("2"))
            return len(seen) == 2

        assert 2 == log.subscribe("mail", seen.append, until=enough)

    def test_one_that_stops_takes_nobody_back(self, log):
        """Two go on under one name; the place is that of the one who came further."""
        append(log, paused("1"))

        def slow(recorded):
            if recorded.position == 2:
                raise ValueError("no more")
            append(log, paused("2"))
            log.subscribe("mail", lambda _r: None)

        with pytest.raises(ValueError, match="no more"):
            log.subscribe("mail", slow)

        assert 0 == log.subscribe("mail", lambda _r: None)

    def test_an_async_handler_is_awaited(self, log):
        """The async form hands out the same events, and saves the same place."""
        append(log, paused("1"), paused("2"))
        seen = []

        async def handle(recorded):
            await asyncio.sleep(0)
            seen.append(recorded)

        assert 2 == asyncio.run(log.asubscribe("mail", handle, batch=1))
        assert list(log.read_all()) == seen
        assert 0 == log.subscribe("mail", seen.append)

    @pytest.mark.parametrize("position", [0, 3])
    def test_only_what_is_there_can_be_skipped(self, log, position):
        """A position that the log does not hold is refused, and nothing is recorded."""
        append(log, paused(), paused())
        with pytest.raises(InvalidInputError, match="1 to 2"):
            log.skip_event("mail", position, why="typo")

        assert [] == list(log.read("subscription-mail"))
