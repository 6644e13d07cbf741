"""Copying a log to another place: the same history in a log of its own, also where it broke off."""

import pytest

import autopack
from autopack import copy_log, create_log, create_run, open_log
from autopack.api import copies
from autopack.errors import InvalidInputError, LogExistsError, UnfinishedCopyError
from autopack.log.log import journal_of
from autopack.ports.backend import Lease
from autopack.ports.log import ANY
from autopack.testing.facts import paused


@pytest.fixture
def source(tmp_path):
    """A log of some pages, with a text beside it, a subscription, and a lease."""
    with create_log(tmp_path / "source.db") as log:
        for page in range(4):
            some = [paused(f"{page}.{n}") for n in range(900)]
            log.append(f"s-{page}", some, expected_version=0)
        log.append("s-0", [paused("long " * 200)], expected_version=ANY)
        log.subscribe("mail", lambda _recorded: None)
        with journal_of(log).transaction() as transaction:
            transaction.store.put_lease(Lease(key="k", token="t", worker="w", expires_at=5))
        yield log


def rows_of(log):
    """Return all that is stored of events."""
    return [recorded.row for recorded in log.read_all()]


def test_a_copy_is_the_same_history_in_a_log_of_its_own(source, tmp_path):
    """Rows, texts and places come along; the parent says what it was made of, leases stay."""
    with copy_log(source.target, tmp_path / "copy.db") as copy:
        backend = journal_of(copy).backend
        wholes = journal_of(source).backend.artifact_sizes()

        assert rows_of(source) == rows_of(copy)
        assert copy.verify().is_clean
        assert [source.info()["log_id"], 3601, source.info()["head_hash"]] == copy.info()["parent"]
        assert copy.info()["log_id"] != source.info()["log_id"]
        assert wholes == backend.artifact_sizes() != {}
        assert 3601 == backend.checkpoint("subscription:mail").position
        assert [] == backend.leases()
        copy.append("s-0", [paused()], expected_version=901)


def test_a_copy_that_was_broken_off_is_gone_on_with(source, tmp_path, monkeypatch):
    """What is stored is kept, nothing is appended meanwhile, and the end is the same."""
    store, calls = copies._store, []

    def stops(backend, pages):
        calls.append(len(pages))
        if len(calls) == 2:
            raise KeyboardInterrupt
        store(backend, pages)

    dest = tmp_path / "copy.db"
    monkeypatch.setattr(copies, "_TOGETHER", 1)
    monkeypatch.setattr(copies, "_store", stops)
    with pytest.raises(KeyboardInterrupt):
        copy_log(source.target, dest)
    monkeypatch.setattr(copies, "_store", store)
    with open_log(dest) as half:
        there = half.head().position
        with pytest.raises(UnfinishedCopyError, match="1000 of the 3601") as refused:
            half.append("s", [paused()], expected_version=ANY)
    source.append("s-0", [paused("later")], expected_version=ANY)
    with copy_log(source.target, dest) as whole:
        assert rows_of(source)[:-1] == rows_of(whole)
        assert whole.verify().is_clean
    with pytest.raises(LogExistsError):
        copy_log(source.target, dest)

    assert 1000 == there == refused.value.head


def test_what_is_at_the_place_already_is_left_alone(source, tmp_path):
    """A log that is no copy of it is not touched, nor one whose copy is of another."""
    with create_log(tmp_path / "other.db") as other:
        create_run(other, "r", [autopack.PhaseSpec("a")])
    with pytest.raises(LogExistsError):
        copy_log(source.target, tmp_path / "other.db")
    with pytest.raises(LogExistsError):
        copy_log(tmp_path / "other.db", source.target)
    with pytest.raises(InvalidInputError, match="ends with its process"):
        copy_log(source.target, "memory:")


def test_an_empty_log_is_copied(tmp_path):
    """There is nothing to wait for, and the copy is used like any other log."""
    create_log(tmp_path / "empty.db").close()
    with copy_log(tmp_path / "empty.db", tmp_path / "copy.db") as copy:
        copy.append("s", [paused()], expected_version=0)

        assert copy.verify().is_clean
