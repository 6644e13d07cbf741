"""Ids of calls that come round again, as those of local servers do."""

import pytest

from autopack import Failed, attempt, create_run, drain, replay
from autopack.errors import UsageConflictError
from autopack.ports.log import from_us
from drains import found, specs


@pytest.mark.parametrize("outputs", [(20, 20, 20), (20, 21, 22)])
def test_an_id_of_another_attempt_names_another_call(any_log, outputs):
    """Each is recorded and counted, with its attempt in its id; alike or not."""
    create_run(any_log, "r", specs("a", "b", "c"))

    def work(phase, attempt):
        n = "abc".index(phase.phase_id)
        attempt.record_usage(call_id="chat-1", model="m", output_tokens=outputs[n])

    report = drain(any_log, executor=work)

    assert (3, 3) == (report.completed, report.calls)
    assert ["chat-1", "chat-1@r/b#1", "chat-1@r/c#1"] == [
        event.call_id for event in found(any_log, "llm.usage_recorded")
    ]


def test_a_retry_may_use_its_phases_id_again(any_log):
    """Both attempts were paid, as their figures show."""
    create_run(any_log, "r", specs("a", max_attempts=2))

    def work(phase, attempt):
        attempt.record_usage(call_id=phase.key, model="m", output_tokens=5 + attempt.number)
        return Failed("x", "y", retryable=True) if attempt.number == 1 else None

    report = drain(any_log, executor=work, backoff_base_s=0.001)

    assert (1, 2) == (report.completed, report.calls)


def test_such_a_call_told_twice_is_recorded_once(any_log):
    """By the attempt that told it, under the id that it has there."""
    create_run(any_log, "r", specs("a", "b"))
    with attempt(any_log, "r/a") as live:
        live.record_usage(call_id="c", model="m", output_tokens=5)
    with attempt(any_log, "r/b") as live:
        first = live.record_usage(call_id="c", model="m", output_tokens=7)
        again = live.record_usage(call_id="c", model="m", output_tokens=7)
        with pytest.raises(UsageConflictError):
            live.record_usage(call_id="c", model="m", output_tokens=8)

    assert first.position == again.position
    assert 12 == replay(any_log, "attempts").total.all.use.output_tokens


def test_a_call_of_the_same_moment_is_the_same_call(any_log):
    """Told by another attempt, it is refused with both, and counts once."""
    create_run(any_log, "r", specs("a", "b"))
    with attempt(any_log, "r/a") as live:
        live.record_usage(call_id="c", model="m", output_tokens=5, occurred_at=from_us(1))
    with pytest.raises(UsageConflictError) as refused, attempt(any_log, "r/b") as live:
        live.record_usage(call_id="c", model="m", output_tokens=5, occurred_at=from_us(1))

    assert "for r/a attempt 1; now it is told for r/b attempt 1." in str(refused.value)
