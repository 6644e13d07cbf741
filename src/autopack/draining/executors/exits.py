"""What an exit code or a signal says of a program's end."""

import signal
from typing import Final

from autopack.ports.work import Failed
from autopack.report.failure_words import end_of

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


def exit_failure(program: str, returncode: int, last_words: str) -> Failed:
    """
    Return the failure that a return code other than 0 stands for.

    Args:
        returncode: As subprocess gives it: negative for a signal.
        last_words: The end of what the program printed for people.
    """
    number = -returncode if returncode < 0 else returncode - _KILLED_BY_SHELL
    name = _signal_name(number)
    words = end_of(last_words, _EXCERPT_CHARS)
    said = f"its last words: {words}" if words else "it printed no reason"
    if returncode < 0 or name is not None:
        more = " (out of memory?)" if name == "SIGKILL" else ""
        message = f"{program} was ended by {name or f'signal {number}'}{more}; {said}"
        return Failed(
            f"signal_{name or number}",
            message,
            failure_class="execution",
            exit_code=returncode,
            excerpt=last_words or None,
        )
    kind, meaning = _CODES.get(returncode, (None, None))
    told = f", which says that {meaning}" if meaning else ""
    message = f"{program} ended with exit code {returncode}{told}; {said}"
    return Failed(
        f"exit_{returncode}",
        message,
        failure_class=kind,
        exit_code=returncode,
        excerpt=last_words or None,
    )


def _signal_name(number: int) -> str | None:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
