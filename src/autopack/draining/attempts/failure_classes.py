"""
What kind of failure it was, which failures are alike, and why a phase used no tokens.

A message may be as long as a program can print, and is read in the drain's only thread for the log:
so little of it is read, whatever its length, and no pattern gives back what it took.
"""

import re
from typing import Final

CLASSES: Final = (
    "rate_limited", "overloaded", "timeout", "truncated", "boundary", "validation", "auth",
    "invalid_request", "execution", "unknown",
)  # fmt: skip
"""The classes of failures, as ``autopack_classify_failure`` names them."""

RETRYABLE: Final = frozenset({"rate_limited", "overloaded", "timeout"})
"""Classes of failures where another attempt may help without any change."""


def _status(codes: str) -> str:
    """Return a pattern of HTTP status codes that stand where one is named, not of any number."""
    return rf"(?:error|status|http|code)[\s:=(\"']{{1,4}}(?:code[\s:=\"']{{1,3}})?(?:{codes})\b"


BAD_OUTCOME: Final = "bad_outcome"
"""The code of a failure whose attempt said of its own end what is of no use."""

_OWN_FAULTS: Final = (
    "ArithmeticError|AssertionError|AttributeError|ImportError|IndexError|KeyError|LookupError"
    "|ModuleNotFoundError|NameError|NotImplementedError|OverflowError|RecursionError|SyntaxError"
    "|TypeError|UnboundLocalError|UnicodeDecodeError|UnicodeEncodeError|ValueError"
    "|ZeroDivisionError"
)
"""Python's errors of a program about itself: no provider raises them, whatever their words are."""

_OWN_FAULT: Final = re.compile(rf"(?:^|[^\w.])(?:{_OWN_FAULTS})(?::|$)")

_MEANINGS: Final = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "rate_limited",
            r"rate.?limit|too many requests|quota exceeded|exceeded your (?:current )?quota"
            rf"|usage limit|insufficient.?quota|{_status('429')}",
        ),
        (
            "overloaded",
            r"overloaded|service.?unavailable|server.?error|bad gateway|high demand|at capacity"
            rf"|{_status('500|502|503|504|529')}",
        ),
        (
            "boundary",
            r"context.?(?:length|window)|maximum context|prompt is too long|max.?turns"
            r"|maximum number of turns|message limit|conversation too long",
        ),
        (
            "truncated",
            r"(?:output|response|answer|completion|message|reply) (?:was |is |got )?"
            r"(?:truncated|cut (?:off|short))|stop_reason.{0,4}(?:length|max_tokens)"
            r"|(?:reach|exceed|hit)\w{0,9} (?:the )?max_?(?:output_)?tokens"
            r"|max_?(?:output_)?tokens (?:was |is )?(?:reached|exceeded|hit)"
            r"|output token (?:maximum|limit)",
        ),
        (
            "auth",
            r"\bunauthori[sz]ed\b|(?:invalid|incorrect|missing) (?:x-)?api.?key"
            r"|authentication.?(?:error|failed|required)|not logged in|please run /login"
            rf"|\bforbidden\b|{_status('401|403')}",
        ),
        ("invalid_request", rf"invalid.?request|bad request|{_status('400|404|405|413|422')}"),
        ("timeout", r"timed? ?out|deadline exceeded"),
        ("validation", r"validation|schema error|missing required field"),
    )
)

