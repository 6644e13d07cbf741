"""What a reader sees while somebody writes: one moment, or what is committed, and at once."""

import contextlib
import threading
from typing import Any

import pytest

from autopack.errors import InvalidInputError, LogClosedError
from autopack.log.journal import Journal
from autopack.ports.backend import Backend, Checkpoint, Lease, Reader
from autopack.ports.log import ANY, NewEvent
from autopack.testing.backends.constants import ID, OTHER_ID
from autopack.testing.backends.sharing import together
from autopack.testing.facts import paused

_LEASE = Lease(key="r1/a", token="t1", worker="w1", expires_at=5)
_END = 2**40


class IsolationContract:
    """
    Who writes sees its own changes in its transaction only; a snapshot sees one moment.

    Attributes:
        patience_s: How long one thread is waited for by another.
    """

    patience_s = 20.0

    def test_a_transaction_reads_its_own_changes_and_nobody_else_does(
        self, journal: Journal
    ) -> None:
        """
        A read through the transaction sees its own appends; one around it, what is committed.

        Also from the thread that writes: a decision within a transaction reads through it.
        """
        journal.append("s", [paused("old")], expected_version=0)
        _change(journal, "mail", ID)
        before = _answers(journal.backend)
        with journal.transaction() as transaction:
            store = transaction.store
            transaction.append_batch([("s", [paused("new"), paused("newer")], 2)])
            store.put_lease(Lease(key="r1/b", token="t2", worker="w2", expires_at=6))
            store.drop_lease("r1/a", "t1")
            store.put_artifact("e" * 64, b"new")
            store.drop_artifact("d" * 64)
            store.save_view(_place("v", 3), {"a": None, "b": "2"}, replace=False)
            store.save_view(_place("w", 3), {"c": "3"}, replace=True)
            inside, around = _answers(store), _answers(journal.backend)
            cut = [row[0] for row in store.page(after=1, until=_END, limit=2)]
            tail = [row[3] for row in store.stream_page("s", after_version=1, limit=2)]

        assert before == around
        assert inside == _answers(journal.backend)
        assert inside != before
        assert ([2, 3], [2, 3]) == (cut, tail)
        assert [1, 2, 3, 4] == [row[0] for row in inside["page"]]
        assert (["r1/b"], {"b": "2"}) == (
            [lease.key for lease in inside["leases"]],
            inside["rows of v"],
        )

    def test_a_snapshot_sees_one_moment(self, journal: Journal) -> None:
        """Whatever is written meanwhile, a snapshot answers as it did when it was taken."""
        journal.append("s", [paused("1"), paused("2")], expected_version=0)
        _change(journal, "before", ID)
        with journal.backend.snapshot() as reader:
            first = _answers(reader)
            together(lambda: _change(journal, "meanwhile", OTHER_ID))
            second = _answers(reader)
        after = _answers(journal.backend)

        assert first == second
        assert (3, 4) == (first["head"].position, after["head"].position)
        assert first["stream"] != after["stream"]
        assert first["rows of v"] != after["rows of v"]

    def test_a_snapshot_is_of_the_moment_at_which_it_was_taken(self, journal: Journal) -> None:
        """What is written before the first question is not in it."""
        with journal.backend.snapshot() as reader:
            together(lambda: _change(journal, "meanwhile", ID))
            head, leases = reader.head().position, reader.leases()

        assert (0, []) == (head, leases)
        assert 1 == journal.head().position

    def test_a_thread_reads_the_moment_of_its_own_snapshot(self, journal: Journal) -> None:
        """Its other reads, and snapshots within, see that moment; then all is seen again."""
        journal.append("s", [paused()], expected_version=0)
        seen = []
        with journal.backend.snapshot():
            journal.append("s", [paused()], expected_version=1)
            seen.append(journal.head().position)
            with journal.backend.snapshot() as inner:
                seen.append(inner.head().position)
            seen += [len(list(journal.read("s"))), len(journal.backend.raw_rows(after=0, limit=9))]
            together(lambda: seen.append(journal.head().position))

        assert [1, 1, 1, 1, 2] == seen
        assert 2 == journal.head().position

    def test_a_snapshot_holds_nobody_up(self, journal: Journal) -> None:
        """While one thread holds a moment, others read, take moments of their own, and write."""
        journal.append("s", [paused()], expected_version=0)
        is_held, is_done = threading.Event(), threading.Event()
        seen: list[Any] = []

        def hold() -> None:
            with journal.backend.snapshot() as reader:
                is_held.set()
                assert is_done.wait(self.patience_s)
                seen.append(reader.head().position)

        def work() -> None:
            assert is_held.wait(self.patience_s)
            try:
                for number in range(1, 21):
                    journal.append("s", [paused()], expected_version=number)
                    with journal.transaction(), journal.backend.snapshot() as own:
                        seen.append((journal.head().position, own.head().position))
            finally:
                is_done.set()

        together(hold, work)

        assert [(number, number) for number in range(2, 22)] == seen[:-1]
        assert 1 == seen[-1]

    def test_many_threads_hold_moments_of_their_own(self, journal: Journal) -> None:
        """As many snapshots as threads are open at once, and none of them waits for another."""
        journal.append("s", [paused()], expected_version=0)
        everybody = threading.Barrier(24)
        seen: list[int] = []

        def hold() -> None:
            with journal.backend.snapshot() as reader:
                everybody.wait(self.patience_s)
                seen.append(reader.head().position)

        together(*[hold] * 24)

        assert [1] * 24 == seen

    def test_a_snapshot_that_is_over_is_not_seen_again(self, journal: Journal) -> None:
        """An error within ends the moment too."""
        journal.append("s", [paused()], expected_version=0)
        with pytest.raises(KeyError), journal.backend.snapshot():
            raise KeyError("stop")
        journal.append("s", [paused()], expected_version=1)

        assert 2 == journal.head().position

    def test_a_snapshot_of_a_closed_log_answers_nothing(self, journal: Journal) -> None:
        """Closing does not wait for who holds a moment; the next question is refused by name."""
        with journal.backend.snapshot() as reader:
            together(journal.close)
            with pytest.raises(LogClosedError):
                reader.page(after=0, until=9, limit=9)

    def test_a_transaction_that_is_over_takes_nothing(self, backend: Backend) -> None:
        """Its store cannot be used behind the end of the block, after a commit or an error."""
        stores = []
        with backend.transaction() as store:
            stores.append(store)
        with contextlib.suppress(KeyError), backend.transaction() as store:
            stores.append(store)
            raise KeyError("stop")

        for store in stores:
            with pytest.raises(InvalidInputError, match="over"):
                store.put_lease(_LEASE)
            with pytest.raises(InvalidInputError, match="over"):
                store.page(after=0, until=9, limit=9)
        assert [] == backend.leases()

    def test_closing_within_a_transaction_commits_nothing(self, journal: Journal) -> None:
        """Who closes the log under its own transaction is told that nothing was recorded."""
        told = []

        def close() -> None:
            with journal.transaction() as transaction:
                told.extend(transaction.append_batch([("s", [paused()], ANY)]))
                journal.close()

        with pytest.raises(LogClosedError):
            close()

        assert [1] == [r.position for r in told]

    def test_a_page_is_short_at_the_end_only(self, journal: Journal) -> None:
        """A page with fewer rows than it may have is the last one, also of some types."""
        journal.append("s", [paused(str(n)) for n in range(1, 7)], expected_version=0)
        _change(journal, "last", ID)
        page = journal.backend.page

        assert 3 == len(page(after=0, until=_END, limit=3, types=("run.paused",)))
        assert 4 == len(page(after=3, until=_END, limit=5, types=("run.paused",)))
        assert 6 == len(journal.backend.stream_page("s", after_version=0, limit=6))


