"""How the old system named failures: fingerprints, and reasons for phases without telemetry."""

import re
from typing import Final

_STEPS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\d{4}-\d\d-\d\d", "date"),
        (r"\d\d:\d\d:\d\d", "time"),
        (r"[a-z]:\\[\w\\./-]+", "path"),
        (r"/[\w./-]+", "path"),
        (r"0x[0-9a-f]+", "addr"),
        (r"\bline \d+", "line num"),
        (r":\d+", ":num"),
        (r"\b(session|run|batch|drain)-\d{8}-\d{6}", r"\1-id"),
        (r"\b\d+\b", "num"),
        (r"\s+", " "),
    )
)
"""The replacements in their order; an early one may hide what a later one looks for."""

_FINGERPRINT_CHARS: Final = 200
_RETURN_CODES: Final = {-1: "timeout", 143: "timeout143"}
_TIMEOUTS: Final = frozenset(_RETURN_CODES)

_BOUNDARY_WORDS: Final = (
    "max_turns",
    "message limit",
    "context_length_exceeded",
    "maximum context",
    "token limit exceeded",
    "max tokens",
    "context window exceeded",
    "conversation too long",
    "exceeded maximum",
)
_EARLY_WORDS: Final = (
    "validation error",
    "schema error",
    "missing required field",
    "invalid phase",
    "phase not found",
    "run not found",
    "database error",
    "connection error",
    "permission denied",
)


def normalize_error(text: str | None) -> str:
    """
    Return *text* without what differs from one run to the next, in lower case.

    Known oddities are kept, since stored fingerprints hold them: a URL becomes
    ``http:path:numpath``, and an ISO time with a ``T`` becomes ``datettime``.
    """
    normal = (text or "").lower()
    for pattern, replacement in _STEPS:
        normal = pattern.sub(replacement, normal)
    return normal.strip()


def fingerprint(final_state: str, returncode: int | None, text: str | None) -> str:
    """
    Return the state, the kind of return code and the start of the error, joined by ``|``.

    Args:
        final_state: The phase's state as the old system wrote it.
        returncode: Of the process that drained the phase; None leaves the part out.
        text: The error; an empty one leaves the part out.
    """
    parts = [final_state]
    if returncode is not None:
        parts.append(_RETURN_CODES.get(returncode, f"rc{returncode}"))
    if normal := normalize_error(text)[:_FINGERPRINT_CHARS]:
        parts.append(normal)
    return "|".join(parts)


def is_llm_boundary(output: str | None) -> bool:
    """Tell whether *output* says that a limit of the model or its conversation was met."""
    return _holds(output, _BOUNDARY_WORDS)


def zero_yield_reason(
    success: bool, telemetry: int | None, returncode: int | None, output: str | None
) -> str | None:
    """
    Return why a drained phase left no telemetry; None if it left some.

    Args:
        success: Whether the phase ended COMPLETE.
        telemetry: How many rows were added; None if nobody counted.
        returncode: Of the process, -1 after a timeout; None if unknown.
        output: What the process printed.
    """
    if telemetry is not None and telemetry > 0:
        return None
    if success:
        return "success_no_llm_calls"
    if returncode in _TIMEOUTS:
        return "timeout"
    if is_llm_boundary(output):
        return "llm_boundary_hit"
    if _holds(output, _EARLY_WORDS):
        return "failed_before_llm"
    return "unknown" if returncode in (None, 0) else "execution_error"


def _holds(text: str | None, words: tuple[str, ...]) -> bool:
    lowered = (text or "").lower()
    return any(word in lowered for word in words)
