"""Retries: back-off in the log, rate limits that cost no attempt, classes that stop at once."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import Drain, Escalation, Failed, create_run, drain, replay
from autopack.draining.attempts.backoff import Backoff
from autopack.errors import InvalidInputError
from autopack.log.log import journal_of
from drains import found, specs, states, works

UNIT = st.floats(0, 1)


@given(st.integers(1, 10_000), UNIT)
def test_a_wait_is_between_nothing_and_the_cap(attempt, draw):
    """Full jitter: from 0 to base * 2**(attempt - 1), never above the cap."""
    wait_s = Backoff(base_s=1.0, cap_s=60.0).wait_s(attempt, draw=draw)

    assert 0 <= wait_s <= min(60.0, 2.0 ** min(attempt - 1, 60))


@given(st.integers(1, 100), UNIT, st.floats(0, 1e6))
def test_what_a_provider_asks_for_is_waited(attempt, draw, asked):
    """Never shorter than retry_after, and spread a little, so that not all come back at once."""
    wait_s = Backoff(base_s=1.0, cap_s=60.0).wait_s(attempt, draw=draw, retry_after_s=asked)

    assert asked <= wait_s <= asked + 1.0


@pytest.mark.parametrize(
    ("attempt", "asked", "wait_s"),
    [
        (1, None, 1.0), (2, None, 2.0), (6, None, 32.0), (7, None, 60.0), (5000, None, 60.0),
        (1, 10.0, 11.0), (7, 10.0, 11.0), (1, 3600.0, 3601.0), (1, -5.0, 1.0),
    ],
)  # fmt: skip
def test_the_longest_waits(attempt, asked, wait_s):
    """They double from the base up to the cap, which does not bind what a provider asks for."""
    backoff = Backoff(base_s=1.0, cap_s=60.0)

    assert wait_s == backoff.wait_s(attempt, draw=1.0, retry_after_s=asked)


def test_a_negative_wait_is_refused():
    """The setting is named."""
    with pytest.raises(InvalidInputError, match="backoff_base_s is -1"):
        Backoff(base_s=-1)


def test_the_next_attempt_waits_and_the_log_says_until_when(clocked):
    """phase.requeued has not_before, so that a crash forgets nothing."""
    drain(
        clocked, executor=lambda _p, _a: Failed("overloaded", "529", retry_after_s=120.0),
        max_phases=1,
    )  # fmt: skip
    (requeued,) = found(clocked, "phase.requeued")
    wait = requeued.not_before - clocked_now(clocked)

    assert timedelta(seconds=120) <= wait <= timedelta(seconds=121)
    assert (requeued.attempt_spent, 0) == (
        False,
        replay(clocked, "phases").rows["r/p1"].attempts_spent,
    )


@pytest.mark.parametrize(
    ("code", "retryable", "state"),
    [
        ("overloaded", None, "QUEUED"), ("overloaded", False, "FAILED"),
        ("broken", None, "FAILED"), ("broken", True, "QUEUED"),
    ],
)  # fmt: skip
def test_an_executor_may_say_itself_whether_to_retry(any_log, code, retryable, state):
    """What it says goes before what the class of its failure says."""
    create_run(any_log, "r", specs("a"))
    fails = Failed(code, "no", retryable=retryable)
    drain(any_log, executor=lambda _p, _a: fails, max_phases=1)

    assert {"a": state} == states(any_log)


def test_a_rate_limit_waits_without_spending_an_attempt(any_log):
    """A phase with one attempt survives two rate limits."""
    create_run(any_log, "r", specs("a", max_attempts=1))

    def limited(phase, attempt):
        if attempt.number < 3:
            return Failed("rate_limited", "429 too many requests", retry_after_s=0.01)
        return works(phase, attempt)

    report = drain(any_log, executor=limited, backoff_base_s=0.01)
    row = replay(any_log, "phases").rows["r/a"]

    assert (1, 2, 3, 1) == (report.completed, report.failed, row.attempts, row.attempts_spent)
    assert [False, False] == [event.attempt_spent for event in found(any_log, "phase.requeued")]


def test_retry_after_suspends_the_models_lane(clocked):
    """While one phase waits for its provider, no other of the same model is begun."""
    create_run(clocked, "s", specs("other", model="n"))
    taken = []

    def limited(phase, _attempt):
        taken.append(phase.phase_id)
        if phase.model == "n":
            return None
        return Failed("rate_limited", "429", retry_after_s=3600.0)

    from autopack import Drain

    engine = Drain(clocked, executor=limited)
    journal_of(clocked).observers.append(
        lambda recorded: engine.stop() if recorded.type == "phase.completed" else None
    )
    engine.run()

    assert ["p1", "other"] == taken


@pytest.mark.parametrize(
    ("code", "message"), [("invalid_request", "400 bad request"), ("tests_failed", "two of nine")]
)
def test_what_no_attempt_can_mend_is_not_retried(log, code, message):
    """The phase fails at its first attempt."""
    report = drain(log, executor=lambda _p, _a: Failed(code, message))

    assert (2, 2) == (report.attempts, report.failed)
    assert [] == found(log, "phase.requeued")


def test_a_refused_key_stops_the_drain_at_once(log):
    """Class auth: no other phase would get further, so none is tried."""
    report = drain(log, executor=lambda _p, _a: Failed("auth", "401 invalid api key"))
    (tripped,) = found(log, "drain.breaker_tripped")

    assert ("breaker", 1, "drain") == (report.reason, report.attempts, tripped.scope)
    assert {"p1": "FAILED", "p2": "QUEUED"} == states(log)
    assert not report.is_clean


def test_a_failure_keeps_what_a_process_left(log):
    """Exit code, excerpt and the digests of whole texts are in phase.failed."""

    def fails(_phase, attempt):
        attempt.attach("stderr", "a long story")
        return Failed("exit_3", "the tool gave up", exit_code=3, excerpt="gave up at line 7")

    drain(log, executor=fails, max_phases=1)
    (failed,) = found(log, "phase.failed")

    assert (3, "gave up at line 7") == (failed.exit_code, failed.excerpt)
    assert "a long story" == log.artifacts.get(failed.artifacts["stderr"])


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("bad_json", "it does not parse", "truncated"),
        ("http_401", "invalid api key", "auth"),
        ("error", "HTTP 429: rate limit reached", "rate_limited"),
    ],
)
def test_only_what_the_cut_may_have_caused_is_put_down_to_it(any_log, code, message, kind):
    """A provider's refusal stays one, whatever became of the output before it."""
    create_run(any_log, "r", specs("a", max_attempts=1))

    def executor(_phase, live):
        live.record_usage(model="m", output_tokens=70, truncated=True)
        engine.stop()
        return Failed(code, message)

    engine = Drain(any_log, executor=executor)
    engine.run()

    assert [kind] == [event.failure_class for event in found(any_log, "phase.failed")]


