"""
What kind of failure it was, and why a phase used no tokens.

Evidence comes before words: what the executor says, then what a provider or its client told as
facts, then the name of an exception, and last a sentence, where a provider may be the one who says
it. A phase's own words, of which its code is one, are about the phase.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.attempts.error_sentences import by_sentence, facts_in
from autopack.draining.attempts.error_words import BY_EXCEPTION, OWN_FAULTS, by_status, by_word
from autopack.ports.work import CLASSES, Classed, Failed
from autopack.report.failure_words import ends_of

WAITING: Final = frozenset({"rate_limited", "usage_limit", "overloaded", "connection"})
"""Classes of what passes by itself: the phase is not to blame, and its attempt is not spent."""

RETRYABLE: Final = WAITING | {"timeout", "check_failed"}
"""Classes of failures where another attempt may help without any change."""

HOPELESS: Final = frozenset({"auth", "quota"})
"""Classes that every other phase would meet too, until a person does something."""

BAD_OUTCOME: Final = "bad_outcome"
"""The code of a failure whose attempt said of its own end what is of no use."""

_VAGUE: Final = frozenset(
    {
        "api_error", "err", "error", "exception", "failed", "failure", "llm_error",
        "provider_error", "request_failed", "session_error", "turn_failed", "unknown",
    }
)  # fmt: skip
"""Codes that say no more than that it failed: whose words the message has is not known."""

_CLIENTS: Final = frozenset({"session_error", "turn_failed"})
"""Codes of presets, whose message is nothing but what the client says of its provider."""

_OWN_FAULT: Final = re.compile(rf"(?:^|[^\w.])(?:{'|'.join(sorted(OWN_FAULTS))})(?::|$)")
_EXIT: Final = re.compile(r"exit_\d+|signal_\w+")
_HTTP: Final = re.compile(r"(?:http|status|error|e)?[_\s-]?([45]\d\d)", re.IGNORECASE)
_CODE_CHARS: Final = 100
_READ_CHARS: Final = 4_000
_SHOWN_CHARS: Final = 120


def class_of(failure: Failed, *, answered: bool = False) -> Classed:
    """
    Return the class of a failure; ``execution`` where nothing says more.

    Args:
        answered: Whether calls of the attempt are recorded as answered. Words alone then never
            say that nobody can be answered: that is a fact or it is not so.
    """
    if failure.failure_class is not None:
        return Classed(failure.failure_class, "the executor")
    found = _by_facts(failure) or _by_code(failure.code) or _by_words(failure)
    if found is None:
        return Classed("execution", "nothing that says more")
    if answered and found.from_words and found.kind in HOPELESS:
        said = f"{found.basis}, but calls of the attempt were answered"
        return Classed("execution", said, from_words=True)
    return found


def _by_facts(failure: Failed) -> Classed | None:
    facts = failure.source_fields
    status, told = facts.get("http_status"), facts.get("error")
    said = str(facts.get("said") or "")[:_READ_CHARS]
    kind = by_word(told)
    if kind in (None, "overloaded", "invalid_request", "rate_limited") and said:
        # "invalid_request_error" and 400 are also told of an empty account and a long prompt.
        closer = by_sentence(said, anywhere=True)
        if closer is not None and closer[0] in _CLOSER.get(kind or by_status(status) or "", ()):
            words = repr(closer[1][:_SHOWN_CHARS])
            return Classed(closer[0], f"{_told(facts) or 'said'}: {words}")
    kind = kind or by_word(facts.get("terminal_reason"))
    if kind in ("overloaded", "invalid_request") and by_status(status) in _BEYOND:
        kind = by_status(status)
    kind = kind or by_status(status) or BY_EXCEPTION.get(str(facts.get("exception")))
    if kind is not None:
        return Classed(kind, _told(facts))
    if said and (closer := by_sentence(said, anywhere=True)):
        return Classed(closer[0], f"said: {closer[1][:_SHOWN_CHARS]!r}", from_words=True)
    return None


_CLOSER: Final = {
    "": frozenset(CLASSES),
    "overloaded": frozenset({"timeout", "connection"}),
    "invalid_request": frozenset({"quota", "boundary", "refused", "auth", "truncated"}),
    "rate_limited": frozenset({"usage_limit", "quota"}),
    "auth": frozenset({"quota"}),
}
"""What a sentence may make of a word or a status that is told of several things."""

_BEYOND: Final = frozenset({"auth", "quota", "rate_limited", "boundary", "timeout"})
"""Classes of a status that says more than ``api_error`` or ``invalid_request_error``."""


def _told(facts: Mapping[str, Any]) -> str:
    names = ("error", "http_status", "terminal_reason", "exception")
    return ", ".join(f"{name} {facts[name]}" for name in names if facts.get(name) is not None)


def _by_code(code: str) -> Classed | None:
    word = code[:_CODE_CHARS].strip()
    if word.lower() in CLASSES and word.lower() != "unknown":
        return Classed(word.lower(), f"code {word}")
    if word.lower() in ("timed_out", "deadline"):
        return Classed("timeout", f"code {word}")
    if word in OWN_FAULTS:
        return Classed("execution", f"exception {word}")
    if kind := BY_EXCEPTION.get(word):
        return Classed(kind, f"exception {word}")
    if word.lower() not in _VAGUE and (kind := by_word(word)):
        return Classed(kind, f"code {word}")
    if (status := _HTTP.fullmatch(word)) and (kind := by_status(int(status[1]))):
        return Classed(kind, f"code {word}")
    return None


def _by_words(failure: Failed) -> Classed | None:
    """Take a sentence for a provider's where the code does not say that the phase speaks."""
    code = failure.code[:_CODE_CHARS]
    if code.lower() == "unknown":
        return Classed("unknown", "code unknown")
    is_program = _EXIT.fullmatch(code) is not None
    is_raised = code.endswith(("Error", "Exception")) or "exception" in failure.source_fields
    if not (is_program or is_raised or code.lower() in _VAGUE):
        return Classed("execution", f"code {code} is the executor's own")
    text = ends_of(
        failure.excerpt or failure.message if is_program else failure.message, _READ_CHARS
    )
    is_clients = code in _CLIENTS
    facts, closer = facts_in(text, anywhere=is_clients), by_sentence(text, anywhere=is_clients)
    if _OWN_FAULT.search(text) and not (closer and closer[0] == "connection"):
        return None
    kind = by_word(facts.get("error")) or by_status(facts.get("http_status"))
    if kind is not None and (closer is None or closer[0] not in _CLOSER.get(kind, ())):
        return Classed(kind, f"said: {_told(facts)}", from_words=True)
    if closer is not None:
        return Classed(closer[0], f"said: {closer[1][:_SHOWN_CHARS]!r}", from_words=True)
    return None


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
    if ending == "completed" or failure_class == "check_failed":  # its executor was done
        return "success_no_llm_calls"
    if ending == "timed_out" or failure_class == "timeout":
        return "timeout"
    if ending == "gated":
        return "gated_before_llm"
    if failure_class == "boundary":
        return "llm_boundary_hit"
    if failure_class in WAITING or failure_class == "refused":
        return "provider_refused"
    if failure_class in HOPELESS or failure_class in ("validation", "invalid_request"):
        return "failed_before_llm"
    return "execution_error"
