"""Whatever a log holds, no command hands a terminal what it would obey."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

import autopack
from autopack import Completed, Failed, NeedsPerson, PhaseSpec
from autopack.cli.main import autopack as command
from autopack.events import (
    CapAsked,
    CapSet,
    LaneRested,
    LimitReported,
    PhaseFailed,
    PhaseQueued,
    RunCreated,
)
from autopack.types import LaneWait

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\nautopack: all is well"
SOON = datetime(2100, 1, 1, tzinfo=UTC)
NAME = "n\x9b31m\u202e"
"""What a log of before may hold as a name; today's are refused."""

READING = [
    ["status"], ["status", "--markdown"], ["log", "info"], ["log", "tail"], ["log", "verify"],
    ["run", "list"], ["run", "show", "r"], ["phase", "show", "r/p1"], ["phase", "show", "r/p2"],
    ["phase", "show", "r/p3"], ["phase", "text", "r/p1"], ["history", "r"], ["history", "r", "p2"],
    ["view", "phases"], ["view", "phases", "--key", "r/p2"],
    ["replay"], ["replay", "--projection", "runs"], ["replay", "--projection", "usage"],
    ["replay", "--projection", "accounts"], ["account", "list"], ["workspaces", "list"],
    ["replay", "--projection", "samples"], ["replay", "--diff", "1"],
    ["calibrate", "--min-samples", "1"], ["calibrate", "report"], ["backtest"],
    ["advise", "models", "--trace", EVIL], ["advise", "models", "--trace", f"{EVIL}.csv"],
    ["advise", "models"], ["forecast"], ["doctor"], ["report"], ["report", "r", "--format", "html"],
    ["estimate", "--category", EVIL, "--complexity", "low", "--deliverable", EVIL],
    ["drain", "--executor", "recorded", "--dry-run"], ["simulate", "--strategy", "fifo"],
    ["report", "--format", "markdown"], ["calibrate", "history"], ["run", "cap", "r"],
    ["cap", "list"], ["usage"], ["checks"],
    ["compare", "r", "--at", "5"], ["compare", "r", NAME],
    ["replay-drain", "last"], ["replay-drain", "last", "--strategy", "priority"],
    ["usage", "--by", "day,run,phase,model,category,account,provider,role"],
]  # fmt: skip


def obeyed(text):
    """What a terminal would obey in a text, but line ends."""
    return [mark for mark in text if not (mark.isprintable() or mark in "\n ")]


@pytest.fixture
def evil_log(evil_model, tmp_path):
    """A log where every text that others give is one to fear."""
    return shutil.copyfile(evil_model, tmp_path / "evil.db")


@pytest.fixture(scope="module")
def evil_model(tmp_path_factory):
    """What each such log is copied from: to make it takes a drain."""
    path = tmp_path_factory.mktemp("evil") / "work.db"

    def execute(phase, attempt):
        attempt.progress(EVIL)
        attempt.attach("out", EVIL)
        attempt.record_usage(
            model=EVIL, input_tokens=1, output_tokens=9, role="builder", stop_reason=EVIL
        )
        match phase.phase_id:
            case "p1":
                return Completed({EVIL: EVIL}, EVIL)
            case "p2":
                return Failed(EVIL, EVIL, retryable=False, excerpt=EVIL)
        return NeedsPerson(EVIL)

    with autopack.create_log(path) as log:
        specs = [
            PhaseSpec(f"p{n}", category=EVIL, complexity="low", deliverables=EVIL, goal=EVIL,
                      labels={EVIL: EVIL}, model=EVIL)
            for n in range(1, 6)
        ]  # fmt: skip
        autopack.create_run(log, "r", specs, goal=EVIL, labels={EVIL: EVIL})
        autopack.set_caps(log, "r", {"minutes": 99}, why=EVIL, actor=EVIL)
        autopack.drain(log, executor=execute, max_phases=3)
        autopack.pause_run(log, "r", why=EVIL, actor=EVIL)
        odd = {"run_id": NAME, "phase_id": NAME}
        told = [
            RunCreated(run_id=NAME, goal=EVIL),
            PhaseQueued(**odd, index=0, category=EVIL, complexity=EVIL),
            PhaseFailed(**odd, code=EVIL, message=EVIL),
            CapSet(scope=NAME, max_tokens=9, by=EVIL, why=EVIL),
            CapAsked(scope=NAME, unit=EVIL, by=EVIL, why=EVIL),
            LimitReported(account=NAME, window=EVIL, utilization=0.5, model=EVIL, source=EVIL),
            LaneRested(
                account=NAME, model=EVIL, cause=EVIL, window=EVIL, wait_s=9.0,
                until=SOON, closed_at=SOON,
            ),
        ]  # fmt: skip
        log.append("whatever it is", told, expected_version=0)
    return path


