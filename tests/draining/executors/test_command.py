"""The executor ``command``: real programs, real logs, real kills."""

import gc
import json
import time
import warnings
from pathlib import Path

import attrs
import pytest
from structlog.testing import capture_logs

from autopack import (
    CommandExecutor,
    Drain,
    PhaseRef,
    PhaseSpec,
    calibrate,
    create_run,
    drain,
    get_phase,
    list_samples,
    probe,
)
from autopack.draining.attempts.claims import Claims
from autopack.draining.attempts.lost_leases import reclaim_lost
from autopack.errors import InvalidInputError
from autopack.events import (
    DrainStopped,
    LlmUsageRecorded,
    PhaseCompleted,
    PhaseFailed,
    PhaseTimedOut,
)
from autopack.log.log import Log, handler_of, journal_of
from autopack.report.drain_text import drain_text
from drains import account_of
from programs import gone, printing, script

SPEC = PhaseSpec(
    "p", category="tests", complexity="low", deliverables=("a.py", "b c.py"), max_attempts=1,
    goal="write 'it'; then\nrest", payload={"lang": "py", "flags": ["-x", "-y"]},
)  # fmt: skip
ECHO = "import json,sys; print(json.dumps(sys.argv[1:]))"


@pytest.fixture
def log(sqlite_log: Log) -> Log:
    """A log with the run ``r`` of one phase ``p``."""
    create_run(sqlite_log, "r", [SPEC])
    return sqlite_log


def events(log: Log, *types: type) -> list:
    """Return the log's events of these classes."""
    return [recorded.event for recorded in log.read_all(types=types)]


def artifact(log: Log, event: object, name: str) -> str:
    """Return a text that an ending names."""
    return log.artifacts.get(event.artifacts[name])


def run(log: Log, *command: object, **settings: object) -> object:
    """Drain the log with a command and return the first ending."""
    ending = (PhaseCompleted, PhaseFailed, PhaseTimedOut)
    timeout_s = settings.pop("timeout_s", 30)
    executor = CommandExecutor(list(command), **settings)
    drain(log, executor=executor, timeout_s=timeout_s, max_phases=1)
    return events(log, *ending)[0]


def test_placeholders_are_filled_in_without_a_shell(log, tmp_path):
    """Quotes and line breaks reach the program as they are; several values, several arguments."""
    command = [
        *script(tmp_path, ECHO), "{goal}", "{deliverables}", "all: {deliverables}",
        "{payload.flags}", "{run_id}/{phase_id}", ["--model", "{model}"], "{{x}}", '{"a": 1}',
    ]  # fmt: skip
    ended = run(log, *command)
    told = json.loads(artifact(log, ended, "stdout"))

    assert [
        "write 'it'; then\nrest", "a.py", "b c.py", "all: a.py, b c.py", "-x", "-y", "r/p",
        "{x}", '{"a": 1}',
    ] == told  # fmt: skip


def test_stdin_folder_and_variables(log, tmp_path):
    """A program gets its text, its folder and its variables, and may read the phase as JSON."""
    text = (
        "import json,os,sys\nphase = json.load(sys.stdin)\n"
        "print(json.dumps([phase['payload']['lang'], os.getcwd(), os.environ['MINE'],"
        " os.environ['AUTOPACK_RUN_ID'], os.environ['AUTOPACK_ATTEMPT']]))\n"
    )
    command = script(tmp_path, text)
    ended = run(log, *command, stdin="{phase}", cwd=tmp_path, env={"MINE": "<{phase_id}>"})

    assert ["py", str(tmp_path), "<p>", "r", "1"] == json.loads(artifact(log, ended, "stdout"))


