"""``autopack_gate_phase`` and the label ``gate``: completed work that waits for a person."""

import threading

import pytest
from structlog.testing import capture_logs

from autopack import (
    Completed,
    Failed,
    NeedsPerson,
    PhaseRef,
    attempt,
    create_run,
    decide_gate,
    drain,
    get_phase,
    hookimpl,
    load_plugins,
)
from autopack.draining.attempts.threads import OwnThread
from drains import found, specs, states, works

P1 = PhaseRef("r", "p1")
DONE = Completed(outputs={"a.md": "the text"}, summary="one file")


class Unspeakable:
    """What cannot be shown."""

    def __repr__(self):
        raise RuntimeError("no words")


class Odd(BaseException):
    """What is no ``Exception``."""


def raising(fault):
    raise fault


class Gate:
    """A plugin that asks what it is made with, or does what it is made with."""

    def __init__(self, answer):
        self.answer, self.seen = answer, []

    @hookimpl
    def autopack_gate_phase(self, phase, attempt, outcome):
        self.seen.append((phase.phase_id, attempt.number, outcome))
        return self.answer(phase, attempt) if callable(self.answer) else self.answer


def log_with(another, *plugins, **settings):
    """A log with these plugins, and the run ``r`` of phases ``p1`` and ``p2``."""
    log = another(registry=load_plugins(extra=plugins))
    create_run(log, "r", specs("p1", "p2", **settings))
    return log


def completes(phase, attempt):
    """Do a phase with a call, a text beside it, and an output."""
    works(phase, attempt)
    attempt.attach("transcript", "all of it")
    return DONE


@pytest.mark.parametrize("plugins", [[], [Gate(None)]], ids=["none", "a plugin's"])
def test_only_the_gates_of_plugins_have_threads(another, monkeypatch, plugins):
    """The built-in gate reads a label, which takes no thread; a plugin's may take its time."""
    begun, start = [], OwnThread.start
    monkeypatch.setattr(OwnThread, "start", lambda own: (begun.append(own.name), start(own))[1])
    log = log_with(another, *plugins)
    drain(log, executor=completes)

    gates = [name for name in begun if name.startswith("autopack gate ")]
    assert 2 * len(plugins) == len(gates)
    assert {"p1": "COMPLETE", "p2": "COMPLETE"} == states(log)


def test_a_question_sends_completed_work_to_the_gate(another):
    """It is asked once of each completed attempt; the work waits with all that it gave."""
    gate = Gate("Is it fit to be published?")
    with log_with(another, gate) as log:
        report = drain(log, executor=completes, max_phases=1)
        waiting = get_phase(log, P1)
        decide_gate(log, P1, decision="approve", why="read it")
        approved = get_phase(log, P1)

        assert [("p1", 1, DONE)] == gate.seen
        assert (0, 1, 0) == (report.completed, report.gated, report.samples_won)
        assert ("GATED", "Is it fit to be published?") == (waiting.status, waiting.reason)
        assert ("COMPLETE", "one file") == (approved.status, approved.summary)
        assert "the text" == log.artifacts.get(approved.outputs["a.md"])
        assert "all of it" == log.artifacts.get(approved.artifacts["transcript"])


def test_a_loop_of_ones_own_is_gated_too(another):
    """attempt() asks as a drain does."""
    with log_with(another, Gate("Sure?")) as log:
        with attempt(log, "r/p1") as live:
            live.complete({"a.md": "the text"})
        (gated,) = found(log, "phase.gated")

        assert "GATED" == states(log)["p1"]
        assert ("Sure?", "success_no_llm_calls") == (gated.question, gated.zero_yield_reason)
        assert "the text" == log.artifacts.get(gated.outputs["a.md"])


