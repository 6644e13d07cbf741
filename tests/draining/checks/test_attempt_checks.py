"""Work is complete once its checks pass; what they say is recorded before the end."""

import asyncio
import json
import sys
import threading

import attrs
import pytest

from autopack import (
    Completed,
    Drain,
    NeedsPerson,
    PhaseSpec,
    attempt,
    create_run,
    drain,
    recheck,
    replay,
    requeue,
)
from autopack.errors import InvalidInputError
from autopack.types import CheckResult
from drains import found, states, types_of, works

PASSES = [sys.executable, "-c", "print('fine')"]
FAILS = [sys.executable, "-c", "print('first'); print('1 failed'); raise SystemExit(3)"]


def give(_phase, _attempt):
    """Do a phase with two outputs."""
    return Completed({"a.md": "text", "b.md": "more"}, summary="done")


def run_of(log, *specs, **settings):
    """Create the run ``c`` of these phases."""
    create_run(log, "c", specs, **settings)


def verdicts(log):
    """Each check's verdict in order, with its phase."""
    return [(e.phase_id, e.check, e.verdict) for e in found(log, "phase.checked")]


def test_a_check_that_passes_completes_the_phase(any_log):
    """Its verdict stands before the end, with what was judged and what it printed."""
    run_of(any_log, PhaseSpec("p", check={"name": "tests", "run": PASSES}))
    drain(any_log, executor=give)
    (checked,), (ended,) = found(any_log, "phase.checked"), found(any_log, "phase.completed")
    types = types_of(any_log, "phase-c/p")

    assert ["phase.checked", "phase.completed"] == types[-2:]
    assert ("tests", "passed", "drain", 1, 0) == (
        checked.check, checked.verdict, checked.by, checked.attempt, checked.exit_code
    )  # fmt: skip
    assert (ended.outputs, ended.lease_token) == (checked.outputs, checked.lease_token)
    assert "fine" == checked.excerpt == any_log.artifacts.get(checked.artifacts["output of tests"])
    assert checked.duration_s > 0
    row = replay(any_log, "attempts").rows["c/p#1"]
    assert (True, "right", "check tests") == (row.success, row.verdict, row.judged_by)


def test_what_does_not_pass_has_failed_and_the_next_attempt_is_told(any_log):
    """The outputs are kept with the failure; the second attempt knows what the check said."""
    told = []

    def learns(phase, live):
        told.append((live.feedback, phase.feedback))
        return Completed({"a.md": "right" if live.feedback else "wrong"})

    def check(work):
        return work.outputs["a.md"] == "right" or "a.md is not right"

    run_of(any_log, PhaseSpec("p"))
    drain(any_log, executor=learns, check=check, backoff_base_s=0.01)
    (failed,), (again,) = found(any_log, "phase.failed"), found(any_log, "phase.requeued")

    assert ("check_failed", "check_failed", True) == (
        failed.code, failed.failure_class, failed.retryable
    )  # fmt: skip
    assert "wrong" == any_log.artifacts.get(failed.artifacts["a.md"])
    assert (True, {"p": "COMPLETE"}) == (again.attempt_spent, states(any_log))
    assert [(None, None), (failed.message, failed.message)] == told
    assert failed.message.endswith("failed: a.md is not right")


def test_a_program_is_told_what_it_judges(any_log, tmp_path):
    """Names in its environment, outputs as files, the folder, placeholders; and no input."""
    script = (
        "import os, sys, json, pathlib;"
        "v = {k: os.environ['AUTOPACK_' + k] for k in ('RUN_ID', 'PHASE_ID', 'ATTEMPT', 'CHECK')};"
        "o = pathlib.Path(os.environ['AUTOPACK_OUTPUTS']);"
        "v |= {'files': sorted(str(p.relative_to(o)) for p in o.rglob('*') if p.is_file())};"
        "v |= {'argv': sys.argv[1:], 'same': sys.argv[2] == str(o), 'cwd': os.getcwd()};"
        "print(json.dumps({**v, 'stdin': sys.stdin.read()}))"
    )
    check = {"name": "look", "run": [sys.executable, "-c", script, "{goal}", "{outputs}"]}
    run_of(any_log, PhaseSpec("p", goal="write", check=check))
    outputs = {"docs/a.md": "1", "../b": "2", "/c": "3", "docs": "4"}
    drain(any_log, executor=lambda _phase, _live: Completed(outputs), workspace=tmp_path)
    (checked,) = found(any_log, "phase.checked")
    seen = json.loads(any_log.artifacts.get(checked.artifacts["output of look"]))

    assert ("c", "p", "1", "look", "") == tuple(
        seen[name] for name in ("RUN_ID", "PHASE_ID", "ATTEMPT", "CHECK", "stdin")
    )
    assert ("write", True, str(tmp_path.resolve())) == (seen["argv"][0], seen["same"], seen["cwd"])
    assert 4 == len(seen["files"])
    assert "docs/a.md" in seen["files"]


