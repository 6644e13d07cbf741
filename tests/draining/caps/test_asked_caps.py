"""At a cap the owner may be asked: claims wait, and nothing is gated, until there is an answer."""

import threading
from decimal import Decimal

import pytest
from click.testing import CliRunner

from autopack import Drain, create_run, decide_cap, drain, list_caps, set_caps, status
from autopack.cli.main import autopack as command
from autopack.errors import CapFullError, InvalidInputError
from autopack.events import CapAsked
from autopack.log.command_handler import Handler
from autopack.report.status import next_steps, status_json, status_text
from drains import Overtaken, found, specs, states, types_of


def uses(tokens):
    """An executor whose phases use so many tokens."""

    def execute(_phase, attempt):
        attempt.record_usage(model="m", total_tokens=tokens, split="total_only")

    return execute


def answering(log, answer):
    """Return what answers, from another thread, each question that a drain asks."""

    def heard(recorded):
        if recorded.type == "cap.asked":
            threading.Thread(target=lambda: answer(log, recorded.event.scope)).start()

    return heard


def approve(log, scope, **raise_to):
    """Answer yes."""
    decide_cap(log, scope, decision="approve", raise_to=raise_to or {"tokens": 10**6}, why="yes")


def reject(log, scope):
    """Answer no."""
    decide_cap(log, scope, decision="reject", why="enough")


@pytest.mark.parametrize("where", ["run", "drain", "phase", "day"])
def test_an_approval_lets_the_work_go_on(any_log, where):
    """Whichever cap it is; the question and its answer are on the cap's stream."""
    caps = {"tokens": 5000} if where == "run" else None
    create_run(any_log, "r", specs(*"abc", max_attempts=9), caps=caps)
    limits = {
        "run": {},
        "drain": {"max_tokens": 5000, "drain": "night"},
        "phase": {"max_tokens_per_phase": 2000},
        "day": {"max_tokens_per_day": 5000},
    }[where]
    report = drain(
        any_log, executor=uses(3000), at_cap="ask", on_event=answering(any_log, approve),
        backoff_base_s=0.001, **limits,
    )  # fmt: skip
    asked, decided = found(any_log, "cap.asked"), found(any_log, "cap.decided")

    assert (3, "empty") == (report.completed, report.reason)
    assert {"COMPLETE"} == set(states(any_log).values())
    assert (3 if where == "phase" else 1) == len(asked) == len(decided)
    assert asked[0].scope.startswith(where)
    assert ("tokens", {"tokens": 10**6}, "yes", "user") == (
        asked[0].unit, dict(decided[0].raise_to), decided[0].why, decided[0].by,
    )  # fmt: skip
    assert [] == found(any_log, "phase.gated")


class Raising(Overtaken):
    """A log's handler whose question at a cap comes after the cap was raised."""

    def _built(self, build, is_fresh):
        found = Handler._built(self, build, is_fresh)
        events = [event for _stream, some, _version in found[0] for event in some]
        if self.others and any(isinstance(event, CapAsked) for event in events):
            self.others.pop()()
        return found


def test_nobody_is_asked_about_a_cap_that_has_been_raised(any_log, another):
    """What did not fit before fits now: there is nothing to be answered, or to be waited for."""
    create_run(any_log, "r", specs(*"abc"), caps={"tokens": 5000})
    other = another()
    Raising(any_log, lambda: set_caps(other, "r", {"tokens": 10**6}, why="paid"))
    report = drain(any_log, executor=uses(3000), at_cap="ask", max_minutes=0.5)

    assert (3, "empty") == (report.completed, report.reason)
    assert [] == found(any_log, "cap.asked")


