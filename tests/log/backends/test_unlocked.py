"""A user who may only read sees what others write, and never calls it damage."""

import os
from pathlib import Path

import pytest
from tests import other_users

from autopack import create_log, open_log
from autopack.errors import MomentLostError, ReadOnlyLogError
from autopack.log.backends.sqlite import store
from autopack.log.backends.sqlite.unlocked import GuestReader, StillReader
from autopack.log.log import journal_of
from autopack.ports.log import ANY
from autopack.testing.facts import paused

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX users")


@pytest.fixture
def shared():
    """The path of a log of three events that others may read; nobody has it open."""
    with other_users.readable_folder() as folder:
        path = Path(folder, "log.db")
        with create_log(path) as log:
            log.append("s", [paused(str(n)) for n in range(3)], expected_version=0)
        other_users.readable(path)
        yield path


@pytest.fixture
def reader(log_path, monkeypatch):
    """A log of three events, opened as by one who may not write it."""
    with open_log(log_path) as log:
        log.append("s", [paused(str(n)) for n in range(3)], expected_version=0)
    with monkeypatch.context() as denied:
        denied.setattr(store.os, "access", lambda *_place: False)
        log = open_log(log_path)
    yield log
    log.close()


def fold_in(path, n=50):
    """Append more than a page holds, and fold it into the file."""
    with open_log(path) as log:
        log.append("s", [paused("x" * 400)] * n, expected_version=ANY)


class TestOtherUsers:
    """In a process of another user, with the permissions that it really has."""

    def test_a_read_only_file_is_read_and_not_written(self, shared):
        """It is read, replayed, verified, and not written; the folder stays as it was."""
        code = """
            with open_log(path, plugins=registry) as log:
                print(len(list(log.read_all())), log.verify(views=True).is_clean)
                print(status(log).events, replay(log, "runs").position)
                try:
                    log.append("s", [paused()], expected_version=ANY)
                except ReadOnlyLogError as fault:
                    print("refused", fault.target == str(path))
        """

        assert ["3 True", "3 3", "refused True"] == other_users.run(code, shared)
        assert [shared] == list(shared.parent.iterdir())

    def test_what_a_later_writer_adds_is_seen(self, shared):
        """Before, while and after a writer has the log open: all of it, by reads and followers."""
        code = """
            with open_log(path, plugins=registry) as log:
                seen = []
                for _ in sys.stdin:
                    seen += [r.position for r in log.follow(after=len(seen), until=lambda: True)]
                    print(len(list(log.read_all())), log.head().position, seen == list(
                        range(1, len(seen) + 1)), len(seen), log.verify().is_clean, flush=True)
        """
        process = other_users.start(code, shared)

        def told():
            process.stdin.write("look\n")
            process.stdin.flush()
            return process.stdout.readline().split()

        answers = [told()]
        with open_log(shared) as log:
            log.append("s", [paused("x" * 400)] * 300, expected_version=ANY)
            answers.append(told())
            log.append("s", [paused()], expected_version=ANY)
            answers.append(told())
        answers.append(told())
        fold_in(shared)
        answers.append(told())
        _out, err = process.communicate(timeout=60)

        assert "" == err
        assert [
            [str(n), str(n), "True", str(n), "True"] for n in (3, 303, 304, 304, 354)
        ] == answers

    def test_a_file_that_may_not_be_read_is_named(self, shared):
        """Missing permission is told as such, and not as an empty file or another database."""
        shared.chmod(0o600 if os.geteuid() == 0 else 0)
        code = """
            try:
                open_log(path, plugins=registry)
            except NotALogError as fault:
                print("cannot be read" in str(fault), "user who may read it" in str(fault))
        """

        assert ["True True"] == other_users.run(code, shared)

    def test_a_folder_that_may_not_be_entered_is_named(self, shared):
        """What lies in another's folder is not called missing."""
        closed = shared.parent / "closed"
        closed.mkdir()
        create_log(closed / "log.db").close()
        closed.chmod(0o700 if os.geteuid() == 0 else 0)
        code = """
            for place in (path.parent / "closed" / "log.db", path.parent / "closed" / "a" / "b"):
                try:
                    open_log(place, plugins=registry)
                except NotALogError as fault:
                    print("may not be entered" in str(fault))
        """
        try:
            assert ["True"] * 2 == other_users.run(code, shared)
        finally:
            closed.chmod(0o700)


class TestMoments:
    """Without a lock, a moment is checked instead of held."""

    def test_connections_change_with_what_lies_beside_the_file(self, reader, log_path):
        """The file alone while nobody writes, the writer's files while somebody does."""
        kinds = [type(journal_of(reader).backend._readers.take())]
        with open_log(log_path) as writer:
            writer.append("s", [paused()], expected_version=ANY)
            kinds.append(type(journal_of(reader).backend._readers.take()))

            assert [StillReader, GuestReader] == kinds
            assert 4 == reader.head().position

    def test_a_moment_outlives_a_writer_who_has_not_folded_in(self, reader, log_path):
        """While what is new lies in the WAL alone, the file still is what it was."""
        with journal_of(reader).backend.snapshot() as moment, open_log(log_path) as writer:
            writer.append("s", [paused()], expected_version=ANY)

            assert 3 == len(moment.page(after=0, until=99, limit=99))

    def test_a_moment_that_was_overwritten_is_lost_and_not_damaged(self, reader, log_path):
        """Pages of two moments are never answered together; the next look is sound."""
        with journal_of(reader).backend.snapshot() as moment:
            fold_in(log_path)
            with pytest.raises(MomentLostError, match="try again"):
                moment.page(after=0, until=99, limit=99)
        found = reader.verify()

        assert found.is_clean
        assert 53 == found.events == reader.head().position

    def test_a_read_that_was_overtaken_is_repeated(self, reader, log_path, monkeypatch):
        """A plain read sees what is there when it ends, however often it begins anew."""
        rows, overtaken = StillReader.rows, []

        def overtake(self, *given):
            if len(overtaken) < 3:
                overtaken.append(fold_in(log_path, 1))
            return rows(self, *given)

        monkeypatch.setattr(StillReader, "rows", overtake)

        assert list(range(1, 7)) == [r.position for r in reader.read_all()]

    def test_a_write_is_refused_by_name(self, reader):
        """Who may not write is told so."""
        with pytest.raises(ReadOnlyLogError):
            reader.append("s", [paused()], expected_version=ANY)
