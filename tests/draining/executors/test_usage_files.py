"""Whatever a program makes of its usage file and descriptor: read in bounds, and told if lost."""

import json
import os
import threading
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from autopack import (
    CommandExecutor,
    Drain,
    PhaseSpec,
    cancel,
    create_run,
    drain,
    open_log,
    set_caps,
)
from autopack.draining.executors import usage_files
from autopack.draining.executors.usage_files import UsageChannel
from autopack.events import LlmUsageRecorded, PhaseCompleted
from programs import gone, script

pytestmark = pytest.mark.skipif(os.name == "nt", reason="files and pipes as POSIX has them")


@pytest.fixture
def channel():
    """The channel of one attempt, nobody else having it open."""
    with UsageChannel() as opened:
        yield opened


def path_of(channel: UsageChannel) -> Path:
    """The usage file."""
    return Path(channel.environment()["AUTOPACK_USAGE_FILE"])


def heard(channel: UsageChannel, slices: int = 1000):
    """Everything that looks give until there is nothing more: lines, problems, doubts."""
    lines, problems, doubts = [], [], []
    for _ in range(slices):
        if not channel.has_news():
            break
        told = channel.read()
        lines += told.lines
        problems += told.problems
        doubts += told.doubts
    return [line for line in lines if line.strip()], problems, doubts


def finished(channel: UsageChannel):
    """What is left, with the looks before."""
    lines, problems, doubts = heard(channel)
    told = channel.finish()
    return [*lines, *told.lines], [*problems, *told.problems], [*doubts, *told.doubts]


def test_lines_are_taken_as_they_come(channel):
    """From the file and the descriptor, each once; a look without news costs no read."""
    with path_of(channel).open("a") as file:
        file.write("a\nb\nhalf")
    os.write(channel.write_end, b"c\n")

    assert (["c", "a", "b"], [], []) == heard(channel)
    assert not channel.has_news()
    with path_of(channel).open("a") as file:
        file.write(" and half\nlast")
    assert (["half and half"], [], []) == heard(channel)
    assert (["last"], [], []) == finished(channel)


def test_a_look_reads_a_slice(channel, monkeypatch):
    """However much there is, one look takes a bounded part of it."""
    monkeypatch.setattr(usage_files, "_SLICE_BYTES", 100)
    with path_of(channel).open("a") as file:
        file.write("line\n" * 100)
    told = channel.read()

    assert (20, True) == (len(told.lines), told.has_more)
    assert (80, [], []) == (len((rest := heard(channel))[0]), *rest[1:])


@pytest.mark.parametrize("source", ["file", "pipe"])
def test_a_flood_is_read_up_to_a_limit_and_told(channel, monkeypatch, source):
    """What is beyond it is counted; a descriptor is read on, so that nobody waits for us."""
    monkeypatch.setattr(usage_files, "BYTES_MOST", 1000)
    monkeypatch.setattr(usage_files, "_SLICE_BYTES", 300)
    for _ in range(4):
        if source == "file":
            with path_of(channel).open("a") as file:
                file.write("0123456789\n" * 40)
        else:
            os.write(channel.write_end, b"0123456789\n" * 40)
        lines, problems, _ = heard(channel, 3)
    lines, problems, _doubts = finished(channel)

    assert len(lines) <= 1000 // 11 + 1
    assert 1 == len(problems)
    assert "bytes of the usage" in problems[0]
    assert "were not read" in problems[0]


def test_a_file_that_is_written_over_each_time_is_told(channel):
    """``>`` for ``>>``: what was seen is taken, and that calls may be lost is said once."""
    taken = []
    for n in range(4):
        path_of(channel).write_text(f'{{"n": {n}}}\n')
        taken.append(heard(channel))

    assert [[f'{{"n": {n}}}'] for n in range(4)] == [lines for lines, _, _ in taken]
    assert 1 == sum(len(problems) for _, problems, _ in taken)
    assert "open it to append" in taken[1][1][0]


@pytest.mark.parametrize("ending", ["\n", ""])
def test_the_same_line_written_over_itself_is_told(channel, ending):
    """Nobody can tell whether it was a second call: it is not counted, and that is said."""
    path_of(channel).write_text('{"n": 1}' + ending)
    first, *_ = heard(channel)
    os.utime(path_of(channel), ns=(0, 0))
    path_of(channel).write_text('{"n": 1}' + ending)
    lines, problems, _ = finished(channel)

    assert ['{"n": 1}'] == [*first, *lines]
    assert 1 == len(problems)