@pytest.mark.parametrize("has_workspace", [True, False])
def test_a_program_is_told_where_it_is_at_work(any_log, tmp_path, monkeypatch, has_workspace):
    """The attempt's workspace, or the folder in which it runs: as an argument and a variable."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    folder = (tmp_path / "own" if has_workspace else tmp_path).resolve()
    script = "import os, sys; print(os.getcwd(), os.environ['AUTOPACK_WORKSPACE'], sys.argv[1])"
    check = {"name": "look", "run": [sys.executable, "-c", script, "{workspace}/a.md"]}
    run_of(any_log, PhaseSpec("p", check=check))
    drain(any_log, executor=give, workspace=folder if has_workspace else None)
    (checked,) = found(any_log, "phase.checked")

    assert f"{folder} {folder} {folder}/a.md" == checked.excerpt


@pytest.mark.parametrize("words", ["{goal}", "{payload.x}", "{workspace}"])
def test_no_shell_reads_what_a_phase_says(any_log, words):
    """Refused wherever a check is named; the folder of outputs is no word of a phase's."""
    shell = ["sh", "-c", f"echo {words}; exit 1"]
    says = "stands in the text that sh reads .argument 3 of check"
    before = any_log.head().position
    with pytest.raises(InvalidInputError, match=says):
        run_of(any_log, PhaseSpec("p", check=shell))
    with pytest.raises(InvalidInputError, match=says):
        run_of(any_log, PhaseSpec("p"), check=[shell])

    assert before == any_log.head().position
    run_of(any_log, PhaseSpec("p", goal="x"))
    with pytest.raises(InvalidInputError, match=says):
        drain(any_log, executor=give, check=shell)
    with pytest.raises(InvalidInputError, match=says):
        recheck(any_log, "c", check=shell)
    assert 1 == drain(any_log, executor=give, check=["sh", "-c", "test -d {outputs}"]).completed


def test_a_shell_finds_what_a_phase_says_in_its_environment(any_log):
    """So what the refusal tells to write holds, and nothing of it is run."""
    check = {"name": "look", "run": ["sh", "-c", 'echo "$AUTOPACK_GOAL"']}
    run_of(any_log, PhaseSpec("p", goal="a; exit 1; $(exit 1)", check=check))
    drain(any_log, executor=give)
    (checked,) = found(any_log, "phase.checked")

    assert ("passed", "a; exit 1; $(exit 1)") == (checked.verdict, checked.excerpt)


def test_the_nearest_checks_hold(any_log):
    """A phase's own before its run's, and those before the drain's; an empty list lifts them."""
    phases = [PhaseSpec("own", check=[PASSES]), PhaseSpec("runs"), PhaseSpec("none", check=[])]
    run_of(any_log, *phases, check={"name": "run", "run": PASSES})
    create_run(any_log, "d", [PhaseSpec("drains")])
    drain(any_log, executor=give, check={"name": "drain", "run": PASSES})
    names = {phase: name for phase, name, _verdict in verdicts(any_log)}

    assert {"own": names["own"], "runs": "run", "drains": "drain"} == names
    assert names["own"] not in ("run", "drain")


def test_the_first_check_that_does_not_pass_ends_the_judging(any_log):
    """Cheap ones go first; what follows would say no more of work that is wrong."""
    checks = [
        {"name": "a", "run": PASSES},
        {"name": "b", "run": FAILS},
        {"name": "c", "run": PASSES},
    ]
    run_of(any_log, PhaseSpec("p", max_attempts=1, check=checks))
    drain(any_log, executor=give)

    assert [("p", "a", "passed"), ("p", "b", "failed")] == verdicts(any_log)
    (failed,) = found(any_log, "phase.failed")
    assert "check b failed with exit code 3: 1 failed\n\nfirst\n1 failed" == failed.message
    assert (3, "first\n1 failed") == (failed.exit_code, failed.excerpt)


