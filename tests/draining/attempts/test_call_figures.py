"""What ``record_usage`` and ``amend_usage`` take of a call's figures."""

import pytest

from autopack import amend_usage, attempt
from autopack.errors import InvalidInputError
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
