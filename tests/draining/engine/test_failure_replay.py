"""What a strategy said of failures, asked again on what it was shown before they were recorded."""

import itertools
import time

import attrs
import pytest

import autopack
from autopack import Cascade, Choose, Completed, Failed, Retry, create_run, drain, replay_drain
from autopack.errors import InvalidInputError
from autopack.events import PhaseFailed, PhaseTimedOut
from autopack.types import Ask, GiveUp
from drains import found, specs

QUICK = {"backoff_base_s": 0.001, "backoff_cap_s": 0.001}


def fails(phase, attempt):
    """Make one call, and fail whatever the phase is."""
    attempt.record_usage(model=phase.model, input_tokens=10, output_tokens=90, cost_usd="0.01")
    return Failed("tests_failed", f"{phase.phase_id}: {'x' * 600}", failure_class="check_failed")


@attrs.frozen
class Says:
    """Takes what is first, and says of failures what a function does."""

    answer: object

    def __call__(self, view):
        if not view.ready:
            return autopack.Wait("nothing is ready", until=view.next_ready_at)
        return Choose(view.ready[0].ref, "the first")

    def after_failure(self, phase, attempts):
        return self.answer(phase, attempts)


def by_turns(phase, attempts):
    """Say each of the four, by the phase's name and the attempts at it."""
    if len(attempts) == 1:
        return Retry(phase.ref, f"{len(attempts[-1].message)} letters are not enough")
    return {
        "a": Ask(phase.ref, f"What of {attempts[-1].message[:5]}?"),
        "b": GiveUp(phase.ref, f"{attempts[-1].output_tokens} tokens for nothing"),
        "c": None,
    }[phase.phase_id]


@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_said_of_failures_is_said_again(any_log, workers):
    """Each kind of answer, with its reason, and on texts that were too long for an event."""
    create_run(any_log, "r", specs("a", "b", "c", max_attempts=2))
    strategy = Says(by_turns)
    drain(any_log, executor=fails, strategy=strategy, workers=workers, **QUICK)
    replay = replay_drain(any_log, strategy=strategy)
    failures = {one.position for one in any_log.read_all(types=[PhaseFailed])}

    assert [one.recorded for one in replay.afterwards] == [one.answer for one in replay.afterwards]
    assert ["ask", "give_up", "none", "retry", "retry", "retry"] == sorted(
        one.recorded.act for one in replay.afterwards
    )
    assert failures == {one.position for one in replay.afterwards}
    assert (True, False) == (replay.is_own, replay.is_impure)


def test_a_timed_out_attempt_is_asked_about_again(any_log):
    """It has no call and no message of its own."""
    create_run(any_log, "r", specs("a", timeout_s=0.05, max_attempts=2))

    def hangs(_phase, attempt):
        while not attempt.cancelled:
            time.sleep(0.01)
        time.sleep(0.5)  # it comes back late, and not just in time

    strategy = Says(lambda phase, attempts: GiveUp(phase.ref, f"{attempts[-1].ending} again"))
    drain(any_log, executor=hangs, strategy=strategy, **QUICK)
    (one,) = replay_drain(any_log, strategy=strategy).afterwards
    (failed,) = found(any_log, PhaseTimedOut.TYPE)

    assert one.recorded == one.answer
    assert ("give_up", "timed_out again") == (failed.followed["act"], failed.followed_why)


@pytest.mark.remembers
@pytest.mark.parametrize("acts", ["counts", "remembers", "draws"])
def test_an_impure_one_is_caught_at_the_failure(memory_log, acts):
    """Its choices are all the same; what it says of a failure is not, and there they part."""
    create_run(memory_log, "r", specs("a", "b", "c", "d", max_attempts=1))
    counted, seen = itertools.count(), set()
    draws = iter([0, 1] * 40)

    def says(phase, _attempts):
        tells = {
            "counts": lambda: next(counted) < 4,
            "remembers": lambda: phase.key not in seen,
            "draws": lambda: next(draws),
        }[acts]()
        seen.add(phase.key)
        return GiveUp(phase.ref, "so it is") if tells else None

    strategy = Says(says)
    drain(memory_log, executor=fails, strategy=strategy)
    replay = replay_drain(memory_log, strategy=strategy)
    first = next(iter(memory_log.read_all(types=[PhaseFailed])))

    assert replay.n_same == len(replay.choices) == 4
    assert replay.is_impure
    assert "failure" == replay.parted.about
    assert first.position == replay.parted.position


def test_another_one_says_something_else(memory_log):
    """It is shown beside what was said; one that says nothing of failures leaves them alone."""
    create_run(memory_log, "r", specs("a", max_attempts=2))
    drain(memory_log, executor=fails, strategy=Cascade(models=["small", "large"]), **QUICK)
    harder = Cascade(models=["small"], then="fail")
    own, other = replay_drain(memory_log), replay_drain(memory_log, strategy=harder)
    silent = replay_drain(memory_log, strategy="fifo")

    assert ["retry", "ask"] == [one.answer.act for one in own.afterwards]
    assert own.parted is None
    assert ["give_up"] * 2 == [one.answer.act for one in other.afterwards]
    assert [True, True] == [one.differs for one in other.afterwards]
    assert ["none"] * 2 == [one.answer.act for one in silent.afterwards]


def test_one_that_raises_is_told_then_and_now(memory_log):
    """The failure was recorded all the same, with what went wrong."""
    create_run(memory_log, "r", specs("a", max_attempts=1))
    strategy = Says(lambda phase, _attempts: phase.nothing_of_the_kind)
    drain(memory_log, executor=fails, strategy=strategy)
    replay = replay_drain(memory_log, strategy=strategy)
    (one,) = replay.afterwards

    assert ("failed", "failed") == (one.recorded.act, one.answer.act)
    assert "AttributeError" in one.recorded.reason
    assert not replay.is_impure


def test_one_that_was_an_object_has_to_be_given_again(memory_log):
    """As for choices: the log has its name alone."""
    create_run(memory_log, "r", specs("a", max_attempts=1))
    drain(memory_log, executor=fails, strategy=Says(lambda *_shown: None))
    with pytest.raises(InvalidInputError, match="it was an object"):
        replay_drain(memory_log)


def test_a_drain_whose_strategy_says_nothing_has_no_answers(memory_log):
    """Its failures note nothing, so that they are as long as they were."""
    create_run(memory_log, "r", specs("a", max_attempts=1))
    drain(memory_log, executor=fails)
    (failed,) = found(memory_log, PhaseFailed.TYPE)

    assert ({}, None) == (failed.followed, failed.followed_why)
    assert () == replay_drain(memory_log).afterwards


def test_each_worker_of_a_drain_is_asked_of_its_own(any_log):
    """A drain that was resumed, and another one beside it: each failure has who was asked."""
    create_run(any_log, "r", specs(*"abcdef", max_attempts=3))
    cascade = Cascade(models=["small", "large"], then="fail")

    def execute(phase, attempt):
        return fails(phase, attempt) if phase.phase_id in "ace" else Completed()

    first = drain(any_log, executor=execute, strategy=cascade, max_phases=3, **QUICK)
    other = drain(any_log, executor=execute, strategy=cascade, max_phases=2, **QUICK)
    drain(any_log, executor=execute, resumes=first.drain_id, max_phases=99, **QUICK)
    both = [replay_drain(any_log, one.drain_id) for one in (first, other)]

    assert len(found(any_log, PhaseFailed.TYPE)) == sum(len(one.afterwards) for one in both)
    assert all(one.afterwards and not one.is_impure for one in both)
