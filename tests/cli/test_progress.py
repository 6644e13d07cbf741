"""A drain's progress on a real terminal, and in a pipe."""

import os
import re
import struct
import subprocess
import sys
import threading

import pytest

from autopack import create_run
from drains import specs
from screens import shown

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals as POSIX has them")

EXECUTOR = """\
import time
from autopack import Failed


def execute(phase, attempt):
    attempt.record_usage(model="m", input_tokens=1000, output_tokens=200, cost_usd="0.01")
    time.sleep(0.3)
    if phase.phase_id.endswith("2"):
        return Failed("tests_failed", "two of nine tests failed, and they are long " * 4)
"""


@pytest.fixture
def drained(log_path, sqlite_log, tmp_path):
    """Drain three phases on a terminal of a size; return what was written to it."""
    import fcntl
    import termios

    names = (f"a-rather-long-name-of-a-日本-phase-{n}" for n in range(3))
    create_run(sqlite_log, "r", specs(*names))
    file = tmp_path / "mine.py"
    file.write_text(EXECUTOR, encoding="utf-8")

    def drain(columns=80, rows=24, **environ):
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        written = []
        reader = threading.Thread(target=_read, args=(ours, written))
        reader.start()
        subprocess.run(
            [sys.executable, "-m", "autopack", "--log", log_path, "drain", "--executor",
             f"{file}:execute", "--max-usd", "5", "--allow-unknown-price"],
            stdin=theirs, stdout=theirs, stderr=theirs, timeout=60, check=False,
            env={**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environ},
        )  # fmt: skip
        os.close(theirs)
        reader.join()
        os.close(ours)
        return b"".join(written)

    return drain


def _read(ours, written):
    try:
        while piece := os.read(ours, 65536):
            written.append(piece)
    except OSError:  # the other end was closed
        return


@pytest.mark.parametrize("columns", [80, 200])
def test_a_finished_phase_is_one_row(drained, columns):
    """At any width, whatever it is called; the view is gone in the end."""
    written = drained(columns)
    rows = shown(written, columns)
    ends = [row for row in rows if row.startswith(("✓", "✗"))]

    assert 3 == len(ends)
    assert [True] * 3 == [f"phase-{n}" in row for n, row in enumerate(ends)]
    assert "  1,200 tokens    0.01 USD      0." in ends[0]
    assert "tests_failed: two of nine" in ends[2]
    assert "of 5.00 USD" in written.decode()
    assert re.search(r"[012] of 3, ", written.decode())
    assert [] == [row for row in rows if row.startswith(("▸", "━", "─", "spent"))]


def test_no_color_means_none(drained):
    """What moves the cursor stays."""
    plain = drained(NO_COLOR="1")

    assert b"\x1b[J" in plain
    assert [] == re.findall(rb"\x1b\[[0-9;]*m", plain)


def test_marks_have_colours(drained):
    """Green for what is done, red for what failed."""
    written = drained().decode()

    assert "\x1b[32m✓ \x1b[0m" in written
    assert "\x1b[31m✗ \x1b[0m" in written


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(drained):
    """One a phase, and nothing is drawn."""
    written = drained(TERM="dumb")

    assert b"\x1b" not in written
    assert 3 == written.count(b"phase-0") + written.count(b"phase-1") + written.count(b"phase-2")


def test_a_pipe_gets_plain_lines(cli, run_log, executors):
    """With times, without colours, one a phase; reasons as long as they are."""
    found = cli("--log", run_log, "drain", "--executor", f"{executors}:fails").stderr
    lines = [line for line in found.splitlines() if "  failed  " in line]

    assert 2 == len(lines)
    line = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  \S r/p[12]  failed")
    assert all(map(line.match, lines))
    assert "\x1b" not in found
