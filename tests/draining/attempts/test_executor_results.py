"""What an executor gives back: refused where it is made, or the attempt's failure, never more."""

import asyncio
import threading
import time

import pytest

from autopack import (
    Completed,
    Failed,
    NeedsPerson,
    PhaseRef,
    Prepared,
    amend_usage,
    attempt,
    create_run,
    drain,
    get_phase,
)
from autopack.errors import InvalidInputError
from autopack.log import drafts
from autopack.log.log import journal_of
from drains import found, specs

P1 = PhaseRef("r", "p1")
LONE = "a file named \udcff"
HUGE = "x" * 9_000


@pytest.fixture
def small_texts(monkeypatch):
    """Let no text be larger than eight thousand bytes, in place of 64 MB."""
    monkeypatch.setattr(drafts, "_ARTIFACT_MOST", 8_000)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Completed(None), r"Completed(outputs=None): give texts by name"),
        (lambda: Completed({"a": 5}), r"Completed(outputs={'a': 5}): give texts by name"),
        (lambda: Completed({5: "a"}), r"Completed(outputs={5: 'a'}): give texts by name"),
        (lambda: Completed(summary=5), r"Completed(summary=5): give a text"),
        (lambda: NeedsPerson(" "), r"NeedsPerson(question=' '): give what a person is to decide"),
        (lambda: NeedsPerson("Sure?", ["a"]), r"NeedsPerson(outputs=['a']): give texts"),
        (lambda: Failed("", "m"), r"Failed(code=''): give a code"),
        (
            lambda: Failed("x", "m", failure_class="rate_limit"),
            "or None. Did you mean 'rate_limited'?",
        ),
        (lambda: Failed("x", "m", failure_class=""), "Failed(failure_class=''): give one of"),
        (lambda: Failed("x", "m", failure_class="Timeout"), "Did you mean 'timeout'?"),
        (lambda: Failed("c", "m", "5"), r"Failed(retry_after_s='5'): give seconds, or None"),
        (lambda: Failed("c", "m", float("inf")), r"Failed(retry_after_s=inf): give seconds, under"),
        (lambda: Failed("c", "m", float("nan")), r"Failed(retry_after_s=nan): give seconds, under"),
        (lambda: Failed("c", "m", True), r"Failed(retry_after_s=True): give seconds"),
        (lambda: Failed("c", "m", retryable="yes"), r"Failed(retryable='yes'): give True, False"),
        (lambda: Failed("c", "m", failure_class=5), r"Failed(failure_class=5): give the name"),
        (lambda: Failed("c", "m", exit_code="5"), r"Failed(exit_code='5'): give a whole number"),
        (lambda: Failed("c", "m", excerpt=b""), r"Failed(excerpt=b''): give a text"),
    ],
)
def test_an_outcome_that_cannot_be_recorded_is_refused(make, told):
    """The error names the field and its value, at the place where it is made."""
    with pytest.raises(InvalidInputError) as refused:
        make()

    assert told in str(refused.value)


def raises(_phase, _attempt):
    raise ValueError(LONE)


def names_amiss(_phase, attempt):
    attempt.attach(5, "text")


@pytest.mark.parametrize(
    ("execute", "code", "told"),
    [
        (raises, "ValueError", r"ValueError: a file named \udcff"),
        (names_amiss, "InvalidInputError", "5 cannot name an artifact"),
        (lambda _p, _a: Completed({"a": HUGE}), "bad_outcome", "cannot be stored: A text"),
        (lambda _p, _a: Completed(summary=HUGE), "bad_outcome", "cannot be stored: Event"),
        (lambda _p, _a: Failed("c", HUGE), "bad_outcome", "cannot be stored: Event"),
        (lambda _p, _a: NeedsPerson(HUGE), "bad_outcome", "cannot be stored: Event"),
    ],
)
@pytest.mark.usefixtures("small_texts")
def test_what_cannot_be_stored_fails_the_attempt_and_not_the_drain(log, execute, code, told):
    """The next phase is worked on, whatever the executor gave back for this one."""
    report = drain(log, executor=execute)
    row = get_phase(log, P1)

    assert (2, "empty") == (report.failed, report.reason)
    assert (code, True) == (row.reason_code, told in row.reason)


class CannotSay(Exception):
    """An exception whose own text fails."""

    def __str__(self):
        raise RuntimeError("no words")


class NoError(BaseException):
    """What is no ``Exception``."""


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    "fault",
    [CannotSay(), NoError("n"), GeneratorExit(), StopIteration(1), asyncio.CancelledError()],
    ids=lambda fault: type(fault).__name__,
)
def test_whatever_an_executor_raises_ends_its_phase_only(log, fault, is_async):
    """No phase hangs, is taken again and again, or takes the drain with it."""

    def execute(_phase, _attempt):
        raise fault

    async def aexecute(_phase, _attempt):
        raise fault

    report = drain(log, executor=aexecute if is_async else execute, max_minutes=0.5)

    assert (2, "empty") == (report.failed, report.reason)