@pytest.mark.parametrize(
    ("command", "settings", "told"),
    [
        (["x", "{gaol}"], {}, "Did you mean {goal}?"),
        (["x"], {"stdin": "{nothing}"}, "no placeholder {nothing}"),
        (["x"], {"env": {"A": "{b}"}}, "no placeholder {b} (in the variable A)"),
        (["x", ["-y", "{b}"]], {}, "no placeholder {b} (in argument 3 of the command)"),
        (["x"], {"env": {"A": 5}}, "the value of A is no text"),
        (["x"], {"env": {"A=B": "c"}}, "'A=B' cannot name a variable"),
        (["x"], {"env": "A=B"}, "env is no table"),
        ("claude -p {goal}", {}, "give a list of arguments"),
        ([], {}, "names no program"),
        (["x", 3], {}, "neither a text nor a list"),
        (None, {}, "needs a command"),
        (None, {"preset": "clod"}, "Known: claude, codex"),
        (["x"], {"grace_s": -1.0}, "grace_s is -1.0; give seconds, from 0"),
    ],
)
def test_a_wrong_setting_is_refused(command, settings, told):
    """What is wrong is named before anything runs."""
    with pytest.raises(InvalidInputError) as refused:
        CommandExecutor(command, **settings)

    assert told in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"env": {"KEY": "s3cr3t {wrong}"}},
        {"env": {"KEY": "s3cr3t\0"}},
        {"env": {"KEY": ["s3cr3t"]}},
        {"env": ["KEY=s3cr3t"]},
        {"env": {"KEY": "s3cr3t"}, "stdin": "{wrong}"},
        {"stdin": "s3cr3t {wrong}"},
    ],
)
def test_what_is_refused_tells_no_value(settings):
    """A variable may hold a key, and an error goes to a terminal, a log, a ticket."""
    with pytest.raises(InvalidInputError) as refused:
        CommandExecutor(["x"], **settings)

    assert "s3cr3t" not in str(refused.value) + refused.value.typed


@pytest.mark.parametrize("settings", [{}, {"cwd": "no-such-folder"}])
def test_a_missing_program_or_folder_refuses_the_drain(log, settings):
    """A drain with a program that is not there writes nothing."""
    before = log.head().position
    program = "no-such-program" if not settings else "true"
    with pytest.raises(InvalidInputError) as refused:
        drain(log, executor=CommandExecutor([program], **settings))

    assert before == log.head().position
    assert "There is no" in str(refused.value)


def test_a_program_that_goes_missing_fails_before_any_call(log):
    """A program named by the phase is looked for when the phase runs."""
    ended = run(log, "{payload.lang}-no-such-program")

    assert ("program_missing", "invalid_request", "failed_before_llm") == (
        ended.code, ended.failure_class, ended.zero_yield_reason,
    )  # fmt: skip
    assert "py-no-such-program" in ended.message


def test_a_value_that_the_phase_lacks_fails_it_before_the_program_runs(log, tmp_path):
    """A needed placeholder without a value is named."""
    mark = tmp_path / "ran"
    ended = run(log, *script(tmp_path, f"open({str(mark)!r}, 'w')"), "{model}")

    assert ("no_value", "failed_before_llm") == (ended.code, ended.zero_yield_reason)
    assert "{model}" in ended.message
    assert not mark.exists()


@pytest.mark.parametrize(
    ("ending", "code", "kind"),
    [
        ("sys.exit(3)", "exit_3", "execution"),
        ("sys.stderr.write('HTTP 429: Retry-After: 1'); sys.exit(1)", "exit_1", "rate_limited"),
        ("sys.exit(75)", "exit_75", "overloaded"),
        ("sys.exit(64)", "exit_64", "invalid_request"),
        ("sys.exit(127)", "exit_127", "invalid_request"),
        ("os.kill(os.getpid(), 9)", "signal_SIGKILL", "execution"),
        ("os.kill(os.getpid(), 15)", "signal_SIGTERM", "execution"),
        ("sys.exit(137)", "signal_SIGKILL", "execution"),
    ],
)
def test_exit_codes_and_signals_are_told_apart(log, tmp_path, ending, code, kind):
    """A code's usual meaning, else the last words, decide the class."""
    ended = run(log, *script(tmp_path, f"import os, sys\n{ending}\n"))

    assert (code, kind) == (ended.code, ended.failure_class)
    assert ended.exit_code


def test_last_words_and_a_wait_are_kept(log, tmp_path):
    """The message holds the end of stderr; what a provider asks to wait is not before."""
    text = "import sys\nsys.stderr.write('x' * 9000 + ' rate limit, try again in 90s'); sys.exit(1)"
    command = script(tmp_path, text)
    drain(log, executor=CommandExecutor(command), max_phases=1)
    (failed,) = events(log, PhaseFailed)

    assert failed.message.endswith("rate limit, try again in 90s")
    assert failed.excerpt.endswith("rate limit, try again in 90s")
    assert 9029 == len(artifact(log, failed, "stderr"))


