"""How a session of Claude Code ended, and the facts that it tells of a failure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.executors.claude_messages import Messages
from autopack.draining.executors.denied_uses import denials, with_denials
from autopack.draining.executors.provider_errors import window_report
from autopack.draining.executors.session_calls import Surroundings
from autopack.ports.work import Completed, Failed

_CLASSES: Final = {"error_max_turns": "boundary", "error_max_budget_usd": "boundary"}
_CUT: Final = re.compile(r"exceeded the (\d{1,9}) output token maximum")
_CUT_OFF: Final = "max_tokens"
_CUT_ERROR: Final = "max_output_tokens"
_SAID_CHARS: Final = 2_000
_PERMISSIONS: Final = "claude's --permission-mode and --allowedTools"


def outcome_of(
    result: Mapping[str, Any], messages: Messages, limit: Mapping[str, Any], place: Surroundings
) -> Completed | Failed:
    """
    Return how a session ended, by its result.

    Args:
        messages: What was told before.
        limit: The last ``rate_limit_info`` of the stream; empty if there was none.
        place: Where the session's deliverables should be.
    """
    subtype = _word(result.get("subtype")) or "success"
    said = _said(result, messages)
    facts = facts_of(result, messages, limit)
    if cut_of(result, messages):
        message = said if result.get("is_error") and said else ""
        message = message or "the last message was cut at the model's output limit"
        return Failed("truncated", message, failure_class="truncated", source_fields=facts)
    if subtype != "success" or result.get("is_error"):
        return _failed(result, subtype, said, facts)
    outcome = Completed({"result": said} if said else {}, said or None)
    return with_denials(outcome, result, facts, place, how=_PERMISSIONS)


def facts_of(
    result: Mapping[str, Any], messages: Messages, limit: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the client told as facts, by the names of ``Failed.source_fields``."""
    told = {**messages.facts, **{n: v for n, v in result.items() if v is not None}}
    names = ("subtype", "terminal_reason", "stop_reason", "session_id", "request_id",
             "api_error", "api_error_type", "assistant_error")  # fmt: skip
    facts = {name: told[name] for name in names if isinstance(told.get(name), str)}
    status = told.get("api_error_status")
    if type(status) is int:
        facts["http_status"] = status
    words = (told.get(name) for name in ("api_error", "assistant_error", "api_error_type"))
    if error := next((word for word in words if isinstance(word, str) and word != "unknown"), None):
        facts["error"] = error
    if said := _word(result.get("result")) or _errors(result):
        facts["said"] = said[:_SAID_CHARS]
    if n := len(denials(result)):
        facts["permission_denials"] = n
    return {**facts, **limit_facts(messages.facts.get("rate_limit_info") or limit)}


def limit_facts(limit: Mapping[str, Any]) -> dict[str, Any]:
    """Return the window of a plan that is used up, and when it opens again."""
    if limit.get("status") != "rejected":
        return {}
    found: dict[str, Any] = {"rate_limit_status": "rejected"}
    if isinstance(limit.get("rateLimitType"), str):
        found["window"] = limit["rateLimitType"]
    if type(limit.get("resetsAt")) is int:
        found["resets_at"] = limit["resetsAt"]
    return found


def windows_of(limit: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a ``rate_limit_info`` tells of a plan's windows, for ``report_limit``."""
    windows = limit.get("unifiedWindows")
    told = dict(windows) if isinstance(windows, dict) else {}
    if isinstance(limit.get("rateLimitType"), str):
        told.setdefault(limit["rateLimitType"], limit)
    return [
        window_report("claude", name, one.get("utilization"), one.get("resetsAt"))
        for name, one in told.items()
        if isinstance(one, dict)
    ]


def cut_of(result: Mapping[str, Any], messages: Messages) -> bool:
    """
    Tell whether the last answer was cut at its output limit.

    The client asks to go on a few times, and then tells an error of its own.
    """
    if result.get("stop_reason") == _CUT_OFF:
        return True
    if not result.get("is_error"):
        return False
    errors = (result.get("api_error"), *map(messages.facts.get, ("api_error", "assistant_error")))
    if any(error == _CUT_ERROR for error in errors):
        return True
    return _CUT.search(str(result.get("result"))[:_SAID_CHARS]) is not None


def cut_at(result: Mapping[str, Any]) -> int | None:
    """Return the limit that a cut answer met, in tokens, where the client names it."""
    found = _CUT.search(str(result.get("result"))[:_SAID_CHARS])
    return None if found is None else int(found[1])


def _failed(result: Mapping[str, Any], subtype: str, said: str, facts: Mapping[str, Any]) -> Failed:
    message = _errors(result) or _word(said) or f"the session ended with {subtype}"
    if result.get("stop_reason") == "refusal":
        return Failed("refused", message, failure_class="refused", source_fields=facts)
    code = subtype if subtype != "success" else "session_error"
    return Failed(code, message, failure_class=_CLASSES.get(subtype), source_fields=facts)


def _said(result: Mapping[str, Any], messages: Messages) -> str:
    """Return the answer; all of the last message, where the result repeats its beginning only."""
    said = result.get("result")
    said = said if isinstance(said, str) else ""
    text = messages.text
    return text if said and text.startswith(said) and not result.get("is_error") else said


def _errors(result: Mapping[str, Any]) -> str | None:
    errors = result.get("errors")
    return _word("; ".join(map(str, errors))) if isinstance(errors, list) else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
