"""Logs, backups, restores and exports: private, whole or not there, and nothing left beside."""

import errno
import os
import signal
import stat
import subprocess
import sys

import pytest

from autopack import create_log, export_history, open_log, restore_log
from autopack.errors import InvalidInputError, LogError, LogExistsError, LogFullError
from autopack.log.backends import atomic_files
from autopack.log.backends.atomic_files import publishing
from autopack.ports.log import ANY
from autopack.testing.facts import paused

_LONG = "x" * 400

MAKERS = {
    "create": lambda source, dest: create_log(dest).close(),
    "backup": lambda source, dest: source.backup(str(dest)),
    "restore": lambda source, dest: restore_log(source.target, dest).close(),
    "export": lambda source, dest: export_history(source, "ndjson", dest),
    "packed": lambda source, dest: export_history(source, "jsonl", dest.with_suffix(".gz")),
}


@pytest.fixture(params=MAKERS)
def make(request):
    """Each of what makes a file."""
    return MAKERS[request.param]


@pytest.fixture
def source(tmp_path_factory):
    """A log of half a megabyte, in a folder of its own."""
    with create_log(tmp_path_factory.mktemp("source") / "log.db") as log:
        log.append("s", [paused(f"{n} {_LONG}") for n in range(700)], expected_version=0)
        yield log


def modes(folder):
    """Return the permissions of each file of a folder."""
    return {oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()}


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
class TestPermissions:
    """What is made is its owner's alone."""

    @pytest.mark.parametrize(
        ("umask", "mode"), [(0o022, "0o600"), (0o000, "0o600"), (0o377, "0o400")]
    )
    def test_a_file_is_private_or_stricter(self, source, tmp_path, make, umask, mode):
        """Whatever the umask allows, nobody else reads it."""
        if umask == 0o377 and os.geteuid():
            pytest.skip("only root may write a file that it has made read-only")
        before = os.umask(umask)
        try:
            make(source, tmp_path / "made.db")
        finally:
            os.umask(before)

        assert {mode} == modes(tmp_path)

    def test_what_sqlite_keeps_beside_it_is_private_too(self, tmp_path):
        """The WAL and its index hold what the log holds."""
        with create_log(tmp_path / "log.db") as log:
            log.append("s", [paused()], expected_version=0)

            assert 3 == len(list(tmp_path.iterdir()))
            assert {"0o600"} == modes(tmp_path)

    def test_a_log_that_was_shared_stays_shared(self, tmp_path):
        """Who gives others permission keeps what they gave, and so does what lies beside."""
        create_log(tmp_path / "log.db").close()
        (tmp_path / "log.db").chmod(0o640)
        with open_log(tmp_path / "log.db") as log:
            log.append("s", [paused()], expected_version=0)

            assert {"0o640"} == modes(tmp_path)