def test_last_words_leave_out_what_was_told_to_autopack(log, tmp_path):
    """Usage lines are not why it failed: not in message, excerpt or fingerprint, nor its class."""
    lines = [
        {"type": "autopack.usage", **USAGE, "call_id": "rate limit exceeded"},
        "the tests failed",
        {"type": "autopack.progress", "note": "rate limit"},
    ]
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    program = script(tmp_path, f"import sys; print({text!r}); sys.exit(3)")
    ended = run(log, *program)

    assert ended.message.endswith("ended with exit code 3; its last words: the tests failed")
    assert ("the tests failed", "execution") == (ended.excerpt, ended.failure_class)
    assert "autopack" not in ended.fingerprint


def test_a_program_that_told_only_autopack_gave_no_reason(log, tmp_path):
    """Its usage is recorded; nothing of it is quoted."""
    ended = run(log, *printing(tmp_path, {"type": "autopack.usage", **USAGE}, code=3))

    assert ended.message.endswith("ended with exit code 3; it printed no reason")
    assert ended.excerpt is None


def test_output_is_kept_within_a_bound(log, tmp_path):
    """Of a long output the start and the end are kept, and what was cut is said."""
    text = "import sys\nsys.stdout.write('a' * 70_000 + 'm' * 3_000_000 + 'z' * 70_000)\n"
    ended = run(log, *script(tmp_path, text), capture_bytes=100_000)
    kept = artifact(log, ended, "stdout")

    assert kept.startswith("a" * 50_000 + "\n[... 3040000 bytes cut ...]\n")
    assert kept.endswith("\n" + "z" * 50_000)


USAGE = {"model": "m1", "input_tokens": 10, "output_tokens": 20, "cost_usd": 0.5,
         "cost_source": "reported"}  # fmt: skip


def test_usage_lines_on_stdout(log, tmp_path):
    """One line a call; progress and the outcome may be told as well."""
    command = printing(
        tmp_path,
        {"type": "autopack.usage", "call_id": "c1", **USAGE},
        {"type": "autopack.progress", "note": "halfway"},
        {"type": "autopack.usage", "call_id": "c2", **USAGE, "stop_reason": "end_turn"},
        {"some": "other line"},
        {"type": "autopack.completed", "summary": "all written", "outputs": {"o": "text"}},
    )
    ended = run(log, *command)
    calls = events(log, LlmUsageRecorded)

    assert [("c1", 20, 0.5), ("c2", 20, 0.5)] == [
        (one.call_id, one.output_tokens, one.cost_usd) for one in calls
    ]
    assert ("all written", "text") == (ended.summary, log.artifacts.get(ended.outputs["o"]))
    assert ended.zero_yield_reason is None


@pytest.mark.parametrize(
    "opened", ["open(os.environ['AUTOPACK_USAGE_FILE'], 'a')",
               "os.fdopen(int(os.environ['AUTOPACK_USAGE_FD']), 'w')"],
)  # fmt: skip
def test_usage_in_a_file_or_descriptor(log, tmp_path, opened):
    """Every line there is a call, the last one with or without a line end."""
    lines = json.dumps({"call_id": "c1", **USAGE}) + "\n" + json.dumps({"call_id": "c2", **USAGE})
    text = f"import os\nwith {opened} as file:\n    file.write({lines!r})\n"
    run(log, *script(tmp_path, text))

    assert ["c1", "c2"] == [one.call_id for one in events(log, LlmUsageRecorded)]


def test_usage_that_cannot_be_understood_is_kept_and_said(log, tmp_path):
    """A wrong figure records no call and does not undo the work."""
    command = printing(
        tmp_path,
        {"type": "autopack.usage", "model": "m", "output_tokens": "20"},
        {"type": "autopack.usage", "model": "m", "outptu_tokens": 20},
        {"type": "autopack.sausage"},
    )
    with capture_logs() as logged:
        ended = run(log, *command)
    problems = artifact(log, ended, "usage-problems")

    assert "usage_unreadable" == ended.zero_yield_reason
    assert [] == events(log, LlmUsageRecorded)
    assert all(part in problems for part in ("output_tokens", "outptu_tokens", "sausage"))
    assert [("usage that a program printed could not be read", "r/p", 3)] == [
        (one["event"], one["phase"], one["lines"]) for one in logged
    ]


