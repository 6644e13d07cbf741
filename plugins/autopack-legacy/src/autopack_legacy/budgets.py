"""How the old system judged token budgets and retries; pure functions with its own figures."""

from typing import Any, Final

_WARN_BEFORE: Final = 0.85
_WARN_AFTER: Final = 0.95
_CRITICAL: Final = 1.2
_GROWTH: Final = 1.5
_MOST_TOKENS: Final = 64_000


def retry_decision(attempt: int, max_attempts: int, status: str) -> dict[str, Any]:
    """
    Return what follows an attempt.

    Args:
        attempt: Attempts made before this one, from 0.
        max_attempts: How many are allowed; 0 or less allows none.
        status: How the attempt ended (``COMPLETE``, ``TOKEN_ESCALATION``, ``FAILED``, ...).

    Returns:
        ``next`` (the raised counter, None if it stays), ``diagnostics`` (whether the old system
        looked into the failure) and ``terminal`` (whether no attempt is left).
    """
    if attempt >= max_attempts or max_attempts <= 0 or status == "COMPLETE":
        return {"next": None, "diagnostics": False, "terminal": True}
    following = attempt + 1
    return {
        "next": following,
        "diagnostics": status != "TOKEN_ESCALATION",
        "terminal": following >= max_attempts,
    }


def enforce_before(tokens: int, budget: int) -> dict[str, Any]:
    """
    Judge an estimate of *tokens* against a *budget*, before the call.

    Returns:
        ``status`` (ok, warning, exceeded, critical), ``utilization`` (0.0 without a budget) and
        ``escalate``.
    """
    if budget <= 0:
        return {"status": "critical", "utilization": 0.0, "escalate": True}
    used = tokens / budget
    if used >= 1:
        status = "critical" if used >= _CRITICAL else "exceeded"
        return {"status": status, "utilization": used, "escalate": True}
    status = "warning" if used >= _WARN_BEFORE else "ok"
    return {"status": status, "utilization": used, "escalate": False}


def enforce_after(tokens: int, budget: int, stop_reason: str | None) -> dict[str, Any]:
    """
    Judge what a call used, once it has ended.

    Returns:
        ``status``, ``utilization`` and ``escalate`` as in :func:`enforce_before`, and
        ``overflow``: 1 if the output was cut off, else 0.
    """
    used = tokens / budget if budget > 0 else 0.0
    overflow = int(stop_reason == "max_tokens")
    is_high = used >= _WARN_AFTER
    status = "exceeded" if overflow else "warning" if is_high else "ok"
    return {
        "status": status,
        "utilization": used,
        "escalate": bool(overflow) or is_high,
        "overflow": overflow,
    }


def escalated_budget(budget: int) -> int:
    """Return half as much again, in tokens, up to the largest budget that was ever sent."""
    return min(int(budget * _GROWTH), _MOST_TOKENS)