@pytest.mark.parametrize("outcome", [Failed("broken", "it broke"), NeedsPerson("Mine?")])
def test_only_completed_work_is_asked_about(another, outcome):
    """What failed, and what asks for a person by itself, goes its own way."""
    gate = Gate("Sure?")
    with log_with(another, gate) as log:
        drain(log, executor=lambda _phase, _attempt: outcome, max_phases=1)

        assert [] == gate.seen
        assert get_phase(log, P1).reason in ("it broke", "Mine?")
        with attempt(log, "r/p2") as live:
            live.outcome = outcome

        assert [] == gate.seen


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _phase, _attempt: 1 / 0, "failed: ZeroDivisionError: division by zero"),
        (True, "answered True, which is no question"),
        (" ", "answered ' ', which is no question"),
        (Unspeakable(), "answered Unspeakable, which is no question"),
        (lambda _phase, _attempt: raising(Odd("x")), "failed: Odd: x"),
    ],
)
def test_a_gate_that_does_not_answer_lets_nothing_through(another, answer, told):
    """The person is told which plugin did not answer, and it is logged."""
    with log_with(another, Gate(answer)) as log, capture_logs() as logged:
        drain(log, executor=completes, max_phases=1)
        waiting = get_phase(log, P1)

        assert "GATED" == waiting.status
        assert waiting.reason.startswith("Is the work as it should be? The gate of plugin ")
        assert waiting.reason.endswith(told)
        assert [("a gate did not answer", "r/p1")] == [(o["event"], o["phase"]) for o in logged]


def test_a_question_that_cannot_be_stored_is_asked_with_escapes(another):
    """The work was done: it does not fail because of how it is asked about."""
    with log_with(another, Gate("Is \udcff fit?")) as log:
        drain(log, executor=completes, max_phases=1)

        assert ("GATED", "Is \\udcff fit?") == (
            get_phase(log, P1).status,
            get_phase(log, P1).reason,
        )


def test_the_first_question_wins_and_the_label_comes_last(another):
    """A plugin without an opinion leaves it to the next; the label needs no plugin."""
    plugins = [Gate("Later?"), Gate(None)]
    log = log_with(another, *plugins, labels={"gate": "By label?"})
    drain(log, executor=completes, max_phases=1)
    drain(another(registry=load_plugins(extra=plugins[1:])), executor=completes)

    assert "Later?" == get_phase(log, P1).reason
    assert "By label?" == get_phase(log, PhaseRef("r", "p2")).reason


@pytest.mark.parametrize(
    ("labels", "state", "reason"),
    [
        ({"gate": "Fit?"}, "GATED", "Fit?"),
        ({"gate": " "}, "GATED", "Is r/p1 as it should be?"),
        ({"gates": "Fit?"}, "COMPLETE", None),
    ],
)
def test_the_label_asks(another, labels, state, reason):
    """A label without a text asks a question of the library's own."""
    with log_with(another, labels=labels) as log:
        drain(log, executor=completes, max_phases=1)
        shown = get_phase(log, P1)

        assert (state, reason) == (shown.status, shown.reason)


def test_a_slow_gate_holds_up_no_other_phase(another):
    """It is asked beside the thread that writes: p2 ends while p1's gate thinks."""
    is_p2_done = threading.Event()

    def thinks(phase, _attempt):
        return None if phase.phase_id == "p2" or is_p2_done.wait(20) else "p2 never ended"

    with log_with(another, Gate(thinks)) as log:
        report = drain(
            log, executor=lambda _phase, _attempt: DONE, workers=2,
            on_event=lambda r: is_p2_done.set() if r.type == "phase.completed" else None,
        )  # fmt: skip

        assert (2, 0) == (report.completed, report.gated)


def test_a_judge_that_calls_a_model_records_it(another):
    """The attempt is still open: the judge's call counts as the attempt's, under its own role."""

    def judges(_phase, attempt):
        attempt.record_usage(model="judge", input_tokens=500, output_tokens=5, role="judge")

    with log_with(another, Gate(judges)) as log:
        report = drain(log, executor=works, max_phases=1)

        assert (1, 2) == (report.completed, report.calls)
