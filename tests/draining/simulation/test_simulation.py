"""Simulated drains: the same work for every strategy, the same result every time."""

from datetime import timedelta

import pytest

from autopack import (
    Choose,
    Completed,
    Failed,
    PhaseRef,
    Stop,
    Wait,
    create_run,
    drain,
    simulate,
    synthetic_backlog,
)
from autopack.errors import InvalidInputError, PluginError, UnknownNameError
from drains import specs

SEEDS = (7, 1, 2, 3, 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_triage_spends_less_on_hopeless_runs(seed):
    """A fifth of what fifo spends there at most, and most of the samples for less."""
    fifo, triage = simulate(synthetic_backlog(seed), ["fifo", "triage"])

    assert triage.hopeless_tokens < 0.2 * fifo.hopeless_tokens
    assert triage.samples > 0.8 * fifo.samples
    assert triage.samples_per_100k > 1.1 * fifo.samples_per_100k


@pytest.mark.parametrize("seed", SEEDS)
def test_explore_knows_every_group_for_fewer_tokens(seed):
    """The stated width is reached with less than half of what fifo spends on the way."""
    fifo, explore = simulate(synthetic_backlog(seed), ["fifo", "explore"], width=0.5)

    assert fifo.tokens_to_width is not None
    assert explore.tokens_to_width is not None
    assert explore.tokens_to_width < 0.5 * fifo.tokens_to_width
    assert explore.widest <= 0.5


def test_a_simulation_is_repeatable():
    """The same seed gives the same result, another seed another one."""
    strategies = ("fifo", "triage", "explore", "priority", "retry-failed")
    first = simulate(synthetic_backlog(5), strategies)

    assert first == simulate(synthetic_backlog(5), strategies)
    assert first != simulate(synthetic_backlog(6), strategies)


def test_fifo_does_everything():
    """Attempts, endings and tokens add up to the backlog's."""
    backlog = synthetic_backlog(3, runs=6, phases_per_run=5)
    (found,) = simulate(backlog, "fifo")
    answers = [one for told in backlog.answers.values() for one in told]

    assert 30 == found.attempts == found.completed + found.failed + found.timed_out
    assert sum(one.total_tokens for one in answers) == found.tokens
    assert sum(one.sample is not None for one in answers) == found.samples
    assert "nothing is left" == found.reason


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ({"max_phases": 4}, "max_phases: 4 of 4"),
        ({"max_samples": 2}, "max_samples: 2 of 2"),
        ({"max_tokens": 1}, "max_tokens"),
        ({"max_minutes": 0.01}, "max_minutes"),
    ],
)
def test_a_limit_ends_a_simulation(limit, told):
    """The limits are those of a drain."""
    (found,) = simulate(synthetic_backlog(1), "fifo", **limit)

    assert told in found.reason


def test_a_strategy_that_waits_until_a_moment_is_asked_again_then():
    """The night comes at once; who puts off the answer for good ends the simulation."""
    backlog = synthetic_backlog(3, runs=2, phases_per_run=5)
    asked = []

    def at_midnight(view):
        asked.append(view.now)
        midnight = (view.now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        if view.now.hour:
            return Wait("it is day", until=midnight)
        return Choose(view.ready[0].ref, "at midnight")

    def later(view):
        return Wait("later", until=view.now + timedelta(hours=1))

    done, never = simulate(backlog, [at_midnight, later])

    assert 10 == done.attempts
    assert 0 == asked[1].hour
    assert (0, "later") == (never.attempts, never.reason)


def works(phase, attempt):
    """Complete with one call, or fail those whose id begins with x."""
    attempt.record_usage(model="m", input_tokens=100, output_tokens=int(phase.phase_id[1:]) * 10)
    if phase.phase_id.startswith("x"):
        return Failed("tests_failed", f"{phase.phase_id} failed", retryable=False)
    return Completed()


def test_a_history_is_taken_as_work(any_log):
    """What the log's phases used and how they ended; what never ended is left out."""
    create_run(any_log, "good", specs("p1", "p2", "p3"))
    create_run(any_log, "bad", specs("x4", "x5", "x6"))
    drain(any_log, executor=works)
    create_run(any_log, "later", specs("p9"))
    before = any_log.head()
    fifo, triage = simulate(any_log, ["fifo", "triage"], width=5.0)

    assert (6, 3, 3, 810, 450, 3) == (
        fifo.attempts, fifo.completed, fifo.failed, fifo.tokens, fifo.hopeless_tokens,
        fifo.samples,
    )  # fmt: skip
    assert 110 == fifo.tokens_to_width
    assert triage.tokens <= fifo.tokens
    assert "1 without an end are left out" in fifo.source
    assert before == any_log.head()


def test_an_order_is_kept_in_a_simulation(any_log):
    """A phase that comes after another one is taken once that has completed."""
    create_run(any_log, "r", [*specs("p1", after="p2"), *specs("p2")])
    drain(any_log, executor=works)
    order = []

    def follow(view):
        order.append([phase.phase_id for phase in view.ready])
        return Choose(view.ready[0].ref, "next")

    simulate(any_log, follow)

    assert [["p2"], ["p1"]] == order


def test_attempts_of_a_history_are_told_apart(any_log):
    """A phase that was retried fails again in a simulation, then ends as it did."""
    create_run(any_log, "r", specs("p1"))

    def flaky(phase, attempt):
        attempt.record_usage(model="m", input_tokens=0, output_tokens=attempt.number)
        return Failed("busy", "try again", retryable=True) if attempt.number < 3 else None

    drain(any_log, executor=flaky)
    (found,) = simulate(any_log, "fifo")

    assert (3, 1, 2, 6) == (found.attempts, found.completed, found.failed, found.tokens)


def test_wrong_questions_are_refused(any_log):
    """An unknown strategy, a limit that is none, a width of 0, a strategy that errs."""
    backlog = synthetic_backlog(1)
    with pytest.raises(UnknownNameError):
        simulate(backlog, "fiffo")
    with pytest.raises(InvalidInputError):
        simulate(backlog, "fifo", width=0)
    with pytest.raises(InvalidInputError):
        simulate(backlog, "fifo", max_phases=0)
    with pytest.raises(InvalidInputError, match="one phase"):
        simulate(backlog, "one")
    with pytest.raises(PluginError):
        simulate(backlog, lambda view: Choose(PhaseRef("no", "where"), "?"))


def test_an_empty_log_is_no_error(any_log):
    """Nothing to simulate is an answer."""
    (found,) = simulate(any_log, lambda view: Stop("never asked"))

    assert (0, 0, 0.0, None) == (found.attempts, found.tokens, found.samples_per_100k, found.widest)
