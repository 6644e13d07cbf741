"""What a backend keeps beside the events, and the one transaction over all of it."""

import attrs
import pytest

from autopack.errors import ArtifactMissingError, InvalidInputError, VersionConflictError
from autopack.log.journal import Journal
from autopack.log.log import Log
from autopack.ports.backend import Backend, Checkpoint, Lease
from autopack.ports.log import NewEvent
from autopack.testing.backends.constants import ID
from autopack.testing.facts import created, paused, queued

_LEASE = Lease(key="r1/a", token="t1", worker="w1", expires_at=5)
_OTHER = attrs.evolve(_LEASE, key="r1/b")
_NEWER = attrs.evolve(_LEASE, token="t2")
_LAST = attrs.evolve(_NEWER, step="tests", deadline_at=9)
_WORKER = attrs.evolve(_LEASE, key="worker w1", boot="b1", renewed_uptime=3, expires_uptime=8)


class BesideContract:
    """Leases, artifacts and views live beside the events."""

    def test_artifacts_come_back_by_digest(self, journal: Journal) -> None:
        """A text is stored once, under the SHA-256 of its UTF-8 bytes."""
        digest = journal.put_artifact("Grüße\r\n")

        assert 64 == len(digest)
        assert digest == journal.put_artifact("Grüße\r\n")
        assert "Grüße\r\n" == journal.get_artifact(digest)

    def test_a_missing_artifact_is_named(self, journal: Journal) -> None:
        """Asking for an unknown digest says so."""
        with pytest.raises(ArtifactMissingError, match="0000"):
            journal.get_artifact("0" * 64)

    def test_leases_are_stored_replaced_and_dropped_by_token(self, backend: Backend) -> None:
        """Only who has the token in force can drop a lease."""
        with backend.transaction() as store:
            store.put_lease(_LEASE)
            store.put_lease(_OTHER)
            store.put_lease(_LAST)
            store.put_lease(_WORKER)
        with backend.transaction() as store:
            dropped = (
                store.drop_lease("r1/a", "t1"),
                store.drop_lease("r1/b", "t1"),
                store.drop_lease("r1/c", "t1"),
            )

        assert (False, True, False) == dropped
        assert [_LAST, _WORKER] == backend.leases()
        assert backend.lease("r1/b") is None

    def test_views_are_saved_changed_and_replaced(self, backend: Backend) -> None:
        """Rows are added, removed by None, or all replaced, together with the checkpoint."""
        at = [
            Checkpoint(view="v", version=1, position=p, total=t) for p, t in ((3, None), (5, "7"))
        ]
        with backend.transaction() as store:
            store.save_view(at[0], {"a": "1", "b": "2", "c": "3"}, replace=False)
            store.save_view(at[1], {"a": "4", "b": None}, replace=False)
        kept = backend.view_rows("v")
        some = backend.view_rows("v", ["c", "b", "x"])
        checkpoint = backend.checkpoint("v")
        with backend.transaction() as store:
            store.save_view(at[0], {"d": "5"}, replace=True)

        assert {"a": "4", "c": "3"} == kept
        assert {"c": "3"} == some
        assert at[1] == checkpoint
        assert {"d": "5"} == backend.view_rows("v")
        assert [at[0]] == backend.saved_views()

    def test_rows_are_asked_for_by_the_beginning_of_their_keys(self, backend: Backend) -> None:
        """Whatever characters come after it; what only looks alike is left out."""
        within = {"r/a": "1", "r/é": "2", "r/中": "3", "r/😀": "4"}
        others = {"r": "5", "r.": "6", "r0": "7", "q/a": "8", "é/a": "9"}
        with backend.transaction() as store:
            place = Checkpoint(view="v", version=1, position=3)
            store.save_view(place, {**within, **others}, replace=False)

        assert within == backend.view_rows("v", prefix="r/")
        assert {**within, **others} == backend.view_rows("v", prefix="")

    def test_a_dropped_view_is_gone(self, backend: Backend) -> None:
        """Dropping a view removes rows and checkpoint, and no other view's."""
        with backend.transaction() as store:
            for view in ("v", "w"):
                place = Checkpoint(view=view, version=1, position=3)
                store.save_view(place, {"a": "1"}, replace=False)
            store.drop_view("v")

        assert ({}, None) == (backend.view_rows("v"), backend.checkpoint("v"))
        assert {"a": "1"} == backend.view_rows("w")


class TransactionContract:
    """One transaction covers everything."""

    def test_an_error_rolls_back_all_of_it(self, journal: Journal, log: Log) -> None:
        """Events, leases, artifacts and views of a failed transaction leave nothing."""
        journal.append("run-r1", [created()], expected_version=0)
        with journal.backend.transaction() as store:
            store.put_lease(_LEASE)
            store.save_view(Checkpoint(view="v", version=1, position=1), {"a": "1"}, replace=False)

        def everything() -> None:
            with journal.transaction() as transaction:
                transaction.append_batch([("run-r1", [paused("x" * 900)], 1)])
                transaction.append_batch([("run-r9", [created("r9")], 0)])
                transaction.put_artifact("text")
                transaction.store.put_lease(_NEWER)
                transaction.store.put_lease(_OTHER)
                place = Checkpoint(view="v", version=1, position=2)
                transaction.store.save_view(place, {"a": None, "b": "2"}, replace=False)
                transaction.store.drop_view("none")
                raise KeyError("stop")

        with pytest.raises(KeyError):
            everything()

        assert 1 == journal.backend.head().position
        assert 0 == journal.backend.stream_versions(["run-r9"])["run-r9"]
        assert [_LEASE] == journal.backend.leases()
        assert {"a": "1"} == journal.backend.view_rows("v")
        assert Checkpoint(view="v", version=1, position=1) == journal.backend.checkpoint("v")
        with pytest.raises(ArtifactMissingError):
            journal.get_artifact("982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1")
        assert [2] == [r.position for r in journal.append("run-r1", [paused()], expected_version=1)]
        assert log.verify().is_clean

    def test_a_transaction_sees_what_it_wrote(self, journal: Journal) -> None:
        """Versions, ids and leases are those of the transaction so far."""
        with journal.transaction() as transaction:
            transaction.append_batch([("run-r1", [NewEvent(event=created(), event_id=ID)], 0)])
            again = transaction.append_batch(
                [("run-r1", [NewEvent(event=created(), event_id=ID)], 0)]
            )
            transaction.append_batch([("run-r1", [paused()], 1)])
            transaction.store.put_lease(_LEASE)
            lease = transaction.store.lease("r1/a")

        assert [1] == [r.position for r in again]
        assert _LEASE == lease
        assert 2 == journal.backend.head().position

    def test_transactions_do_not_nest(self, backend: Backend) -> None:
        """Opening a second one inside the first is refused, and the first is unharmed."""
        with backend.transaction() as store:
            store.put_lease(_LEASE)
            with pytest.raises(InvalidInputError, match="use that one"), backend.transaction():
                pass

        assert [_LEASE] == backend.leases()

    def test_observers_are_called_after_the_commit(self, backend: Backend) -> None:
        """An observer gets each committed event, and none that was rolled back."""
        seen = []
        log = Log(backend, observers=[lambda r: seen.append((r.position, backend.head().position))])
        log.append("run-r1", [created(), queued()], expected_version=0)
        with pytest.raises(VersionConflictError):
            log.append("run-r1", [paused()], expected_version=0)

        assert [(1, 2), (2, 2)] == seen