def test_a_truncated_phase_is_escalated_once(any_log):
    """The next attempt has what the calibrator says is beyond, and the log says it; once."""
    create_run(any_log, "r", specs("a"))
    budgets = []

    def cut(_phase, attempt):
        budgets.append(attempt.budget_tokens)
        attempt.record_usage(
            model="m", output_tokens=attempt.budget_tokens, max_tokens=attempt.budget_tokens,
            truncated=True,
        )  # fmt: skip
        return Failed("bad_json", "the answer does not parse")

    drain(any_log, executor=cut)
    (escalated,) = found(any_log, "budget.escalated")
    estimates = found(any_log, "phase.estimated")

    assert budgets == [escalated.from_tokens, escalated.to_tokens]
    assert 2 * budgets[0] > budgets[1] > 1.25 * budgets[0]
    assert escalated.why == (
        f"the output was cut at {budgets[0]} tokens: the calibrator's quantile at 0.9684, 1 sample "
        "like it"
    )
    assert ["truncated", "truncated"] == [
        event.failure_class for event in found(any_log, "phase.failed")
    ]
    assert 1 == len({event.predicted_output_tokens for event in estimates})
    assert "FAILED" == states(any_log)["a"]


def test_escalation_can_be_turned_off_or_be_ones_own(any_log):
    """escalation="none" leaves a cut phase failed; an object is asked with the figures."""

    class Doubling:
        def escalated(self, phase, *, selected, sent, used, quantile):
            assert (sent, used) == (77, 70)
            return Escalation(selected * 2, f"twice; {quantile(0.9).basis}")

    def cut(_phase, attempt):
        attempt.record_usage(model="m", output_tokens=70, max_tokens=77, truncated=True)
        return Failed("truncated", "cut")

    create_run(any_log, "r", specs("a"))
    drain(any_log, executor=cut, escalation="none")
    create_run(any_log, "s", specs("b"))
    drain(any_log, executor=cut, escalation=Doubling(), run_id="s")
    (escalated,) = found(any_log, "budget.escalated")

    assert ("b", 2 * escalated.from_tokens) == (escalated.phase_id, escalated.to_tokens)
    assert escalated.why.endswith(" tokens: twice; 2 samples like it")


def clocked_now(log):
    from autopack.ports.log import from_us

    return from_us(journal_of(log).now_us())
