"""What is set aside stands in for what nobody told, so that a cap cannot be fooled by silence."""

import pytest

from autopack import (
    Failed,
    amend_usage,
    attempt,
    create_run,
    drain,
    get_caps,
    hookimpl,
    load_plugins,
    replay,
    set_caps,
)
from drains import found, specs, states


class Prices:
    """A hundredth of a dollar for a call, ahead; nothing once it was made."""

    @hookimpl
    def autopack_price_usage(self, usage):
        return 0.01 if usage.call_id == "(not made)" else None


def silent(_phase, _attempt):
    """Tells of no call."""


def without_figures(_phase, attempt):
    """Tells of a call, and nothing of its tokens or price."""
    attempt.record_usage(model="m")


def output_alone(_phase, attempt):
    """Tells half of a call."""
    attempt.record_usage(model="m", output_tokens=1)


def unreadable(_phase, attempt):
    """Tells that some of its calls could not be read."""
    attempt.attach("usage-problems", "a line that could not be read")
    return Failed("x", "y", retryable=False)


def used(log, unit="tokens"):
    """What the run has used of a cap."""
    return next(one.used for one in get_caps(log, "r") if one.unit == unit)


@pytest.mark.parametrize("executor", [silent, without_figures, output_alone, unreadable])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_cap_in_tokens_holds_back_who_does_not_tell(any_log, executor, workers):
    """So many attempts are let in as what they set aside fits under the cap, and no more."""
    ids = [str(n) for n in range(12)]
    create_run(any_log, "r", specs(*ids, prompt_tokens=1000, max_attempts=1))
    drain(any_log, executor=executor, max_phases=1)
    (first,) = found(any_log, "phase.claimed")
    cap = 3 * used(any_log)
    set_caps(any_log, "r", {"tokens": cap}, why="a night")
    drain(any_log, executor=executor, workers=workers)

    assert first.reserved_tokens <= cap // 3
    assert 3 == len(found(any_log, "phase.claimed"))
    assert cap == used(any_log)


@pytest.mark.parametrize("executor", [silent, without_figures])
def test_a_cap_in_usd_holds_back_who_does_not_tell(another, executor):
    """What a call would cost, by what is known before it, stands for what nobody told after."""
    log = another(registry=load_plugins(extra=[Prices()]))
    create_run(log, "r", specs(*"abcdef", model="m"), caps={"usd": 0.03})
    report = drain(log, executor=executor)

    assert (3, 0.0, 3) == (report.completed, float(report.cost_usd), report.unmetered)
    assert "0.03" == str(used(log, "usd"))


def test_calls_of_one_attempt_that_tell_nothing_reach_a_cap(any_log):
    """Each counts by itself, so that a loop of them is stopped."""
    create_run(any_log, "r", specs("a", max_attempts=1), caps={"tokens": 50_000})

    def loops(_phase, attempt):
        for _ in range(1000):
            attempt.record_usage(model="m")

    drain(any_log, executor=loops)
    (claimed,) = found(any_log, "phase.claimed")

    assert ["cap_reached"] == [event.code for event in found(any_log, "phase.failed")]
    assert 50_000 // claimed.reserved_tokens + 1 == len(found(any_log, "llm.usage_recorded"))


def test_the_one_call_for_which_a_claim_was_let_in_ends_nothing(any_log):
    """A cap that nothing fits under lets one attempt in; its silence is not held against it."""
    create_run(any_log, "r", specs("a", "b"), caps={"tokens": 10})
    drain(any_log, executor=without_figures)

    assert {"a": "COMPLETE", "b": "QUEUED"} == states(any_log)


@pytest.mark.parametrize("failure_class", ["rate_limited", "auth", "invalid_request", "boundary"])
def test_a_refusal_by_the_provider_uses_nothing(any_log, failure_class):
    """It is known that no call was answered."""
    create_run(any_log, "r", specs("a", max_attempts=1), caps={"tokens": 50_000})
    failure = Failed("x", "no", failure_class=failure_class, retryable=False)
    drain(any_log, executor=lambda _phase, _attempt: failure)

    assert 0 == used(any_log)


def test_figures_that_come_later_take_the_place_of_what_stood_for_them(any_log):
    """Of a call that is amended, and of an attempt that tells of its call too late."""
    create_run(any_log, "r", specs("a"), caps={"tokens": 50_000})
    with attempt(any_log, "r/a") as live:
        live.record_usage(call_id="c", model="m")
    assumed = used(any_log)
    amend_usage(any_log, call_id="c", why="bill", input_tokens=30, output_tokens=12)

    assert (live.estimate.predicted_output_tokens < assumed, 42) == (True, used(any_log))


def test_the_account_tells_what_is_assumed_apart(any_log):
    """Totals are what was told; what stands for the rest is a figure of its own."""
    create_run(any_log, "r", specs("a", "b"), caps={"tokens": 50_000})
    drain(any_log, executor=without_figures)
    work = replay(any_log, "attempts").total.by_run["r"]

    assert (0, used(any_log)) == (work.use.total_tokens, work.assumed_tokens)
    assert work.assumed_tokens > 0
