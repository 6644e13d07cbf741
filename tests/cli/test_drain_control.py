"""`drain set`, `pause` and `resume` as commands, beside the drain itself."""

import json
import threading
import time

import pytest

from autopack import Drain, open_log
from drains import found

LONG_S = 60.0


@pytest.fixture
def busy(run_log):
    """A drain on ``run_log`` with one phase in work until the test ends."""
    go = threading.Event()

    def execute(_phase, attempt):
        while not go.wait(0.02):
            attempt.progress("waiting")

    with open_log(run_log) as log:
        engine = Drain(log, executor=execute, drain="night")
        thread = threading.Thread(target=engine.run, daemon=True)
        thread.start()
        ends = time.monotonic() + LONG_S
        while not engine.status()["in_work"]:
            assert time.monotonic() < ends
            time.sleep(0.01)
        yield engine
        go.set()
        engine.stop(0)
        thread.join(LONG_S)


def test_settings_are_set_by_their_options_names(cli, run_log, busy):
    """Short names too; what is answered is printed, with who answered."""
    result = cli(
        "--log", run_log, "drain", "set", "workers=2", "rpm=m=5", "rpm=60", "tpm=none",
        "max-usd=0.30", "max-phases=7", "timeout=90", "--why", "the others need it",
    )  # fmt: skip
    (asked,) = found(busy.log, "drain.set_requested")
    kept = {
        "workers": 2, "requests_per_minute": {"m": 5, "*": 60}, "tokens_per_minute": None,
        "max_usd": "0.3", "max_phases": 7, "timeout_s": 90.0,
    }  # fmt: skip

    assert 0 == result.exit_code
    assert (kept, "the others need it") == (dict(asked.settings), asked.why)
    assert "Drain night: set: " in result.stdout
    assert "workers 2" in result.stdout
    assert busy._session.worker in result.stdout


def test_a_drain_is_paused_and_resumed(cli, run_log, busy):
    """`status` says so, and by what command it goes on."""
    paused = cli("--log", run_log, "drain", "pause", "--now", "--why", "lunch")
    status = cli("--log", run_log, "status")
    resumed = cli("--log", run_log, "drain", "resume", "--json")

    assert paused.stdout.startswith("Drain night: paused: lunch (")
    assert f"night paused by {busy._session.worker}: lunch" in status.stdout
    assert "drain resume --drain night" in status.stdout
    assert ["resumed"] == [one["answer"] for one in json.loads(resumed.stdout)[0]["answers"]]


def test_a_drain_that_nobody_works_on_is_set_for_who_goes_on(cli, run_log, executors):
    """By its name; without one there is none to ask."""
    cli("--log", run_log, "drain", "--executor", f"{executors}:works", "--drain", "night",
        "--max-phases", "1")  # fmt: skip
    named = cli("--log", run_log, "drain", "set", "--drain", "night", "max-phases=none",
                "--why", "all of it")  # fmt: skip
    nameless = cli("--log", run_log, "drain", "pause")
    more = cli("--log", run_log, "drain", "--resume")

    assert "nobody works on it now" in named.stdout
    assert (2, 0) == (nameless.exit_code, more.exit_code)
    assert "No drain is at work in this log" in nameless.stderr
    assert "2 completed" in more.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("set", "--why", "so"), "Missing argument 'NAME=VALUE...'"),
        (("set", "workers", "--why", "so"), "'workers' is not NAME=VALUE"),
        (("set", "workers=two", "--why", "so"), "workers: 'two' is no whole number"),
        (("set", "workers=1", "workers=2", "--why", "so"), "workers: it is given 2 times"),
        (("set", "rpm=0", "--why", "so"), "requests_per_minute: '0' is not N or MODEL=N"),
        (("set", "max-usd=-1", "--why", "so"), "max_usd"),
        (("set", "timeout=nan", "--why", "so"), "timeout_s"),
        (("--workers", "2", "pause"), "--workers is of autopack drain"),
        (("pause", "--workers", "2"), "There is no option --workers"),
        (("pause", "--", "prog"), "autopack drain pause takes no program"),
        (("pauze",), "Did you mean 'pause'"),
    ],
)
def test_what_is_meant_for_another_is_refused(cli, run_log, busy, arguments, words):
    """Before anything is written."""
    before = [recorded.type for recorded in busy.log.read_all()]
    result = cli("--log", run_log, "drain", *arguments)

    assert 2 == result.exit_code
    assert words in result.stderr
    assert before == [recorded.type for recorded in busy.log.read_all()]


def test_a_program_may_be_named_like_a_command(cli, run_log):
    """After two dashes everything is the program's."""
    result = cli("--log", run_log, "drain", "--max-phases", "1", "--", "echo", "pause", "--now")

    assert 0 == result.exit_code
    assert "1 completed" in result.stdout
