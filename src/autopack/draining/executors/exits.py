"""What an exit code or a signal says of a program's end."""

import signal
from collections.abc import Mapping
from typing import Any, Final

from autopack.ports.work import Completed, Failed
from autopack.report.failure_words import end_of, start_of

_EXCERPT_CHARS: Final = 300
_CODES: Final = {
    64: ("invalid_request", "it was called in a wrong way (EX_USAGE)"),
    65: ("validation", "its input is wrong (EX_DATAERR)"),
    69: ("overloaded", "a service is not available (EX_UNAVAILABLE)"),
    75: ("overloaded", "it asks to be tried again later (EX_TEMPFAIL)"),
    77: ("auth", "it lacks a permission (EX_NOPERM)"),
    78: ("invalid_request", "its configuration is wrong (EX_CONFIG)"),
    124: ("timeout", "it ran into a time limit of its own"),
    126: ("invalid_request", "a program could not be executed"),
    127: ("invalid_request", "a program was not found"),
}
"""What shells, timeout(1) and sysexits.h mean by a code; its class, and in words."""

_KILLED_BY_SHELL: Final = 128

_ENDING: Final = frozenset(
    getattr(signal, name)
    for name in (
        "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
        "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGXCPU",
        "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGSYS",
    )
    if hasattr(signal, name)
)  # fmt: skip
"""Signals that end a program which does not heed them: only these can be meant by an exit code."""


def exit_failure(
    program: str,
    returncode: int,
    last_words: str,
    *,
    said: Completed | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Failed:
    """
    Return the failure that a return code other than 0 stands for.

    An end by a signal says nothing of the work, and may be the machine's doing or somebody's:
    another attempt may help. What the drain itself ends is never told so.

    Args:
        returncode: As subprocess gives it: negative for a signal.
        last_words: The end of what the program printed for people.
        said: The result that it gave before all the same.
        facts: What it told of its last trouble.
    """
    number = -returncode if returncode < 0 else returncode - _KILLED_BY_SHELL
    name = _signal_name(number, is_certain=returncode < 0)
    why, excerpt = _why(last_words, said)
    known = {**(facts or {}), **_result_of(said)}
    if returncode < 0 or name is not None:
        more = " (out of memory?)" if name == "SIGKILL" else ""
        message = f"{program} was ended by {name or f'signal {number}'}{more}; {why}"
        return Failed(
            f"signal_{name or number}",
            message,
            retryable=True,
            failure_class="execution",
            exit_code=returncode,
            excerpt=excerpt,
            source_fields=known,
        )
    kind, meaning = _CODES.get(returncode, (None, None))
    told = f", which says that {meaning}" if meaning else ""
    message = f"{program} ended with exit code {returncode}{told}; {why}"
    return Failed(
        f"exit_{returncode}",
        message,
        failure_class=kind,
        exit_code=returncode,
        excerpt=excerpt,
        source_fields=known,
    )


def is_ended(returncode: int) -> bool:
    """Tell whether a program was ended by a signal, or exited well, which a handler may do."""
    if returncode <= 0:
        return True
    return _signal_name(returncode - _KILLED_BY_SHELL, is_certain=False) is not None


def _why(last_words: str, said: Completed | None) -> tuple[str, str | None]:
    """Return why it ended so, in words, and the telling part of what it printed."""
    if said is not None and said.summary:
        return f"before, it said that it was done: {start_of(said.summary, _EXCERPT_CHARS)}", (
            said.summary
        )
    words = end_of(last_words, _EXCERPT_CHARS)
    return f"its last words: {words}" if words else "it printed no reason", last_words or None


def _result_of(said: Completed | None) -> dict[str, Any]:
    return {} if said is None else {"outputs": sorted(said.outputs), "result": said.summary}


def _signal_name(number: int, *, is_certain: bool) -> str | None:
    try:
        found = signal.Signals(number)
    except ValueError:
        return None
    return found.name if is_certain or found in _ENDING else None