@pytest.mark.parametrize("words", READING, ids=lambda words: " ".join(words)[:30])
def test_no_command_hands_it_on(cli, evil_log, words):
    """Neither to stdout nor to stderr, whatever it shows."""
    found = cli("--log", evil_log, *words)

    assert [] == obeyed(found.output)
    assert "\nautopack: all is well" not in found.output


@pytest.mark.parametrize("words", [["status"], ["history", "r"], ["phase", "show", "r/p2"]])
def test_json_tells_it_as_it_is(cli, evil_log, words):
    """Escaped, as JSON has it."""
    found = cli("--log", evil_log, *words, "--json")

    assert EVIL in str(json.loads(found.stdout)).encode().decode("unicode_escape") or (
        json.dumps(EVIL)[1:-1] in found.stdout
    )
    assert [] == obeyed(found.stdout)


def test_a_drain_hands_nothing_on(cli, log_path, tmp_path):
    """Neither in its lines, nor in warnings, nor in what it says in the end."""
    (tmp_path / "evil.py").write_text(
        "from autopack import Failed\n"
        f"EVIL = {EVIL!r}\n"
        "def ex(phase, attempt):\n"
        "    attempt.progress(EVIL)\n"
        "    if phase.phase_id == 'p1':\n"
        "        raise ValueError(EVIL)\n"
        "    return Failed(EVIL, EVIL, retryable=False)\n",
        encoding="utf-8",
    )
    with autopack.open_log(log_path) as log:
        autopack.create_run(log, "r", [PhaseSpec(f"p{n}", category=EVIL, complexity="low")
                                       for n in (1, 2)])  # fmt: skip
    found = cli("-v", "--log", log_path, "drain", "--executor", tmp_path / "evil.py:ex")

    assert "r/p1  failed " in found.stderr
    assert [] == obeyed(found.output)
    assert "\nautopack: all is well" not in found.output


@pytest.mark.parametrize(
    "words",
    [
        ["phase", "show", EVIL],
        ["phase", "show", f"r/{EVIL}"],
        ["history", EVIL],
        ["replay", "--projection", EVIL],
        ["replay", "--until", EVIL],
        ["drain", "--executor", EVIL],
        ["drain", "--executor", "recorded", "-x", EVIL],
        [EVIL],
        ["status", f"--{EVIL}"],
        ["log", "tail", "--limit", EVIL],
        ["run", "create", EVIL, "--phases", EVIL],
        ["import", EVIL, EVIL],
        ["log", "text", EVIL],
    ],
    ids=lambda words: words[0][:8].strip("\x1b\x07"),
)
def test_no_error_hands_it_on(cli, log_path, words):
    """What was typed is told, and not obeyed, also by click."""
    found = cli("--log", log_path, *words)

    assert 2 == found.exit_code
    assert [] == obeyed(found.output)


def test_a_log_of_such_a_name_is_told(cli, tmp_path):
    """Files are named by anybody."""
    path = tmp_path / "\x1b[31m\u202elog.db"
    found = cli("log", "create", path)

    assert 0 == found.exit_code
    assert [] == obeyed(found.output)
    assert [] == obeyed(cli("--log", path, "status").output)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals as POSIX has them")
def test_a_stored_text_is_shown_to_a_terminal_and_kept_for_a_pipe(evil_log):
    """To the last byte in a pipe; on a terminal its escapes are shown."""
    words = [
        sys.executable,
        "-m",
        "autopack",
        "--log",
        str(evil_log),
        "phase",
        "text",
        "r/p1",
        "out",
    ]
    piped = subprocess.run(words, capture_output=True, check=True)
    ours, theirs = os.openpty()
    shown = subprocess.run(words, stdout=theirs, stderr=subprocess.DEVNULL, check=True)
    told = os.read(ours, 9999).decode()
    os.close(ours)
    os.close(theirs)

    assert f"{EVIL}\n".encode() == piped.stdout
    assert 0 == shown.returncode
    assert [] == obeyed(told.replace("\r\n", "\n"))
    assert "\\x1b[2J" in told


def test_reports_in_markdown_are_no_html(cli, log_path):
    """Categories, models and reasons make no tag, link, table or code of it."""
    evil = "<img src=x onerror=alert(1)>|`a`|[b](javascript:1) https://evil.example"

    def execute(phase, attempt):
        attempt.record_usage(model="m", input_tokens=1, output_tokens=2000)
        return Completed() if phase.phase_id != "p5" else Failed(evil, evil, retryable=False)

    with autopack.open_log(log_path) as log:
        specs = [PhaseSpec(f"p{n}", category=evil, complexity="low") for n in range(1, 7)]
        autopack.create_run(log, "r", specs)
        autopack.drain(log, executor=execute)
    for words in (
        ["status", "--markdown"],
        ["calibrate", "report"],
        ["backtest"],
        ["calibrate"],
        ["report", "--format", "markdown"],
    ):
        told = cli("--log", log_path, *words).stdout

        assert "<img" not in told
        assert "](" not in told.replace("\\](", "")
        assert "https://evil" not in told


