"""Events in words are short: units behind figures, and nothing that says nothing."""

from decimal import Decimal

import pytest

from autopack.events import CapReserved, LlmUsageRecorded, PhaseFailed
from autopack.report.history import in_words

USAGE = LlmUsageRecorded(
    call_id="msg_1",
    provider="example",
    request_model="large-2",
    response_model="large-2",
    attempt=1,
    input_tokens=13_857,
    output_tokens=2_870,
    total_tokens=16_727,
    cost_usd=Decimal("0.1492"),
    truncated=True,
)


FAILED = {
    "run_id": "r",
    "phase_id": "p",
    "attempt": 1,
    "code": "exit_1",
    "message": "2 tests failed",
    "duration_s": 260.2915,
}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            USAGE,
            "attempt 1, model large-2, input 13,857 tokens, output 2,870 tokens, "
            "total 16,727 tokens, 0.1492 USD, truncated",
        ),
        (
            PhaseFailed(**FAILED),
            "attempt 1, code exit_1, duration 260.3 s, 2 tests failed",
        ),
        (
            CapReserved(scope="run-a", lease_token="x", tokens=21_000, usd=Decimal("0.05")),
            "21,000 tokens, 0.05 USD",
        ),
    ],
)
def test_an_event_in_words(event, told):
    """Neither the name of a call, nor a model twice, nor that a division was measured."""
    assert told == ", ".join(in_words(event))
