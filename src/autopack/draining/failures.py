"""What kind of failure it was, which failures are alike, and why a phase used no tokens."""

import re
from typing import Final

RETRYABLE: Final = frozenset({"rate_limited", "overloaded", "timeout"})
"""Classes of failures where another attempt may help without any change."""

_CLASSES: Final = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("rate_limited", r"rate.?limit|too many requests|\b429\b|quota exceeded"),
        ("overloaded", r"overloaded|\b(502|503|529)\b|service unavailable|server error"),
        (
            "boundary",
            r"context.?(length|window)|maximum context|prompt is too long|max_turns"
            r"|message limit|conversation too long",
        ),
        ("truncated", r"truncat|max_tokens|stop_reason.{0,3}length"),
        ("auth", r"\b(401|403)\b|unauthori[sz]ed|invalid api key|authentication|forbidden"),
        ("invalid_request", r"\b(400|404|422)\b|invalid.?request|bad request"),
        ("timeout", r"timed? ?out|deadline exceeded"),
        ("validation", r"validation|schema error|missing required field"),
    )
)

_REPEATED: Final = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"https?://[^\s\"')>]+", "<url>"),
        (r"\d{4}-\d\d-\d\d[t ]\d\d:\d\d(:\d\d(\.\d+)?)?(z|[+-]\d\d:?\d\d)?", "<time>"),
        (r"\d{4}-\d\d-\d\d", "<date>"),
        (r"\b\d\d:\d\d(:\d\d(\.\d+)?)?\b", "<time>"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        (r"\b[a-z]:\\[^\s:;\"')]+", "<path>"),
        (r"(?<![\w<])(?:\.{0,2}/)[^\s:;\"')]+", "<path>"),
        (r"\b0x[0-9a-f]+\b", "<address>"),
        (r"\b[0-9a-f]{12,}\b", "<id>"),
        (r"\d+", "<n>"),
        (r"\s+", " "),
    )
)


def classify(code: str, message: str) -> str:
    """Return the class of a failure by its code, then by its words; ``execution`` otherwise."""
    word = code.lower()
    for name, pattern in _CLASSES:
        if word == name or pattern.search(word):
            return name
    for name, pattern in _CLASSES:
        if pattern.search(message):
            return name
    return "execution"


def fingerprint(code: str, message: str) -> str:
    """Return what failures that differ only in times, paths, ids and numbers have in common."""
    text = message.lower()
    for pattern, word in _REPEATED:
        text = pattern.sub(word, text)
    return f"{code}|{text.strip()[:200]}"


def zero_yield_reason(ending: str, failure_class: str | None = None) -> str:
    """
    Return why an attempt without any recorded call has none.

    Args:
        ending: ``completed``, ``failed``, ``timed_out`` or ``gated``.
        failure_class: The class of a failure.
    """
    if ending == "completed":
        return "success_no_llm_calls"
    if ending == "timed_out" or failure_class == "timeout":
        return "timeout"
    if ending == "gated":
        return "gated_before_llm"
    if failure_class == "boundary":
        return "llm_boundary_hit"
    if failure_class in ("rate_limited", "overloaded"):
        return "provider_refused"
    if failure_class in ("validation", "auth", "invalid_request"):
        return "failed_before_llm"
    return "execution_error"