def test_a_file_that_was_written_over_before_it_was_seen_is_doubted(channel):
    """It may have been the only time: nothing is lost for sure, and that is said as well."""
    path_of(channel).write_text('{"n": 1}\n{"n": 2}\n')

    lines, problems, doubts = finished(channel)

    assert (['{"n": 1}', '{"n": 2}'], []) == (lines, problems)
    assert ["if that was done more than once" in doubt for doubt in doubts] == [True]


def test_lines_that_are_written_again_count_once(channel):
    """A program that writes all its calls anew each time tells each of them once."""
    for n in range(1, 5):
        path_of(channel).write_text("".join(f'{{"n": {i}}}\n' for i in range(n)))
        lines, problems, _ = heard(channel)
        assert ([f'{{"n": {n - 1}}}'], []) == (lines, problems)


@pytest.mark.parametrize("is_written_anew", [True, False])
def test_a_file_that_is_replaced_is_followed(channel, is_written_anew):
    """What was in the old one is read to its end; the new one's lines are new if they differ."""
    path = path_of(channel)
    with path.open("a") as file:
        file.write("a\nb\n")
    other = path.with_suffix(".new")
    other.write_text("c\n" if is_written_anew else "\na\nb\nc\n")
    other.rename(path)

    lines, problems, _ = finished(channel)

    assert ["a", "b", "c"] == lines
    assert 1 == len(problems)


def test_a_file_that_is_deleted_is_read_to_its_end(channel):
    """What was appended before is not lost with its name."""
    path = path_of(channel)
    with path.open("a") as file:
        file.write("a\n")
    heard(channel)
    with path.open("a") as file:
        file.write("b\n")
    path.unlink()

    assert (["b"], [], []) == finished(channel)


@pytest.mark.parametrize("kind", ["fifo", "folder", "zero", "nowhere"])
def test_what_is_no_file_keeps_nobody_waiting_and_is_told(channel, kind):
    """A pipe that nobody writes to, a folder, a device without an end."""
    path = path_of(channel)
    path.unlink()
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "zero":
            path.symlink_to("/dev/zero")
        case "nowhere":
            path.symlink_to(path.with_name("none"))

    lines, problems, _ = finished(channel)

    assert [] == lines
    assert (0 if kind == "nowhere" else 1) == len(problems)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
@pytest.mark.parametrize("source", ["file", "pipe"])
def test_other_encodings_are_read(channel, encoding, source):
    """As some shells and languages write by themselves."""
    text = json.dumps({"call_id": "é-测", "model": "m"}, ensure_ascii=False)
    for _ in range(2):
        data = f"{text}\n".encode(encoding)
        if encoding == "utf-16" and _:
            data = f"{text}\n".encode("utf-16-le" if os.sys.byteorder == "little" else "utf-16-be")
        if source == "file":
            with path_of(channel).open("ab") as file:
                file.write(data)
        else:
            os.write(channel.write_end, data)

    lines, problems, _ = finished(channel)

    assert [text, text] == [line.lstrip("\ufeff") for line in lines]
    assert [] == problems


@pytest.mark.parametrize("source", ["file", "pipe"])
def test_a_line_without_an_end_is_dropped_and_told(channel, monkeypatch, source):
    """What comes after it is taken."""
    monkeypatch.setattr("autopack.draining.executors.program_output.LONGEST_LINE_BYTES", 1000)
    data = b"x" * 2000 + b"\nafter\n"
    if source == "file":
        with path_of(channel).open("ab") as file:
            file.write(data)
    else:
        os.write(channel.write_end, data)

    lines, problems, _ = finished(channel)

    assert ["after"] == lines
    assert ["1 lines of the usage" in problem for problem in problems] == [True]


# Whole drains: the loop stays free, and the log says what was lost.

CALL = {"model": "m", "output_tokens": 5}


@pytest.fixture
def log(sqlite_log):
    """A log with the run ``r`` of one phase ``p``."""
    create_run(sqlite_log, "r", [PhaseSpec("p", category="docs", complexity="low", max_attempts=1)])
    return sqlite_log


def calls(log):
    """The calls that are recorded."""
    return [recorded.event for recorded in log.read_all(types=[LlmUsageRecorded])]