class TestRefusals:
    """What the system refuses is an error of ours, and leaves nothing."""

    def check(self, source, folder, make, match, kind=LogError):
        """Make a file in a folder, and see that it is refused and nothing is left."""
        before = sorted(folder.iterdir())
        with pytest.raises(kind, match=match) as refused:
            make(source, folder / "made.db")

        assert before == sorted(folder.iterdir())
        assert str(folder / "made") in str(refused.value)
        assert ".tmp" not in str(refused.value)
        with open_log(source.target) as again:
            assert 700 == again.verify().events

    def test_a_full_disk(self, source, mounted, make):
        """A disk without room says so, whichever step finds it."""
        (mounted / "ballast").write_bytes(bytes(1_020_000))

        self.check(source, mounted, make, "full|I/O error", LogError)

    def test_a_disk_that_fills_up_in_the_middle(self, source, mounted, make):
        """What has begun is taken back."""
        if make is MAKERS["create"] or make is MAKERS["packed"]:
            pytest.skip("it is smaller than what is left")
        (mounted / "ballast").write_bytes(bytes(700_000))

        self.check(source, mounted, make, "full|I/O error", LogError)

    @pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
    def test_a_file_that_cannot_be_made_durable(self, source, tmp_path, make, monkeypatch, number):
        """Where a sync fails, nothing is there that could be lost later."""

        def refuse(_handle):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(atomic_files.os, "fsync", refuse)

        self.check(source, tmp_path, make, "full|Input/output error")

    def test_a_folder_that_cannot_be_made_durable(self, source, tmp_path, make, monkeypatch):
        """A name that may not last is taken back too."""
        fsync = os.fsync

        def refuse(handle):
            if stat.S_ISDIR(os.fstat(handle).st_mode):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            fsync(handle)

        monkeypatch.setattr(atomic_files.os, "fsync", refuse)

        self.check(source, tmp_path, make, "Input/output error")

    def test_a_name_that_is_too_long(self, source, tmp_path, make):
        """It is told as such."""
        with pytest.raises(LogError, match="File name too long"):
            make(source, tmp_path / ("n" * 300 + ".db"))

        assert [] == list(tmp_path.iterdir())

    @pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX users")
    def test_a_folder_that_may_not_be_written(self, source):
        """Another user's folder is named, with what to do."""
        from tests import other_users

        code = """
            log = open_log(path, plugins=registry)
            for make in (
                lambda: create_log(path.parent / "made.db", plugins=registry),
                lambda: log.backup(str(path.parent / "made.db")),
            ):
                try:
                    make()
                except LogError as fault:
                    print("Permission denied" in str(fault), "made.db" in str(fault))
        """
        with other_users.readable_folder() as folder:
            path = atomic_files.Path(folder, "log.db")
            create_log(path).close()
            other_users.readable(path)

            assert ["True True"] * 2 == other_users.run(code, path)
            assert [path] == list(path.parent.iterdir())


class TestFileSystems:
    """What not every file system can do is done otherwise."""

    @pytest.fixture
    def without_links(self, monkeypatch):
        """A file system without hard links."""

        def refuse(*_places):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(atomic_files.os, "link", refuse)

    def test_without_hard_links_it_is_made_all_the_same(
        self, source, tmp_path, make, without_links
    ):
        """The file is there, whole, private, and alone."""
        make(source, tmp_path / "made.db")
        (made,) = tmp_path.iterdir()

        assert made.stat().st_size > 0
        assert {"0o600"} == modes(tmp_path)

    def test_without_hard_links_nothing_is_replaced(
        self, source, tmp_path, make, without_links, monkeypatch
    ):
        """What comes to the path meanwhile, a link among it, stays as it is."""
        put, comes = atomic_files._put, []

        def meanwhile(made, place):
            comes.pop()(place)
            put(made, place)

        monkeypatch.setattr(atomic_files, "_put", meanwhile)
        for name in ("a.db", "b.db"):
            comes += [
                lambda place: place.symlink_to(tmp_path / "nowhere"),
                lambda place: place.write_text("theirs"),
            ][name == "a.db" :][:1]
            with pytest.raises(LogExistsError):
                make(source, tmp_path / name)

        assert not (tmp_path / "nowhere").exists()
        assert {"theirs"} == {p.read_text() for p in tmp_path.iterdir() if not p.is_symlink()}

    @pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES, errno.ENOTSUP])
    def test_a_folder_that_is_not_synced_there(self, tmp_path, monkeypatch, number):
        """A system that refuses to sync folders is no reason to refuse a log."""
        fsync = os.fsync

        def refuse(handle):
            if stat.S_ISDIR(os.fstat(handle).st_mode):
                raise OSError(number, os.strerror(number))
            fsync(handle)

        monkeypatch.setattr(atomic_files.os, "fsync", refuse)
        with create_log(tmp_path / "log.db") as log:
            log.append("s", [paused()], expected_version=ANY)

            assert log.verify().is_clean


_KILLED = """
import sys, time
from pathlib import Path
from autopack.log.backends.atomic_files import publishing
with publishing(Path(sys.argv[1])) as scratch:
    for ending in ("", "-wal", "-journal"):
        scratch.with_name(scratch.name + ending).write_bytes(b"half")
    print("begun", flush=True)
    sys.stdin.readline()
"""