@pytest.mark.parametrize("where", ["run", "drain"])
def test_a_rejection_ends_it_as_without_a_question(any_log, where):
    """The work stays in the queue, and nothing is asked a second time."""
    create_run(any_log, "r", specs(*"abc"), caps={"tokens": 5000} if where == "run" else None)
    limits = {} if where == "run" else {"max_tokens": 5000}
    report = drain(
        any_log, executor=uses(3000), at_cap="ask", on_event=answering(any_log, reject), **limits
    )

    assert (1, "blocked" if where == "run" else "limit") == (report.completed, report.reason)
    assert 1 == len(found(any_log, "cap.asked"))
    assert [["refused", None]] == [[one.stands, one.asked] for one in list_caps(any_log)]


def test_other_runs_go_on_while_an_owner_is_asked(any_log):
    """Claims of that scope wait; those of others do not."""
    create_run(any_log, "capped", specs("a", "b"), caps={"tokens": 5000})
    create_run(any_log, "free", specs("x", "y", "z"))
    done = []

    def works(phase, attempt):
        done.append(phase.key)
        attempt.record_usage(model="m", total_tokens=3000, split="total_only")

    def heard(recorded):
        if recorded.type == "phase.completed" and recorded.event.phase_id == "z":
            approve(any_log, "run-capped")

    drain(any_log, executor=works, at_cap="ask", on_event=heard)

    assert ["capped/a", "free/x", "free/y", "free/z", "capped/b"] == done


def test_a_cap_that_is_set_anew_answers_too(any_log):
    """Whoever changes the run's cap needs no second act."""
    create_run(any_log, "r", specs("a", "b"), caps={"tokens": 5000})
    answer = answering(any_log, lambda log, _scope: set_caps(log, "r", {"tokens": None}, why="w"))
    report = drain(any_log, executor=uses(3000), at_cap="ask", on_event=answer)

    assert 2 == report.completed
    assert [] == list_caps(any_log)


@pytest.fixture
def asked(any_log):
    """A log in which the owner of run r's cap of 5000 tokens is asked."""
    create_run(any_log, "r", specs("a", "b"), caps={"tokens": 5000, "usd": 3})
    told = threading.Event()

    def heard(recorded):
        if recorded.type == "cap.asked":
            told.set()
            engine.stop(0)

    engine = Drain(
        any_log, executor=uses(3000), at_cap="ask", on_event=heard, allow_unknown_price=True
    )
    engine.run()
    assert told.is_set()
    return any_log


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"decision": "approve"}, "'approve' says to what"),
        ({"decision": "reject", "raise_to": {"tokens": 9}}, "'reject' does not"),
        ({"decision": "maybe"}, "'maybe'"),
        ({"decision": "approve", "raise_to": {"usd": 40}}, "raises another"),
        ({"decision": "approve", "raise_to": {"tokens": 5000}}, "must be above 5000"),
        ({"decision": "approve", "raise_to": {"tokens": 9000, "usd": 1}}, "must be above 3"),
        ({"decision": "approve", "raise_to": {"token": 9}}, "tokens"),
        ({"decision": "reject", "why": " "}, "say why"),
    ],
)
def test_an_answer_that_is_none_is_refused(asked, answer, says):
    """By name, and nothing is recorded."""
    before = asked.head()
    with pytest.raises(InvalidInputError, match=says):
        decide_cap(asked, "run-r", **{"why": "w", **answer})

    assert before == asked.head()


def test_what_is_not_asked_cannot_be_answered(asked):
    """Another scope, or a question that is answered."""
    decide_cap(asked, "run-r", decision="approve", raise_to={"tokens": 9000}, why="w")
    for scope in ("run-r", "run-other"):
        with pytest.raises(InvalidInputError, match=f"Nothing is asked of the cap '{scope}'"):
            decide_cap(asked, scope, decision="reject", why="w")


def test_a_question_outlives_the_drain_that_asked(asked):
    """The next drain asks nothing again, and goes on once it is answered."""
    approve(asked, "run-r", tokens=10**6)
    report = drain(asked, executor=uses(3000), at_cap="ask", allow_unknown_price=True)

    assert (1, 1) == (report.completed, len(found(asked, "cap.asked")))
    assert "cap.decided" in types_of(asked, "cap-run-r")