def test_an_executor_that_ends_all_gives_its_phase_back(log):
    """KeyboardInterrupt ends the drain; the phase is queued at once, with all its attempts."""

    def execute(_phase, _attempt):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drain(log, executor=execute)

    assert ("QUEUED", 0) == (get_phase(log, P1).status, get_phase(log, P1).attempts_spent)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_ends_more_than_the_block_gives_the_phase_back(log, fault):
    """In a loop of one's own: Ctrl-C, sys.exit(), and a task that is cancelled."""
    with pytest.raises(fault), attempt(log, "r/p1"):
        raise fault

    assert ("QUEUED", 0) == (get_phase(log, P1).status, get_phase(log, P1).attempts_spent)


@pytest.mark.usefixtures("small_texts")
def test_a_late_result_that_cannot_be_stored_is_told(any_log):
    """It is on record as late, with why its texts are not."""
    create_run(any_log, "r", specs("p1", max_attempts=1))
    is_over = threading.Event()

    def slow(_phase, _attempt):
        is_over.wait(10)
        return Completed({"a": HUGE})

    drain(any_log, executor=slow, timeout_s=0.05)
    is_over.set()
    give_up = time.monotonic() + 10
    while not found(any_log, "phase.result_late") and time.monotonic() < give_up:
        time.sleep(0.01)
    (late,) = found(any_log, "phase.result_late")

    assert ("complete", True) == (late.outcome, "cannot be stored" in late.message)


@pytest.mark.usefixtures("small_texts")
def test_an_output_that_cannot_be_stored_fails_a_loop_of_ones_own(log):
    """The phase does not stay in work until its lease has ended."""
    with attempt(log, "r/p1") as live:
        live.complete({"a.md": HUGE})

    assert "bad_outcome" == found(log, "phase.failed")[0].code
    assert [] == journal_of(log).backend.leases()


@pytest.mark.parametrize(("note", "step"), [(LONE, "a file named \\udcff"), (5, "5")])
def test_a_note_that_is_no_text_keeps_no_lease_from_renewal(log, note, step):
    """Leases are renewed with their notes: an odd one would have cost the worker all its phases."""
    with attempt(log, "r/p1") as live:
        live.progress(note)
        live._claims.renew()
        steps = [
            lease.step for lease in journal_of(log).backend.leases() if lease.key == "phase r/p1"
        ]

    assert [step] == steps


class TestHalfCharacters:
    """Texts with half a character, as names of files and cut answers may have: escaped."""

    HALF = "a\ud800b"

    @pytest.mark.parametrize("ending", ["completed", "failed", "gated", "raised", "own loop"])
    def test_work_that_was_done_is_not_lost_for_one(self, log, ending):
        """Wherever an attempt gives one: each is stored as an escape, and the phase ends."""
        half = self.HALF

        def execute(_phase, attempt):
            attempt.progress(half)
            attempt.attach(half, half)
            for _again in range(2):
                attempt.record_usage(
                    model=half, call_id=half, provider=half, stop_reason=half, input_tokens=1,
                    output_tokens=1, source_fields={half: [half]},
                )  # fmt: skip
            if ending == "raised":
                raise ValueError(half)
            return {
                "completed": Completed({half: half}, half),
                "failed": Failed(half, half, excerpt=half, retryable=False),
                "gated": NeedsPerson(half, {half: half}, half),
            }[ending]

        if ending == "own loop":
            with attempt(log, "r/p1") as live:
                live.complete({half: half}, half)
        else:
            drain(log, executor=execute, run_id="r", phase_id="p1", max_phases=1)
            amend_usage(log, provider=half, call_id=half, output_tokens=2, why="a bill")
        (ended,) = [
            r.event for r in log.read("phase-r/p1")
            if r.type in ("phase.completed", "phase.failed", "phase.gated")
        ]  # fmt: skip
        told = getattr(ended, "summary", None) or getattr(ended, "message", None)

        assert told.endswith("a\\ud800b")
        assert getattr(ended, "code", "") != "bad_outcome"
        for digest in {**ended.artifacts, **getattr(ended, "outputs", {})}.values():
            assert "\\ud800b" in log.artifacts.get(digest)

    def test_a_preparation_may_have_them_too(self, log):
        """Its texts and names are escaped."""

        class Executor:
            def prepare(self, _run):
                half = TestHalfCharacters.HALF
                return Prepared(
                    commit=half, environment={half: half}, artifacts={half: half}, summary=half
                )

            def execute(self, _phase, _attempt):
                return Completed()

        drain(log, executor=Executor())
        (prepared,) = found(log, "run.prepared")

        assert {"a\\ud800b": "a\\ud800b"} == prepared.environment