def _raises(_work):
    raise TimeoutError("the service is gone")


async def _raises_async(_work):
    raise ValueError("no such thing")


@pytest.mark.parametrize(
    ("check", "says"),
    [
        (_raises, "it raised TimeoutError: the service is gone"),
        (_raises_async, "it raised ValueError: no such thing"),
        (lambda _work: None, "it answered None"),
        (lambda _work: 1, "it answered 1"),
        (lambda _work: sys.exit(3), "SystemExit"),
        (lambda _work: CheckResult(verdict="could_not_run", says="no licence"), "no licence"),
        ([["sh", "-c", "exit 127"]], "a program was not found"),
        ([["sh", "-c", "exit 126"]], "a program could not be executed"),
        ([["sh", "-c", "kill -9 $$"]], "it was ended by SIGKILL"),
        ([["./not-there"]], "could not be started"),
        ([["sh", "-c", "true", "{payload.none}"]], "no value for {payload.none}"),
    ],
)
def test_a_check_that_cannot_run_leaves_the_work_to_a_person(any_log, check, says):
    """It is neither a pass nor the phase's fault: what was done is kept, and nothing is spent."""
    run_of(any_log, PhaseSpec("p"))
    drain(any_log, executor=give, check=check)
    (gated,) = found(any_log, "phase.gated")

    assert [] == found(any_log, "phase.failed")
    assert says in gated.question
    assert "could not run" in gated.question
    assert (["a.md", "b.md"], "done") == (sorted(gated.outputs), gated.summary)
    assert "could_not_run" == verdicts(any_log)[0][2]
    row = replay(any_log, "attempts").rows["c/p#1"]
    assert (None, None) == (row.success, row.verdict)