class TestLeftovers:
    """What a killed process left is removed by the next one on the way to that path."""

    def begun(self, path):
        """Start a process that is in the middle of making a file."""
        process = subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "begun\n" == process.stdout.readline()
        return process

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
    def test_what_was_killed_is_cleaned_up(self, source, tmp_path, make):
        """Once its process is gone, all that it kept goes, whatever is made there next."""
        for name in ("made.db", "made.gz"):
            process = self.begun(tmp_path / name)
            process.kill()
            process.communicate()
        before = len(list(tmp_path.iterdir()))
        make(source, tmp_path / "made.db")
        left = [path.name for path in tmp_path.iterdir()]

        assert 6 == before
        assert 4 == len(left)
        assert [3] == [sum(name.startswith(".made.") for name in left)]

    def test_what_is_being_made_is_left_alone(self, tmp_path):
        """A living process goes on; the second to end is told that something is there."""
        process = self.begun(tmp_path / "log.db")
        create_log(tmp_path / "log.db").close()
        before = len(list(tmp_path.iterdir()))
        process.communicate("end\n")

        assert 4 == before
        assert 1 == process.returncode
        assert [tmp_path / "log.db"] == list(tmp_path.iterdir())
        open_log(tmp_path / "log.db").close()

    @pytest.mark.parametrize(
        ("name", "days", "stays"),
        [
            (".log.db.00000000-1-00000000.tmp", 0, True),
            (".log.db.00000000-1-00000000.tmp", 2, False),
            (".log.db.tmp", 9, True),
            (".log.db.mine.tmp", 9, True),
            (".other.db.00000000-1-00000000.tmp", 9, True),
            ("log.db.00000000-1-00000000.tmp", 9, True),
            (".logxdb.00000000-1-00000000.tmp", 9, True),
        ],
    )
    def test_only_ours_and_only_stale(self, tmp_path, name, days, stays):
        """Another machine's goes after a day; what is not named as ours is none of our business."""
        left = tmp_path / name
        left.write_text("left")
        then = left.stat().st_mtime - days * 86_400
        os.utime(left, (then, then))
        create_log(tmp_path / "log.db").close()

        assert stays is left.exists()

    def test_this_process_leaves_nothing_at_an_error(self, tmp_path):
        """What raised leaves no file."""
        with pytest.raises(KeyError), publishing(tmp_path / "log.db") as made:
            made.write_text("half")
            raise KeyError("stop")

        assert [] == list(tmp_path.iterdir())

    def test_a_folder_that_is_missing_is_told(self, tmp_path):
        """No folder is made."""
        with (
            pytest.raises(InvalidInputError, match="does not exist"),
            publishing(tmp_path / "no" / "log.db"),
        ):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of POSIX")
@pytest.mark.parametrize("way", ["create", "backup", "restore", "export"])
def test_a_limit_on_file_sizes_is_a_clear_error(source, tmp_path, way):
    """What the system would not let grow is refused on the command line, and is not there."""
    import resource

    words = {
        "create": ["log", "create", "made.db"],
        "backup": ["log", "backup", "made.db"],
        "restore": ["log", "restore", source.target, "made.db"],
        "export": ["export", "ndjson", "made.db"],
    }[way]
    log = [] if way in ("create", "restore") else ["--log", source.target]

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        most = 20_000 if way == "create" else 100_000  # reading a log takes a file of 32 KiB
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    source.close()
    told = subprocess.run(
        [sys.executable, "-m", "autopack", *log, *words],
        cwd=tmp_path,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in told.stderr
    assert "made.db" in told.stderr
    assert 2 == told.returncode
    assert [] == list(tmp_path.iterdir())


def test_full_is_told_as_full(tmp_path):
    """The number of the system's error decides."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        with pytest.raises(LogFullError), atomic_files.told_of(tmp_path):
            raise OSError(number, "full")