FLOODS = {
    "file": "file = open(os.environ['AUTOPACK_USAGE_FILE'], 'a')\nwrite = file.write\n",
    "descriptor": "file = open(int(os.environ['AUTOPACK_USAGE_FD']), 'w')\nwrite = file.write\n",
    "stdout": "write = sys.stdout.write\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("where", FLOODS)
@pytest.mark.parametrize("line", ["x" * 99, json.dumps({"type": "autopack.usage", **CALL}), ""])
def test_a_flood_blocks_nothing(log, tmp_path, where, line, monkeypatch):
    """The deadline is kept, the lease renewed, the program ended; what was lost is told."""
    monkeypatch.setattr("autopack.draining.executors.call_recorder.CALLS_MOST", 300)
    monkeypatch.setattr(usage_files, "BYTES_MOST", 2_000_000)
    text = (
        "import os, pathlib, sys, time\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        f"{FLOODS[where]}"
        f"line = {line + chr(10)!r} * 100\n"
        "end = time.monotonic() + 60\n"
        "while time.monotonic() < end:\n    write(line)\n"
    )
    executor = CommandExecutor(script(tmp_path, text), grace_s=0.2)
    with capture_logs():
        engine = Drain(log, executor=executor, timeout_s=2, lease_s=1)
        report = engine.run()

    assert (1, 0) == (report.timed_out, report.lost)
    assert gone(int((tmp_path / "pid").read_text()))
    assert len(calls(log)) <= 300


@pytest.mark.slow
@pytest.mark.parametrize("where", FLOODS)
@pytest.mark.parametrize("end", ["cancelled", "stopped"])
def test_a_flood_keeps_nobody_from_ending_it(log, tmp_path, where, end):
    """A drain hears that its phase is called off, and that it is to stop itself."""
    begun, line = tmp_path / "pid", json.dumps({"type": "autopack.usage", **CALL})
    text = (
        "import itertools, os, pathlib, sys, time\n"
        f"{FLOODS[where]}"
        f"line = {line + chr(10)!r} * 100\n"
        "end = time.monotonic() + 60\n"
        "for n in itertools.takewhile(lambda _: time.monotonic() < end, itertools.count()):\n"
        "    write(line)\n"
        "    if n == 9:\n"
        f"        pathlib.Path({str(begun)!r}).write_text(str(os.getpid()))\n"
    )
    engine = Drain(log, executor=CommandExecutor(script(tmp_path, text), grace_s=0.2))

    def call_off():
        while not begun.exists():
            time.sleep(0.01)
        if end == "stopped":
            engine.stop(grace_s=0.1)
            return
        with open_log(log.target) as other:
            cancel(other, "r/p", why="no more")

    caller = threading.Thread(target=call_off)
    caller.start()
    with capture_logs():
        report = engine.run()
    caller.join()

    assert (end == "cancelled") == report.lost
    if end == "stopped":  # where there is no time to give it back, the report says so
        assert report.released == 1 or report.held
    assert gone(int(begun.read_text()))


@pytest.mark.slow
def test_calls_that_come_after_a_cap_are_recorded_all(log, tmp_path):
    """50 told, 50 recorded: the first that is too many ends the program, and each was paid."""
    set_caps(log, "r", {"tokens": 22}, why="small")
    lines = "".join(json.dumps({"type": "autopack.usage", **CALL}) + "\n" for _ in range(50))
    text = f"import sys, time\nsys.stdout.write({lines!r})\nsys.stdout.flush()\ntime.sleep(60)\n"
    with capture_logs():
        drain(log, executor=CommandExecutor(script(tmp_path, text), grace_s=0.2), max_phases=1)

    assert 50 == len(calls(log))


@pytest.mark.slow
def test_calls_that_come_after_a_lost_lease_are_recorded_all(log, tmp_path):
    """As late ones: they were paid, whoever has the phase now."""
    begun = tmp_path / "begun"
    lines = "".join(json.dumps({"type": "autopack.usage", **CALL}) + "\n" for _ in range(50))
    text = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n"
        f"    sys.stdout.write({lines!r})\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"pathlib.Path({str(begun)!r}).touch()\n"
        "time.sleep(60)\n"
    )

    def call_off():
        while not begun.exists():
            time.sleep(0.01)
        with open_log(log.target) as other:
            cancel(other, "r/p", why="no more")

    threading.Thread(target=call_off).start()
    with capture_logs():
        report = drain(log, executor=CommandExecutor(script(tmp_path, text), grace_s=10))

    assert (1, 50) == (report.lost, report.calls)
    assert {True} == {call.late for call in calls(log)}


def test_what_was_lost_of_a_file_marks_the_attempt(log, tmp_path):
    """Tokens and cost are the least that was used, and the phase says what was wrong."""
    text = (
        "import os, time\n"
        "for n in range(3):\n"
        "    with open(os.environ['AUTOPACK_USAGE_FILE'], 'w') as file:\n"
        '        file.write(\'{"model": "m", "output_tokens": %d}\' % n)\n'
        "    time.sleep(0.7)\n"
    )
    with capture_logs() as logged:
        report = drain(log, executor=CommandExecutor(script(tmp_path, text)))
    (ended,) = [r.event for r in log.read_all(types=[PhaseCompleted])]

    assert (1, 3) == (report.unreadable, len(calls(log)))
    assert "open it to append" in log.artifacts.get(ended.artifacts["usage-problems"])
    assert 1 == len(logged)
