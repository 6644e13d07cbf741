"""Budget and retry rules, as the old system had them."""

import pytest

from autopack_legacy import enforce_after, enforce_before, escalated_budget, retry_decision


@pytest.mark.parametrize(
    ("tokens", "status", "escalate"),
    [
        (849, "ok", False),
        (850, "warning", False),
        (1000, "exceeded", True),
        (1200, "critical", True),
    ],
)
def test_before_a_call(tokens, status, escalate):
    """An estimate is judged by its share of the budget."""
    verdict = enforce_before(tokens, 1000)

    assert {"status": status, "utilization": tokens / 1000, "escalate": escalate} == verdict


def test_without_a_budget():
    """No budget is critical before a call, and used to 0.0 after it."""
    before, after = enforce_before(5, 0), enforce_after(5, 0, None)

    assert {"status": "critical", "utilization": 0.0, "escalate": True} == before
    assert {"status": "ok", "utilization": 0.0, "escalate": False, "overflow": 0} == after


@pytest.mark.parametrize(
    ("tokens", "stop_reason", "status", "escalate", "overflow"),
    [
        (949, "end_turn", "ok", False, 0),
        (950, None, "warning", True, 0),
        (10, "max_tokens", "exceeded", True, 1),
    ],
)
def test_after_a_call(tokens, stop_reason, status, escalate, overflow):
    """Truncation comes first, then a budget that was nearly used up."""
    verdict = enforce_after(tokens, 1000, stop_reason)

    assert (status, escalate, overflow) == (
        verdict["status"],
        verdict["escalate"],
        verdict["overflow"],
    )


def test_escalation_has_an_end():
    """A budget grows by half, up to 64,000 tokens."""
    assert 12288 == escalated_budget(8192)
    assert 64000 == escalated_budget(60000)


@pytest.mark.parametrize(
    ("attempt", "most", "status", "decision"),
    [
        (0, 0, "FAILED", (None, False, True)),
        (5, 5, "FAILED", (None, False, True)),
        (1, 5, "COMPLETE", (None, False, True)),
        (1, 5, "TOKEN_ESCALATION", (2, False, False)),
        (4, 5, "PATCH_FAILED", (5, True, True)),
    ],
)
def test_retry_decision(attempt, most, status, decision):
    """The counter rises unless the phase is done or has no attempt left."""
    found = retry_decision(attempt, most, status)

    assert dict(zip(("next", "diagnostics", "terminal"), decision, strict=True)) == found