ANSWERS = {
    "approved": lambda log: approve(log, "run-r"),
    "rejected": lambda log: reject(log, "run-r"),
    "set anew": lambda log: set_caps(log, "r", {"tokens": None}, why="w"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_log_tells_what_is_asked_until_it_is_answered(asked, answer):
    """Its status shows the question under what waits for a person, with the command to type."""
    before, text, steps = status(asked), status_text(status(asked)), next_steps(status(asked))
    answer(asked)

    assert [("run-r", "tokens")] == [(one.scope, one.unit) for one in before.asked_caps]
    assert f"Waiting for a decision:\n  cap of run-r: {before.asked_caps[0].why}" in text
    assert any(" cap approve run-r --raise tokens=N" in step for step in steps)
    assert "run-r" == status_json(before)["asked_caps"][0]["scope"]
    assert () == status(asked).asked_caps
    assert not any(" cap approve " in step for step in next_steps(status(asked)))


def test_a_question_that_is_asked_again_is_told_once(asked):
    """A cap that was raised too little asks anew, and is one thing to decide."""
    approve(asked, "run-r", tokens=5500)
    create_run(asked, "s", specs("x", "y"), caps={"tokens": 5000})
    enough = []

    def stop(recorded):
        if recorded.type == "cap.asked":
            enough.append(recorded.event.scope)
            if len(enough) == 2:
                engine.stop(0)

    engine = Drain(
        asked, executor=uses(3000), at_cap="ask", allow_unknown_price=True, on_event=stop
    )
    engine.run()

    assert ["run-r", "run-s"] == sorted(one.scope for one in status(asked).asked_caps)


def test_a_cap_is_listed_and_answered_on_the_command_line(log_path):
    """``cap list`` shows the question; ``approve`` raises the cap, with its reason."""
    from autopack import open_log

    with open_log(log_path) as log:
        create_run(log, "r", specs("a", "b"), caps={"usd": 1})

        def costs(_phase, attempt):
            attempt.record_usage(model="m", cost_usd=1)

        engine = Drain(
            log, executor=costs, at_cap="ask", run_id="r", allow_unknown_price=True,
            on_event=lambda told: engine.stop(0) if told.type == "cap.asked" else None,
        )  # fmt: skip
        engine.run()
    run = CliRunner().invoke
    where = ["--log", str(log_path), "cap"]
    before = run(command, [*where, "list"])
    done = run(command, [*where, "approve", "run-r", "--raise", "usd=2.50", "--why", "worth it"])
    again = run(command, [*where, "reject", "run-r", "--why", "no"])
    with open_log(log_path) as log:
        (decided,) = found(log, "cap.decided")

    assert "run-r  usd     1     1          0  asked" in before.stdout
    assert (0, "The cap of run-r is usd 2.5\n") == (done.exit_code, done.stdout)
    assert (2, True) == (again.exit_code, "Nothing is asked of the cap 'run-r'" in again.stderr)
    assert ({"usd": Decimal("2.5")}, "worth it") == (dict(decided.raise_to), decided.why)


def test_an_answer_keeps_a_drain_until_it_is_looked_at(any_log):
    """Between two looks at the caps it is neither a question nor a hindrance; work comes of it."""
    create_run(any_log, "r", specs("a"), caps={"tokens": 5})
    engine = Drain(any_log, executor=uses(3000), at_cap="ask")
    session = engine._session
    session.check()
    session.open()
    phase = session.admission.row("r/a")
    refusal = CapFullError("run-r", unit="tokens", spent=0, reserved=0, wanted=9, cap=5)
    session.guards.refused(phase, refusal, session.now())
    set_caps(any_log, "r", {"tokens": None}, why="w")
    is_asking = session.guards.is_asking
    session.guards.look_again()

    assert (True, False) == (is_asking, session.guards.is_asking)
