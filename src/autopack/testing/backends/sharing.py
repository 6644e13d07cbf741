"""How a backend is shared, closed, and told the time."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest

from autopack.errors import LogClosedError
from autopack.log.journal import Journal
from autopack.log.log import Log, journal_of
from autopack.ports.backend import Backend, ClockHold
from autopack.ports.log import ANY, NewEvent, Recorded
from autopack.testing.backends.constants import NOON
from autopack.testing.facts import paused

_LONG_S: Final = 30.0


class CommitContract:
    """Nothing is there before it is committed, and nobody comes between."""

    def test_nothing_is_seen_before_its_commit(self, journal: Journal) -> None:
        """A reader waits, or sees the log as it was; it never sees what may be rolled back."""
        written, is_committing = threading.Event(), threading.Event()
        seen: list[tuple[int, bool]] = []

        def write() -> None:
            with _setting(written), journal.transaction() as transaction:
                transaction.append_batch([("s", [paused()], 0)])
                written.set()
                looked.wait(0.3)  # a reader may have to wait for us, so we do not wait for ever
                is_committing.set()

        def look() -> None:
            written.wait(_LONG_S)
            seen.append((journal.backend.head().position, is_committing.is_set()))
            looked.set()

        looked = threading.Event()
        together(write, look)

        assert seen in ([(0, False)], [(0, True)], [(1, True)])
        assert 1 == journal.head().position

    def test_a_writer_waits_for_the_one_before(self, journal: Journal, log: Log) -> None:
        """Positions are given in commit order: one that was rolled back is no gap."""
        written, answers = threading.Event(), list[Recorded[Any]]()

        def give_up() -> None:
            with (
                _setting(written),
                contextlib.suppress(KeyError),
                journal.transaction() as transaction,
            ):
                transaction.append_batch([("s", [paused("first")], 0)])
                written.set()
                answered.wait(0.3)
                raise KeyError("power cut")

        def write() -> None:
            written.wait(_LONG_S)
            with _setting(answered):
                answers.extend(journal.append("s", [paused("second")], expected_version=0))

        answered = threading.Event()
        together(give_up, write)

        assert [(1, 1, "second")] == [(r.position, r.version, r.event.why) for r in answers]
        assert answers == list(journal.read_all())
        assert log.verify().is_clean

    def test_a_position_is_never_given_twice(self, journal: Journal) -> None:
        """What was answered for a position stays its event, whatever is written after."""
        given = [journal.append("s", [paused(str(n))], expected_version=n)[0] for n in range(4)]

        assert [1, 2, 3, 4] == [r.position for r in given]
        assert given == list(journal.read_all())
        assert 4 == journal.backend.last_given()


class ThreadContract:
    """A log can be shared between threads."""

    def test_several_threads_append_without_gaps(self, journal: Journal, log: Log) -> None:
        """Appends from threads get positions 1..n, versions in order, and a clean chain."""

        def work(name: str) -> None:
            for version in range(20):
                journal.append(f"s-{name}", [paused(name)], expected_version=version)
                journal.append("shared", [paused(name)], expected_version=ANY)

        together(*(partial(work, str(n)) for n in range(4)))

        assert list(range(1, 161)) == [r.position for r in journal.read_all()]
        assert list(range(1, 81)) == [r.version for r in journal.read("shared")]
        assert log.verify().is_clean

    def test_readers_see_prefixes_while_a_writer_writes(self, journal: Journal) -> None:
        """Whatever a reader sees meanwhile is 1..n without a gap, and n never shrinks."""
        done, seen = threading.Event(), []

        def read() -> None:
            while not done.is_set():
                seen.append([r.position for r in journal.read_all()])

        def write() -> None:
            with _setting(done):
                for _ in range(40):
                    journal.append("s", [paused(), paused()], expected_version=ANY)

        together(read, write)

        assert all(list(range(1, len(positions) + 1)) == positions for positions in seen)
        assert [len(p) for p in seen] == sorted(len(p) for p in seen)

    def test_a_read_does_not_see_half_of_a_batch(self, journal: Journal) -> None:
        """A batch appears whole, so the head is always at its end."""
        done, heads = threading.Event(), set()

        def watch() -> None:
            while not done.is_set():
                heads.add(journal.backend.head().position)

        def write() -> None:
            with _setting(done):
                for _ in range(30):
                    journal.append("s", [paused() for _ in range(5)], expected_version=ANY)

        together(watch, write)

        assert {head % 5 for head in heads} <= {0}


class ClosingContract:
    """A closed log says so."""

    def test_an_open_iterator_raises_after_close(self, journal: Journal) -> None:
        """Closing under a reader is loud, not a silent end."""
        journal.append("s", [paused() for _ in range(1500)], expected_version=0)
        reading = journal.read_all()
        next(reading)
        journal.close()

        with pytest.raises(LogClosedError):
            list(reading)

    def test_a_closed_log_refuses_everything(self, journal: Journal) -> None:
        """Reading and writing after close name the log; closing twice is fine."""
        journal.close()
        journal.close()

        with pytest.raises(LogClosedError):
            journal.append("s", [paused()], expected_version=0)
        with pytest.raises(LogClosedError):
            list(journal.read("s"))
        with pytest.raises(LogClosedError), journal.backend.snapshot():
            pass

    def test_close_waits_for_a_write_in_flight(self, journal: Journal) -> None:
        """A transaction that another thread began is committed before the log closes."""
        inside, answers = threading.Event(), []

        def write() -> None:
            with _setting(inside), journal.transaction() as transaction:
                inside.set()
                answers.extend(transaction.append_batch([("s", [paused()], 0)]))

        def close() -> None:
            inside.wait(_LONG_S)
            journal.close()

        together(write, close)

        assert [1] == [r.position for r in answers]


class TimeContract:
    """What clocks said is kept, and as of when events count is the greatest word so far."""

    def test_recorded_at_is_what_the_clock_said(self, backend: Backend) -> None:
        """A clock that goes backwards is told as it is; the order is the position's."""
        words = [100.0, 50.0, 120.0, 119.5]
        _record(backend, words)
        log = Log(backend)

        assert words == [r.recorded_at.timestamp() for r in log.read_all()]
        assert words == [r.occurred_at.timestamp() for r in log.read_all()]
        assert [100, 100, 120, 120] == [backend.as_of(n) / 1e6 for n in range(1, 5)]
        assert (119.5, 120) == (backend.head().recorded_at / 1e6, backend.head().as_of / 1e6)
        assert log.verify().is_clean

    def test_a_clock_that_was_far_ahead_is_left_out(self, backend: Backend) -> None:
        """Once a clock says otherwise, its events count as of the one before; none is lost."""
        _record(backend, [100.0, 4e9])
        ahead = backend.head().as_of
        _record(backend, [101.0, 102.0])

        assert 4e15 == ahead
        assert [100, 100, 101, 102] == [backend.as_of(n) / 1e6 for n in range(1, 5)]
        assert [ClockHold(first=2, last=2, as_of=100_000_000, is_left_out=True)] == (
            backend.clock_holds()
        )
        assert [None, 2, None] == [
            hold and hold.first for hold in map(backend.clock_hold, (1, 2, 3))
        ]
        assert Log(backend).verify().is_clean

    def test_a_stretch_is_kept_and_given_up_with_its_transaction(self, backend: Backend) -> None:
        """One that is rolled back leaves none; a snapshot sees those of its moment."""
        _record(backend, [100.0, 90.0])
        log = Log(backend, clock=lambda: 80.0)
        with pytest.raises(KeyError), journal_of(log).transaction() as transaction:  # noqa: PT012
            transaction.append_batch([("s", [paused(), paused()], ANY)])
            inside = transaction.store.clock_holds(), transaction.store.head().as_of
            raise KeyError("stop")
        with backend.snapshot() as reader:
            log.append("s", [paused()], expected_version=ANY)
            before = reader.clock_holds()

        assert ([ClockHold(first=2, last=4, as_of=100_000_000, is_left_out=False)], 10**8) == inside
        assert [ClockHold(first=2, last=2, as_of=100_000_000, is_left_out=False)] == before
        assert [ClockHold(first=2, last=3, as_of=100_000_000, is_left_out=False)] == (
            backend.clock_holds()
        )

    def test_events_of_the_future_and_the_past_keep_their_time(self, journal: Journal) -> None:
        """occurred_at is the reporter's, whatever the order; recorded_at is the log's."""
        moments = [NOON, NOON - timedelta(days=9000), NOON + timedelta(days=9000)]
        journal.append(
            "s", [NewEvent(event=paused(), occurred_at=m) for m in moments], expected_version=0
        )

        assert moments == [r.occurred_at for r in journal.read_all()]


def _record(backend: Backend, words: Sequence[float]) -> None:
    """Append an event for each word of a clock, in seconds since 1970."""
    left = iter(words)
    log = Log(backend, clock=lambda: next(left))
    for _word in words:
        log.append("s", [paused()], expected_version=ANY)


@contextlib.contextmanager
def _setting(event: threading.Event) -> Iterator[None]:
    """Set an event at the end of a block, also one that failed: nobody waits for it in vain."""
    try:
        yield
    finally:
        event.set()


def together(*works: Callable[[], None]) -> None:
    """Do it all at once, each in a thread; raise what one of them raised."""
    faults: list[BaseException] = []

    def work(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(one,), daemon=True) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_LONG_S)
    if faults:
        raise faults[0]
    assert not any(thread.is_alive() for thread in threads), f"it hangs for {_LONG_S:g} s"
