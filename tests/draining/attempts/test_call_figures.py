"""What ``record_usage`` and ``amend_usage`` take of a call's figures."""

from datetime import UTC, datetime, timedelta

import pytest

from autopack import amend_usage, attempt
from autopack.errors import InvalidInputError
from autopack.log.log import journal_of
from drains import found


def test_impossible_figures_are_refused_by_name(log):
    """Nothing is recorded of a call whose figures contradict each other."""
    with pytest.raises(InvalidInputError, match="input_tokens is 25") as refused:  # noqa: SIM117
        with attempt(log, "r/p1") as live:
            live.record_usage(model="m", input_tokens=25, cache_read_tokens=41_000)

    assert "input_tokens" == refused.value.name
    assert [] == found(log, "llm.usage_recorded")


def test_an_amendment_may_not_make_figures_impossible(log):
    """The figures that it leaves as they were are looked at too."""
    with attempt(log, "r/p1") as live:
        live.record_usage(call_id="c", model="m", input_tokens=9, output_tokens=20)
    with pytest.raises(InvalidInputError, match="reasoning_tokens is 21"):
        amend_usage(log, call_id="c", why="bill", reasoning_tokens=21)
    amend_usage(log, call_id="c", why="bill", output_tokens=30, reasoning_tokens=21)

    assert [30] == [event.output_tokens for event in found(log, "llm.usage_amended")]


@pytest.mark.parametrize(
    "figures",
    [
        {"stop_reason": "FinishReason.MAX_TOKENS"},
        {"stop_reason": "stop", "max_tokens": 2048},
        {"max_tokens": 2048},
    ],
)
def test_a_cut_output_is_recorded_as_cut(log, figures):
    """By its reason, and where it is as long as it was allowed to be."""
    with attempt(log, "r/p1") as live:
        live.record_usage(model="m", output_tokens=2048, **figures)

    assert [True] == [event.truncated for event in found(log, "llm.usage_recorded")]


def test_a_whole_float_is_a_count(log):
    """Some clients count in floats; half a token is refused by the figure's name."""
    with attempt(log, "r/p1") as live:
        told = live.record_usage(model="m", input_tokens=9.0, output_tokens=20.0).event
        with pytest.raises(InvalidInputError, match=r"output_tokens is 5\.5"):
            live.record_usage(model="m", output_tokens=5.5)

    assert (9, 20, 29) == (told.input_tokens, told.output_tokens, told.total_tokens)
    assert 1 == len(found(log, "llm.usage_recorded"))


def test_a_call_of_the_far_future_is_refused(log):
    """It is in no day that anybody asks for; a clock may be a day ahead."""
    now = datetime.fromtimestamp(journal_of(log).clock(), UTC)
    with attempt(log, "r/p1") as live:
        with pytest.raises(InvalidInputError, match="occurred_at is 2999-01-01"):
            live.record_usage(model="m", occurred_at=datetime(2999, 1, 1, tzinfo=UTC))
        live.record_usage(model="m", occurred_at=now + timedelta(hours=23))

    assert 1 == len(found(log, "llm.usage_recorded"))
