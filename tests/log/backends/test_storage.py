"""What the place of a log can do to it: no room, no right to write, lost and flipped bytes."""

import os
import random
import shutil
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from autopack import create_log, open_log
from autopack.cli.main import autopack
from autopack.errors import (
    AutopackError,
    InvalidInputError,
    LogError,
    LogFullError,
    ReadOnlyLogError,
)
from autopack.log.log import journal_of
from autopack.ports.log import ANY
from autopack.testing.facts import paused

resource = pytest.importorskip("resource")  # POSIX, like the mounts below
_LONG = "x" * 400


def fill(log):
    """Append three at a time until it fails."""
    while True:
        log.append("s", [paused(_LONG)] * 3, expected_version=ANY)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A log of 60 events, its rows, and its bytes."""
    path = tmp_path_factory.mktemp("model") / "log.db"
    with create_log(path) as log:
        for number in range(60):
            log.append("s", [paused(f"{number} {_LONG}")], expected_version=number)
        rows = [recorded.row for recorded in log.read_all()]
    return path.read_bytes(), rows


class TestNoRoom:
    """A full disk refuses the append and loses nothing."""

    def test_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(self, mounted):
        """What was acknowledged is there, the chain holds, and the same log goes on."""
        ballast = mounted / "ballast"
        ballast.write_bytes(bytes(200_000))
        acknowledged = []
        with create_log(mounted / "log.db") as log:
            journal_of(log).observers.append(acknowledged.append)
            with pytest.raises(LogError) as refused:
                fill(log)
            seen = [recorded.row for recorded in log.read_all()]
            ballast.unlink()
            log.append("s", [paused("after")], expected_version=ANY)
            checked = log.verify()

        assert "SQLite" in str(refused.value) or isinstance(refused.value, LogFullError)
        assert [recorded.row for recorded in acknowledged[:-1]] == seen
        assert checked.is_clean
        assert len(seen) + 1 == checked.events

    def test_a_size_limit_is_a_clear_error(self, log_path):
        """SQLite's own limit is named as what it is, and nothing of the batch is there."""
        with open_log(log_path) as log:
            log.append("s", [paused()], expected_version=0)
            journal_of(log).backend._writer.execute("PRAGMA max_page_count = 20")
            with pytest.raises(LogFullError, match="Make room"):
                fill(log)
            head = log.head().position
            journal_of(log).backend._writer.execute("PRAGMA max_page_count = 100000")
            (recorded,) = log.append("s", [paused()], expected_version=ANY)

            assert head % 3 == 1
            assert head + 1 == recorded.position
            assert log.verify().is_clean

    @pytest.mark.slow
    def test_a_file_size_limit_of_the_process_is_survived(self, log_path):
        """A write that the system refuses half-way ends in an error of ours, and in no loss."""
        code = """
            import sys
            from autopack import open_log
            from autopack.errors import LogError
            from autopack.ports.log import ANY
            from autopack.events import RunPaused
            done = 0
            with open_log(sys.argv[1]) as log:
                try:
                    while True:
                        event = RunPaused(run_id="r", why="x" * 400, actor="a")
                        log.append("s", [event] * 3, expected_version=ANY)
                        done += 3
                except LogError as fault:
                    print(done, type(fault).__name__)
        """

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

        lines = "\n".join(line[12:] for line in code.splitlines())
        told = subprocess.run(
            [sys.executable, "-c", lines, str(log_path)],
            preexec_fn=limit,
            capture_output=True,
            text=True,
            check=True,
        )
        with open_log(log_path) as log:
            checked = log.verify()

        assert f"{checked.events} " == told.stdout.partition(" ")[0] + " "
        assert checked.events > 0
        assert checked.is_clean


class TestReadOnlyMedia:
    """A log on media that cannot be written is read, and not written."""

    def test_a_read_only_file_system_is_read(self, mounted):
        """Reading leaves nothing behind and needs nothing; an append is refused by name."""
        with create_log(mounted / "log.db") as log:
            log.append("s", [paused()], expected_version=0)
        subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
        with open_log(mounted / "log.db") as log:
            events = list(log.read_all())
            with pytest.raises(ReadOnlyLogError):
                log.append("s", [paused()], expected_version=ANY)
            checked = log.verify()

        assert 1 == len(events)
        assert checked.is_clean

    def test_a_wal_left_behind_there_is_never_left_out(self, mounted, tmp_path):
        """What only the WAL holds is either read or asked for, never silently missing."""
        source = create_log(tmp_path / "log.db")
        source.append("s", [paused(), paused()], expected_version=0)
        for ending in ("", "-wal"):
            shutil.copyfile(tmp_path / f"log.db{ending}", mounted / f"log.db{ending}")
        source.close()
        subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
        try:
            with open_log(mounted / "log.db") as log:
                found = len(list(log.read_all()))
        except LogError as fault:
            found = 2 if "copy both" in str(fault) else 0

        assert 2 == found


class TestFilesBeside:
    """A WAL belongs to one database, and SQLite does not ask which."""

    def test_a_wal_left_behind_is_recovered(self, tmp_path):
        """A copy of file and WAL, as a crash leaves them, holds all that was acknowledged."""
        source = create_log(tmp_path / "log.db")
        source.append("s", [paused(), paused()], expected_version=0)
        for ending in ("", "-wal"):
            shutil.copyfile(tmp_path / f"log.db{ending}", tmp_path / f"copy.db{ending}")
        source.close()
        with open_log(tmp_path / "copy.db") as log:
            checked = log.verify()

        assert checked.is_clean
        assert 2 == checked.events

    @pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
    def test_a_new_log_is_not_made_beside_another_ones_wal(self, tmp_path, ending):
        """What a deleted database left beside its path would be taken for the new one's."""
        left = tmp_path / f"log.db{ending}"
        left.write_bytes(b"of another one")
        with pytest.raises(InvalidInputError, match="left from another database"):
            create_log(tmp_path / "log.db")

        assert [left] == list(tmp_path.iterdir())


class TestLostBytes:
    """Truncated and flipped files are errors or findings, or do not matter."""

    @pytest.mark.parametrize("seed", range(30))
    def test_flipped_bits_are_found_or_change_nothing(self, model, tmp_path, seed):
        """After random flips all events are as they were, or somebody says that they are not."""
        content, rows = bytearray(model[0]), model[1]
        chance = random.Random(seed)
        for _ in range(chance.choice([1, 3, 30])):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)

        assert _is_noticed(tmp_path / "log.db", bytes(content), rows)

    @pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.6, 0.95, 0.9999])
    def test_a_truncated_file_is_found(self, model, tmp_path, share):
        """A file that ends early is refused or found damaged, wherever it ends."""
        content, rows = model
        cut = content[: int(len(content) * share)]

        assert _is_noticed(tmp_path / "log.db", cut, rows)


def _is_noticed(path, content, rows):
    """Write a file and tell whether all is there, or its loss was told, with no traceback."""
    path.write_bytes(content)
    for words in (("log", "info"), ("status",), ("log", "tail"), ("log", "verify")):
        result = CliRunner().invoke(autopack, ["--log", str(path), *words])
        if not isinstance(result.exception, SystemExit | None):
            raise result.exception
    try:
        with open_log(path) as log:
            is_clean = log.verify().is_clean
            return not is_clean or rows == [recorded.row for recorded in log.read_all()]
    except AutopackError:
        return True


def test_closing_tells_the_system(log_path):
    """A closed log leaves no file beside it and no handle open."""
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with open_log(log_path) as log:
        log.append("s", [paused()], expected_version=0)
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    assert before == after
    assert [log_path] == list(log_path.parent.iterdir())