_RETRY_AFTER: Final = re.compile(
    r"retry.?after(?:_s|.?seconds)?[\"']?\s*+[:=]?\s*+[\"']?"
    r"(?P<plain>\d++(?:\.\d++)?+)\s*+(?P<plain_unit>ms\b)?"
    r"|(?:try again|retry|retrying|wait)\s++(?:in|after|for)\s++(?P<spans>(?:\d++(?:\.\d++)?+\s*+"
    r"(?:(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b\s*+(?:and\s++)?"
    r"|(?:ms|s|m|h)(?=\d)))++)"
    r"|limit reached\|(?P<epoch>\d{10})\b",
    re.IGNORECASE,
)
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|milli|s|m|h)", re.IGNORECASE)
_SECONDS: Final = {"ms": 0.001, "milli": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_WAIT_S: Final = 7 * 86_400.0

_REPEATED: Final = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"[a-z][a-z0-9+.-]{0,30}+://[^\s\"'<>)]++", "<url>"),
        (r"\d{4}-\d\d-\d\d[t ]\d\d:\d\d(:\d\d([.,]\d++)?)?( ?z\b| ?[+-]\d\d:?\d\d)?", "<time>"),
        (r"\d{4}-\d\d-\d\d", "<date>"),
        (r"\b\d\d?:\d\d(:\d\d([.,]\d++)?)?( ?[ap]m)?\b", "<time>"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        (r"\b[a-z]:[\\/][^\s:;,\"')]++", "<path>"),
        (r"(?<![\w<>/.-])(?:[\w.-]++/)+[\w-]++\.[a-z]\w*+", "<path>"),
        (r"(?<![\w<>])\.{0,2}/[^\s:;,\"')]++", "<path>"),
        (r"\b0x[0-9a-f]++\b", "<address>"),
        (
            r"(?<![\w.>-])(?<!\d,)[-+]?\d++(?:[.,]\d++)*+(?:e[-+]?\d++)?+(?![\w-])",
            "<n>",
        ),
        (r"\b[0-9a-f]{12,}+\b", "<n>"),
        (r"\d++(?:[.,]\d++)*+", "<n>"),
        (r"\s++", " "),
    )
)
_PRINT_CHARS: Final = 200
_CODE_CHARS: Final = 100
_NORMAL_CHARS: Final = 4_000
_SEARCHED_CHARS: Final = 8_000
_ROUNDS: Final = 20


def classify(code: str, message: str) -> str:
    """
    Return the class of a failure by its code, then by its words; ``execution`` otherwise.

    The words are those of providers and their clients. A program's error about itself, such as
    ``KeyError: 'max_tokens'``, is about itself. Of a long message the beginning and the end speak.
    """
    word, message = code[:_CODE_CHARS].lower(), _ends_of(message)
    if word in CLASSES:
        return word
    if word in ("timed_out", "deadline"):
        return "timeout"
    if _OWN_FAULT.search(code[:_CODE_CHARS]) or _OWN_FAULT.search(message):
        return "execution"
    for text in (word.replace("_", " "), message):
        for name, pattern in _MEANINGS:
            if pattern.search(text):
                return name
    return "execution"


def retry_after_s(message: str, *, now_s: float) -> float | None:
    """
    Return for how many seconds a provider's message asks to wait, or None if it does not say.

    Args:
        message: For example ``Retry-After: 30``, ``Please try again in 1m3.2s``, or
            ``usage limit reached|1755806400``, whose figure is a Unix time.
        now_s: The time of the failure, in Unix seconds, for the last of these forms.
    """
    found = _RETRY_AFTER.search(_ends_of(message))
    if found is None:
        return None
    if found["epoch"]:
        wait_s = int(found["epoch"]) - now_s
    elif found["plain"]:
        wait_s = float(found["plain"]) * (0.001 if found["plain_unit"] else 1.0)
    else:
        spans = _SPAN.findall(found["spans"])
        wait_s = sum(float(figure) * _SECONDS[unit.lower()] for figure, unit in spans)
    return min(max(wait_s, 0.0), _LONGEST_WAIT_S)


def normalise(text: str) -> str:
    """
    Return *text* in lower case without what differs from one failure to the next of its kind.

    URLs, times, dates, ids, paths, addresses and numbers become words in angle brackets; a
    normal form stays as it is. Only the first 4,000 characters are read.
    """
    normal = text[:_NORMAL_CHARS].lower()
    for _round in range(_ROUNDS):
        before = normal
        for pattern, word in _REPEATED:
            normal = pattern.sub(word, normal)
        normal = normal.strip()
        if normal == before:
            break
    return normal


def _ends_of(text: str) -> str:
    """Return a text's beginning and its end, where the rest may be of any length."""
    if len(text) <= 2 * _SEARCHED_CHARS:
        return text
    return f"{text[:_SEARCHED_CHARS]}\n{text[-_SEARCHED_CHARS:]}"


def fingerprint(code: str, message: str) -> str:
    """Return what failures that differ only in times, paths, ids and numbers have in common."""
    return f"{code[:_CODE_CHARS]}|{normalise(message)[:_PRINT_CHARS]}"


def zero_yield_reason(
    ending: str,
    failure_class: str | None = None,
    code: str | None = None,
    *,
    is_misread: bool = False,
) -> str:
    """
    Return why an attempt without any recorded call has none.

    Args:
        ending: ``completed``, ``failed``, ``timed_out`` or ``gated``.
        failure_class, code: Of a failure.
        is_misread: Whether it told of calls in a way that could not be read.
    """
    if is_misread:
        return "usage_unreadable"
    if code == BAD_OUTCOME:
        return BAD_OUTCOME
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