@pytest.mark.parametrize(
    "line",
    [
        "{'type': 'autopack.usage', 'output_tokens': 20}",
        '{"type": "autopack.usage", "output_tokens": }',
        '{"type": "autopack.usage", "output_tokens": 20, "occurred_at": "yesterday"}',
        '{"type": "autopack.usage", "output_tokens": 20, "occurred_at": "2026-01-01T00:00:00"}',
        '{"type": "autopack.usage", "output_tokens": 20, "occurred_at": 5}',
        '{"type": "autopack.usage", "model": ' + "[" * 3000 + "]" * 3000 + "}",
    ],
    ids=lambda line: line[:60],
)
def test_a_line_that_is_nearly_usage_is_no_ordinary_output(log, tmp_path, line):
    """A dict as Python prints it, or a moment without a zone, would have gone unseen."""
    ended = run(log, *script(tmp_path, f"print({line!r})"))

    assert "usage_unreadable" == ended.zero_yield_reason
    assert "usage-problems" in ended.artifacts


def test_what_comes_after_a_line_that_cannot_be_read_is_taken(log, tmp_path):
    """JSON that is nested too deeply, and a mark at the beginning, lose no usage behind them."""
    text = (
        'deep = \'{"type": "autopack.usage", "model": \' + "[" * 3000 + "]" * 3000 + "}"\n'
        'print(\'\\ufeff{"type": "autopack.usage", "output_tokens": 1}\')\n'
        "print(deep)\n"
        'print("x" * 1_000_000)\n'
        'print(\'{"type": "autopack.usage", "output_tokens": 2}\')\n'
    )
    run(log, *script(tmp_path, text))

    assert [1, 2] == [usage.output_tokens for usage in events(log, LlmUsageRecorded)]


def test_a_call_may_tell_when_it_was(log, tmp_path):
    """The moment is the event's own."""
    at = "2026-01-02T03:04:05+00:00"
    run(log, *printing(tmp_path, {"type": "autopack.usage", **USAGE, "occurred_at": at}))
    (call,) = log.read_all(types=[LlmUsageRecorded])

    assert at == call.occurred_at.isoformat()


def test_many_problems_are_counted(log, tmp_path):
    """The first twenty are told."""
    ended = run(log, *printing(tmp_path, *[{"type": "autopack.sausage"}] * 23))
    lines = artifact(log, ended, "usage-problems").splitlines()

    assert (21, "and 3 more") == (len(lines), lines[-1])


def test_a_malformed_step_loses_no_usage(log, tmp_path):
    """It is told, but what was used is known all the same."""
    command = printing(tmp_path, {"type": "autopack.progress"}, {"type": "autopack.usage", **USAGE})
    with capture_logs() as logged:
        ended = run(log, *command)

    assert ["line-problems", "stdout"] == sorted(ended.artifacts)
    assert ["what a program printed for Autopack could not be read"] == [
        one["event"] for one in logged
    ]


def test_usage_that_could_not_be_read_is_never_zero(sqlite_log, tmp_path):
    """The report counts the attempts, names a phase, and gives tokens and cost as the least."""
    create_run(sqlite_log, "r", [attrs.evolve(SPEC, id=name) for name in ("p", "q")])
    good = {"type": "autopack.usage", **USAGE}
    command = printing(tmp_path, good, {**good, "output_tokens": -1})
    with capture_logs():
        report = drain(sqlite_log, executor=CommandExecutor(command))
    (stopped,) = events(sqlite_log, DrainStopped)
    totals = account_of(sqlite_log, report.drain_id)
    text = drain_text(report)
    nothing = drain_text(attrs.evolve(report, calls=0, unpriced_calls=0, total_tokens=0))

    assert (2, "r/q", 0) == (report.unreadable, report.unreadable_in, report.samples)
    assert (2, "r/q") == (stopped.totals["unreadable"], stopped.totals["unreadable_in"])
    assert (2, 0) == (totals["unreadable"], totals["samples"])
    assert "at least 60 tokens in 2 calls, at least 1.00 USD" in text
    assert (
        "2 attempts printed usage that could not be read: "
        "autopack phase text r/q usage-problems" in text
    )
    assert "  used      nobody told what" in nothing


def test_a_sample_of_which_usage_was_lost_is_no_measurement(log, tmp_path):
    """The sum of the calls that could be read is less than the output: no calibrator sees it."""
    good = {"type": "autopack.usage", **USAGE}
    with capture_logs():
        run(log, *printing(tmp_path, good, {**good, "output_tokens": -1}))
    (sample,) = list_samples(log)

    assert (True, None) == (sample.success, sample.actual_output_tokens)
    assert {"no_measurement": 1} == calibrate(log).samples_set_aside