@pytest.mark.parametrize(
    "check",
    [
        {"name": "slow", "run": [sys.executable, "-c", "import time; time.sleep(600)"],
         "timeout_s": 0.3},
        {"name": "slow", "use": "waits.py:waits", "timeout_s": 0.1},
        {"name": "slow", "use": "waits.py:waits_async", "timeout_s": 0.1},
    ],
)  # fmt: skip
def test_a_check_that_does_not_answer_in_time_is_not_passed(any_log, check, tmp_path, monkeypatch):
    """Work that makes its tests hang is as wrong as work that makes them fail."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "waits.py").write_text(
        "import asyncio, threading\n"
        "def waits(work): threading.Event().wait(5)\n"
        "async def waits_async(work): await asyncio.sleep(600)\n"
    )
    run_of(any_log, PhaseSpec("p", max_attempts=1, check=check))
    drain(any_log, executor=give)
    (failed,) = found(any_log, "phase.failed")

    assert "check_failed" == failed.code
    assert failed.message.startswith("check slow failed: it gave no answer within 0.")


def test_what_could_not_be_checked_is_not_begun(any_log):
    """A name that nobody registered is told before anything was paid for."""
    begun = []
    run_of(any_log, PhaseSpec("p", check="nope"), PhaseSpec("q", check=["no-such-program-here"]))
    planned = Drain(any_log, executor=give).plan()
    drain(any_log, executor=lambda phase, _live: begun.append(phase.phase_id))
    questions = [gated.question for gated in found(any_log, "phase.gated")]

    plan = {str(one.ref): one.problem for one in planned}
    assert all("it would wait for a person" in why for why in plan.values())
    assert ["nope" in plan["c/p"], "no-such-program-here" in plan["c/q"]] == [True, True]
    assert [] == begun
    assert ["nope" in questions[0], "no-such-program-here" in questions[1]] == [True, True]
    assert all("Nothing was done" in question for question in questions)


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ("nope", "no check 'nope'"),
        ("deliverable", "Did you mean 'deliverables'?"),
        (["no-such-program-here"], "no program"),
        (["delivrables"], "Did you mean 'deliverables'?"),
        (["deliverables"], "There is a check of that name"),
        ({"name": "json", "shema": 1}, "no option shema"),
        ([["echo", "{gaol}"]], "no placeholder {gaol}"),
        (lambda: True, "cannot be called with"),
    ],
)
def test_a_drain_refuses_checks_that_could_never_run(any_log, check, says):
    """Before it writes anything."""
    run_of(any_log, PhaseSpec("p"))
    before = any_log.head().position
    with pytest.raises(Exception, match=says):
        drain(any_log, executor=give, check=check)

    assert before == any_log.head().position


def test_only_completed_work_is_checked(any_log):
    """Neither a failure nor a question is judged: nothing is there to be right."""
    seen = []
    run_of(any_log, PhaseSpec("asks"), PhaseSpec("fails", max_attempts=1))

    def ends(phase, _live):
        if phase.phase_id == "asks":
            return NeedsPerson("fine?")
        raise ValueError("broken")

    drain(any_log, executor=ends, check=lambda work: seen.append(work) or True)

    assert [] == seen
    assert {"asks": "GATED", "fails": "FAILED"} == states(any_log)


def test_a_gate_asks_of_what_passed(any_log):
    """A person is not asked of work that a check has turned down."""
    gate = {"gate": "fine?"}
    run_of(any_log, PhaseSpec("good", labels=gate), PhaseSpec("bad", labels=gate, max_attempts=1))
    drain(any_log, executor=give, check=lambda work: work.phase.phase_id == "good")

    assert {"good": "GATED", "bad": "FAILED"} == states(any_log)


def test_a_score_and_texts_are_kept(any_log):
    """What a check measures stands beside its verdict."""
    result = CheckResult(verdict="passed", says="8 of 9", score=8 / 9, texts={"table": "a,b"})
    run_of(any_log, PhaseSpec("p"))
    drain(any_log, executor=give, check=lambda _work: result)
    (checked,) = found(any_log, "phase.checked")

    assert (8 / 9, "8 of 9") == (checked.score, checked.excerpt)
    assert "a,b" == any_log.artifacts.get(checked.artifacts["table of <lambda>"])


def test_a_long_answer_is_told_by_its_end(any_log):
    """The next attempt gets the last words, without colours; the log the whole beside it."""
    script = "print('\\x1b[31mred\\x1b[0m ' * 9000); print('\\x1b[1mthe last word\\x1b[0m')"
    told = []
    run_of(
        any_log, PhaseSpec("p", max_attempts=2, check=[[sys.executable, "-c", script + "; 1/0"]])
    )
    drain(any_log, executor=lambda _p, live: told.append(live.feedback), backoff_base_s=0.01)
    (first, _second) = found(any_log, "phase.checked")

    assert "\x1b" not in told[1]
    assert 3_000 < len(told[1]) < 4_500
    assert told[1].rstrip().endswith("division by zero")
    assert "the last word" in told[1]
    assert "red red" in any_log.artifacts.get(next(iter(first.artifacts.values())))


def test_binary_output_of_a_check_is_told_printable(any_log):
    """Its control characters are escapes for the next attempt and in the log; lines stay lines."""
    printed = r"b'\x01\x07bell\n\x9b\x1b[31mred\x1b[0m\tend\x08'"
    script = f"import sys; sys.stdout.buffer.write({printed}); sys.exit(1)"
    run_of(any_log, PhaseSpec("p", check={"name": "raw", "run": [sys.executable, "-c", script]}))
    told = []

    def execute(phase, _attempt):
        told.append(phase.feedback)
        return Completed({"a.md": "text"})

    drain(any_log, executor=execute, max_phases=2, backoff_base_s=0.01)
    (failed, *_) = found(any_log, "phase.failed")

    assert told[0] is None
    for text in (told[1], failed.message, found(any_log, "phase.checked")[0].excerpt):
        assert "\\x01\\x07bell\n" in text
        assert all(one.isprintable() or one in "\n\t" for one in text)


def test_a_callable_check_is_told_printable(any_log):
    """As a program's output is."""
    run_of(any_log, PhaseSpec("p", max_attempts=1))
    drain(any_log, executor=give, check=lambda work: "bad\x00\x1b[31m")
    (failed,) = found(any_log, "phase.failed")

    assert "bad\\x00\\x1b[31m" in failed.message