def test_the_live_view_hands_nothing_on():
    """Names, steps, reasons and notes are drawn as they are shown elsewhere."""
    from autopack.cli.live_view import FULL, DrainScreen, painted
    from autopack.report.drain_lines import DrainLine, DrainLines

    row = {"phase": EVIL, "step": EVIL, "since_s": 1.0, "calls": 0, "tokens": 0}
    wait = LaneWait(account=EVIL, model=EVIL, cause=EVIL, until=SOON, since=SOON, window=EVIL)
    counts = ("ready", "waiting", "elsewhere", "unreadable", "total_tokens", "cost_usd",
              "attempts", "samples_won", "elapsed_s")  # fmt: skip
    status = {
        "working": [row], "in_work": [EVIL], "paused": EVIL, "waits": [wait], "limits": {},
        "idle": EVIL,
        **dict.fromkeys(counts, 0),
    }  # fmt: skip
    view = DrainScreen(DrainLines(), FULL)
    lines = view.frame(status, (2000, 24), SOON)
    lines += [
        view.ended(DrainLine(mark=mark, subject=EVIL, state=EVIL, why=EVIL), 2000)
        for mark in FULL.marks
    ]
    screen = "\n".join(painted(line, has_colours=False) for line in lines)

    assert [] == obeyed(screen)
    assert "\\x1b]0;owned" in screen


def test_a_value_without_end_is_shown_by_its_beginning(cli, log_path):
    """A table is drawn at once, also on a terminal, however long a word in it is."""
    with autopack.open_log(log_path) as log:
        spec = PhaseSpec("p1", category="c" * 3_000_000, complexity="low")
        autopack.create_run(log, "r", [spec])
    for words in (["run", "show", "r"], ["phase", "show", "r/p1"], ["replay"]):
        found = cli("--log", log_path, *words)

        assert 0 == found.exit_code
        assert len(found.stdout) < 10_000


class TestStreams:
    """Streams that take nothing more."""

    MAIN = "import sys; from autopack.cli.main import main; main()"

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
    @pytest.mark.parametrize("words", [["status"], ["status", "--json"], ["log", "info"]])
    def test_a_full_disk_under_stdout_is_told(self, log_path, words):
        """In one line, without a traceback, with exit code 1."""
        with open("/dev/full", "wb") as full:
            found = subprocess.run(
                [sys.executable, "-c", self.MAIN, "--log", str(log_path), *words],
                stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            )  # fmt: skip

        assert 1 == found.returncode
        assert "autopack: stdout cannot be written: No space left on device." in found.stderr
        assert "Traceback" not in found.stderr
        assert "Exception ignored" not in found.stderr

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
    def test_a_full_disk_under_stderr_stops_nothing(self, log_path):
        """What is said there is beside the result."""
        with open("/dev/full", "wb") as full:
            found = subprocess.run(
                [sys.executable, "-c", self.MAIN, "--log", str(log_path), "status"],
                stdout=subprocess.PIPE, stderr=full, text=True, check=False,
            )  # fmt: skip

        assert 0 == found.returncode
        assert found.stdout.startswith("log ")

    @pytest.mark.parametrize("words", [["status"], ["log", "tail"], ["replay"]])
    def test_a_reader_that_has_enough_is_no_fault(self, log_path, words):
        """The pipe is closed before anything is read: exit code 0, and nothing is said of it."""
        ours, theirs = os.pipe()
        os.close(ours)
        found = subprocess.run(
            [sys.executable, "-c", self.MAIN, "--log", str(log_path), *words],
            stdout=theirs, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        os.close(theirs)

        assert 0 == found.returncode
        assert "Traceback" not in found.stderr
        assert "Exception ignored" not in found.stderr

    def test_an_error_nobody_meant_is_shown_too(self, tmp_path):
        """Its traceback ends with somebody's words."""
        main = (
            "import sys\n"
            "from autopack.cli import main\n"
            f"main.autopack = lambda **_: (_ for _ in ()).throw(RuntimeError({EVIL!r}))\n"
            "main.main()\n"
        )
        found = subprocess.run(
            [sys.executable, "-c", main], capture_output=True, text=True, check=False
        )

        assert 1 == found.returncode
        assert "RuntimeError: \\x1b]0;owned" in found.stderr
        assert [] == obeyed(found.stderr)


def test_every_command_is_looked_at():
    """A new command that reads has its line above."""
    seen = {words[0] for words in READING}
    writing = {"batch", "demo", "views", "probe", "import", "export", "plugins", "recheck"}
    writing |= {"worker", "scale"}

    assert set(command.commands or command.list_commands(None)) - writing <= seen