def test_a_probe_of_which_usage_was_lost_is_no_go(log, tmp_path):
    """One call was recorded, and that is not all."""
    good = {"type": "autopack.usage", **USAGE, "output_tokens": 200}
    command = printing(tmp_path, good, {**good, "output_tokens": -1})
    with capture_logs():
        report = probe(log, executor=CommandExecutor(command))
    (recorded,) = [check for check in report.checks if check.name == "usage_recorded"]

    assert (False, False) == (report.is_go, recorded.is_ok)
    assert "could not be read" in recorded.says


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"type": "autopack.failed", "code": "x", "message": "m", "why": 5}, "'why'"),
        ({"type": "autopack.failed", "code": "x", "message": "m", "retry_after_s": "5"}, "'5'"),
        ({"type": "autopack.completed", "outputs": ["a.md"]}, "outputs=['a.md']"),
        ({"type": "autopack.needs_person", "question": ""}, "question=''"),
    ],
)
def test_an_ending_that_cannot_be_read_is_no_completion(log, tmp_path, line, told):
    """It may have said that the work failed: so the phase fails, with what is wrong."""
    ended = run(log, *printing(tmp_path, line))

    assert "bad_outcome" == ended.code
    assert told in ended.message
    assert told in artifact(log, ended, "line-problems")


def test_a_program_may_ask_a_person(log, tmp_path):
    """The question comes with what was done by then."""
    asks = {"type": "autopack.needs_person", "question": "Fit?", "outputs": {"a.md": "text"}}
    drain(log, executor=CommandExecutor(printing(tmp_path, asks)), max_phases=1)
    row = get_phase(log, PhaseRef("r", "p"))

    assert ("GATED", "Fit?") == (row.status, row.reason)
    assert "text" == log.artifacts.get(row.outputs["a.md"])


def test_a_program_may_fail_with_its_own_reason(log, tmp_path):
    """Its code, message, class and wait are kept, whatever its exit code."""
    told = {"type": "autopack.failed", "code": "no_tests", "message": "nothing to run",
            "retryable": False, "failure_class": "validation"}  # fmt: skip
    ended = run(log, *printing(tmp_path, told, code=1))

    assert ("no_tests", "nothing to run", "validation") == (
        ended.code, ended.message, ended.failure_class,
    )  # fmt: skip


def test_a_class_that_is_none_is_told_as_a_bad_outcome(log, tmp_path):
    """With the name that was meant: by another one a limit would fail the phase for good."""
    told = {"type": "autopack.failed", "code": "slow_down", "message": "not so fast",
            "failure_class": "rate_limit"}  # fmt: skip
    ended = run(log, *printing(tmp_path, told))

    assert "bad_outcome" == ended.code
    assert "Did you mean 'rate_limited'?" in ended.message


TREE = """\
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
sys.stdout.write('{"type": "autopack.usage", "call_id": "c1", "output_tokens": 7}\\n')
sys.stdout.flush()
open(PIDS, "w").write(f"{os.getpid()} {child.pid}")
os.rename(PIDS, PIDS + ".done")
time.sleep(600)
"""


def pids_of(path: Path) -> list[int]:
    """Return the process ids that a program wrote."""
    return [int(word) for word in Path(f"{path}.done").read_text().split()]


@pytest.mark.slow
def test_a_hanging_program_is_killed_with_its_children(log, tmp_path):
    """At the deadline the group is ended, what it had used is recorded, its output kept."""
    pids = tmp_path / "pids"
    command = script(tmp_path, TREE.replace("PIDS", repr(str(pids))))
    ended = run(log, *command, timeout_s=1.5, grace_s=0.3)

    assert isinstance(ended, PhaseTimedOut)
    assert all(gone(pid) for pid in pids_of(pids))
    assert [7] == [one.output_tokens for one in events(log, LlmUsageRecorded)]
    assert "stdout" in ended.artifacts
    assert ended.zero_yield_reason is None


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stop", "lease"])
def test_a_stopped_drain_or_a_lost_lease_ends_the_program(log, tmp_path, how):
    """Nothing is left running when the phase is given back or was taken away."""
    pids = tmp_path / "pids"
    command = script(tmp_path, TREE.replace("PIDS", repr(str(pids))))
    engine = Drain(log, executor=CommandExecutor(command, grace_s=0.2), lease_s=0.6)

    def act(_recorded: object) -> None:
        if not isinstance(_recorded.event, LlmUsageRecorded):
            return
        while not Path(f"{pids}.done").exists():
            time.sleep(0.02)
        if how == "stop":
            engine.stop(grace_s=0)
        else:
            engine.stop()
            with journal_of(log).backend.transaction() as store:
                store.drop_lease("phase r/p", _recorded.event.lease_token)
            reclaim_lost(
                Claims(handler_of(log), worker="other"), [get_phase(log, PhaseRef("r", "p"))]
            )

    journal_of(log).observers.append(act)
    report = engine.run()

    assert all(gone(pid) for pid in pids_of(pids))
    assert ((1, 0) if how == "stop" else (0, 1)) == (report.released, report.lost)
    assert ("QUEUED" if how == "stop" else "FAILED") == get_phase(log, PhaseRef("r", "p")).status