def _change(journal: Journal, word: str, event_id: Any) -> None:
    """Append an event of that id, and change something of every kind beside it."""
    position = journal.backend.head().position + 1
    with journal.transaction() as transaction:
        event = NewEvent(event=paused(word), event_id=event_id)
        transaction.append_batch([("s", [event], ANY)])
        transaction.store.put_lease(Lease(key="r1/a", token="t1", worker=word, expires_at=5))
        transaction.store.put_artifact("d" * 64, b"text")
        transaction.store.save_view(_place("v", position), {"a": f'"{word}"'}, replace=False)


def _place(view: str, position: int) -> Checkpoint:
    return Checkpoint(view=view, version=1, position=position)


def _answers(reader: Reader) -> dict[str, Any]:
    """Return what a reader answers to every question that the protocol has."""
    return {
        "head": reader.head(),
        "page": reader.page(after=0, until=_END, limit=99),
        "of a type": reader.page(after=0, until=_END, limit=99, types=("run.paused",)),
        "bodies": reader.bodies(after=0, until=_END, limit=99),
        "stream": reader.stream_page("s", after_version=0, limit=99),
        "version": reader.stream_versions(["s"])["s"],
        "found": reader.find([ID, OTHER_ID]),
        "leases": reader.leases(),
        "lease": reader.lease("r1/a"),
        "texts": reader.artifact_sizes(),
        "text": reader.artifact("e" * 64),
        "place": reader.checkpoint("v"),
        "rows of v": reader.view_rows("v"),
        "some rows of v": reader.view_rows("v", ["a", "b"]),
        "rows of w": reader.view_rows("w"),
    }