def test_checks_of_many_phases_run_side_by_side(any_log):
    """As many as there are workers, each on its own thread or process."""
    meet = threading.Barrier(4, timeout=30)
    run_of(any_log, *(PhaseSpec(f"p{n}") for n in range(4)))
    drain(any_log, executor=give, workers=4, check=lambda _work: meet.wait() >= 0)

    assert {"COMPLETE"} == set(states(any_log).values())


def test_the_step_says_which_check_is_at_work(any_log):
    """Whoever looks at the drain sees it, as any other step."""
    steps = []
    run_of(any_log, PhaseSpec("p"))
    engine = Drain(
        any_log,
        executor=give,
        check=lambda _work: see(),
    )

    def see():
        steps.extend(one["step"] for one in engine.status()["working"])
        return True

    engine.run()

    assert [step.startswith("checking: ") for step in steps] == [True]


def test_ten_phases_that_fail_alike_hold_their_run(any_log):
    """And one phase that is tried ten times does not: it is its own work that is wrong."""
    run_of(any_log, PhaseSpec("p", max_attempts=12))
    one = drain(any_log, executor=give, check=[FAILS], backoff_base_s=0.001, backoff_cap_s=0.002)
    create_run(any_log, "many", [PhaseSpec(f"p{n}", max_attempts=1) for n in range(12)])
    many = drain(any_log, executor=give, check=[FAILS], run_id="many")

    assert (12, 10) == (one.failed, many.failed)
    assert "the breaker" in " ".join(many.passed_over)


def test_a_drain_that_is_gone_on_with_has_its_checks(any_log):
    """What the log can keep comes back; what was an object is to be given again."""
    run_of(any_log, PhaseSpec("p"), PhaseSpec("q"), PhaseSpec("r"))
    drain(any_log, executor="recorded", check="deliverables", max_phases=1)
    drain(any_log, resumes="last", executor=give, max_phases=2)

    assert ["deliverables"] * 2 == [name for _phase, name, _verdict in verdicts(any_log)][:2]
    run = drain(any_log, executor=give, check=lambda _work: True, max_phases=1)
    with pytest.raises(InvalidInputError, match="check"):
        drain(any_log, resumes=run.drain_id, executor=give)


class TestOwnLoops:
    """A loop of one's own is judged at the end of its block."""

    def test_it_is_judged(self, any_log):
        """By the phase's check or the loop's; the block raises nothing."""
        run_of(any_log, PhaseSpec("good", check=[PASSES]), PhaseSpec("bad", max_attempts=1))
        with attempt(any_log, "c/good") as live:
            live.complete({"a": "b"})
        with attempt(any_log, "c/bad", check=lambda work: "a" in work.outputs) as live:
            works(None, live)

        assert {"good": "COMPLETE", "bad": "FAILED"} == states(any_log)
        assert ["attempt", "attempt"] == [one.by for one in found(any_log, "phase.checked")]

    async def _awaited(self, log):
        async with attempt(log, "c/p", check=[FAILS]) as live:
            live.complete({"a": "b"})

    def test_it_is_judged_in_an_event_loop(self, any_log):
        """Which goes on meanwhile."""
        run_of(any_log, PhaseSpec("p", max_attempts=1))
        asyncio.run(self._awaited(any_log))

        assert {"p": "FAILED"} == states(any_log)

    def test_the_next_attempt_is_told(self, any_log):
        """As in a drain."""
        run_of(any_log, PhaseSpec("p", max_attempts=1))
        with attempt(any_log, "c/p", check=[FAILS]) as first:
            pass
        requeue(any_log, "c/p", why="again")
        with attempt(any_log, "c/p") as second:
            pass

        assert None is first.feedback
        assert "check" in second.feedback
        assert "1 failed" in second.feedback

    def test_an_interrupt_of_a_check_gives_the_phase_back(self, any_log):
        """It spends no attempt, and leaves no program."""

        def interrupts(_work):
            raise KeyboardInterrupt

        run_of(any_log, PhaseSpec("p"))
        with pytest.raises(KeyboardInterrupt), attempt(any_log, "c/p", check=interrupts):
            pass

        assert {"p": "QUEUED"} == states(any_log)
        assert 0 == attrs.asdict(replay(any_log, "phases").rows["c/p"])["attempts_spent"]