@pytest.mark.slow
def test_a_child_that_keeps_the_output_open_does_not_hold_the_phase(log, tmp_path):
    """A program that ends leaves nothing behind."""
    pid = tmp_path / "pid"
    text = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n"
    )
    ended = run(log, *script(tmp_path, text))

    assert isinstance(ended, PhaseCompleted)
    assert gone(int(pid.read_text()))


def test_a_daemon_that_keeps_the_output_open_leaves_nothing_to_clean_up(log, tmp_path):
    """It outlives its program on purpose; our end of the pipe is closed with the program."""
    text = (
        "import subprocess, sys\n"
        "wait = 'import time; time.sleep(20)'\n"
        "subprocess.Popen([sys.executable, '-c', wait], start_new_session=True)\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ended = run(log, *script(tmp_path, text))
        gc.collect()  # an open transport would complain of its closed event loop

    assert isinstance(ended, PhaseCompleted)


def test_the_log_keeps_the_command_but_no_values_of_variables(log, tmp_path):
    """What ran is on record; a secret in a variable is not."""
    command = script(tmp_path, "")
    drain(log, executor=CommandExecutor(command, env={"API_KEY": "s3cret"}))
    (started,) = (r.event for r in log.read_all() if r.type == "drain.started")

    assert (command, ["API_KEY"]) == (started.settings["command"], started.settings["env"])
    assert not any("s3cret" in str(recorded) for recorded in log.read_all())


def test_many_programs_run_at_once(sqlite_log, tmp_path):
    """Workers share no state: every phase gets its own usage."""
    create_run(
        sqlite_log, "many",
        [PhaseSpec(f"p{n}", category="c", complexity="low") for n in range(8)],
    )  # fmt: skip
    text = (
        "import json, sys\n"
        "print(json.dumps({'type': 'autopack.usage', 'model': 'm',"
        " 'output_tokens': int(sys.argv[1][1:])}))\n"
    )
    report = drain(
        sqlite_log, executor=CommandExecutor([*script(tmp_path, text), "{phase_id}"]), workers=4
    )
    found = {one.phase_id: one.output_tokens for one in events(sqlite_log, LlmUsageRecorded)}

    assert 8 == report.completed
    assert {f"p{n}": n for n in range(8)} == found
    assert "COMPLETE" == get_phase(sqlite_log, PhaseRef("many", "p3")).status


def test_a_drain_with_a_command_is_gone_on_with(log, tmp_path):
    """--resume brings the command back from the log alone, unless it had secret variables."""
    create_run(log, "s", [PhaseSpec("q", category="c", complexity="low")])
    command = [*script(tmp_path, "import sys; print(sys.argv[1:], sys.stdin.read())"),
               "{phase_id}", ["--model", "{model}"]]  # fmt: skip
    drain(log, executor=CommandExecutor(command, stdin="<{run_id}>"), max_phases=1)
    drain(log, resumes="last", max_phases=2)
    ends = events(log, PhaseCompleted)

    assert ["['p'] <r>\n", "['q'] <s>\n"] == [artifact(log, end, "stdout") for end in ends]


def test_a_command_with_variables_must_be_given_again(log, tmp_path):
    """Their values are not in the log, so going on names them and refuses."""
    command = script(tmp_path, "")
    drain(log, executor=CommandExecutor(command, env={"API_KEY": "x"}))
    create_run(log, "s", [PhaseSpec("q", category="c", complexity="low")])
    with pytest.raises(InvalidInputError, match="API_KEY"):
        drain(log, resumes="last")
