"""Names of runs, phases and streams, and the two kinds of event id.

Nothing here reads a clock or draws a random number: both come in as arguments.
"""

import hashlib
import re
import reprlib
from typing import NewType, TypeAlias

import attrs

from autopack.errors import InvalidNameError

RunId = NewType("RunId", str)
PhaseId = NewType("PhaseId", str)
EventId = NewType("EventId", bytes)

_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\ud800-\udfff"
    # What turns or hides what stands beside it: two names would look alike.
    r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def check_name(kind: str, name: object, *, forbidden: str = "", longest: int = 200) -> str:
    """
    Return *name* if it may name a *kind* of thing.

    Raises:
        InvalidNameError: It is not a string of 1 to *longest* printable characters, starts or ends
            with a space, or holds a character of *forbidden*.
    """
    if not isinstance(name, str):
        raise InvalidNameError(kind, name, "it is not a string")
    if not name or name != name.strip():
        raise InvalidNameError(kind, name, "it is empty, or starts or ends with a space")
    if len(name) > longest:
        raise InvalidNameError(kind, name, f"it is longer than {longest} characters")
    if _UNPRINTABLE.search(name):
        raise InvalidNameError(kind, name, "it holds a character that cannot be shown or stored")
    for char in forbidden:
        if char in name:
            raise InvalidNameError(kind, name, f"it holds {char!r}")
    return name


def run_id(name: str) -> RunId:
    """Return *name* as a run id; a slash is refused, since phase streams are split at it."""
    return RunId(check_name("run id", name, forbidden="/"))


def phase_id(name: str) -> PhaseId:
    """Return *name* as a phase id, unique within its run only."""
    return PhaseId(check_name("phase id", name))


@attrs.frozen(order=True)
class PhaseRef:
    """One phase: a phase id is unique only within its run."""

    run_id: RunId = attrs.field(converter=run_id)
    phase_id: PhaseId = attrs.field(converter=phase_id)

    def __str__(self) -> str:
        return f"{self.run_id}/{self.phase_id}"

    @classmethod
    def parse(cls, text: str) -> "PhaseRef":
        """
        Return the phase that ``RUN/PHASE`` names.

        Raises:
            InvalidNameError: No run is named, or a name cannot be one.
        """
        run, slash, phase = text.partition("/")
        if not slash:
            why = "it names no run, and an id is unique only within its run"
            raise InvalidNameError("phase", text, why, to_do=f"Give RUN/PHASE, such as RUN/{text}.")
        return cls(RunId(run), PhaseId(phase))


PhaseName: TypeAlias = PhaseRef | tuple[str, str] | str
"""What names a phase wherever one is asked for: a ref, ``(run, phase)`` or ``"run/phase"``."""


def phase_ref(name: PhaseName) -> PhaseRef:
    """
    Return the phase that a :class:`PhaseRef`, ``(run, phase)`` or ``"run/phase"`` names.

    Raises:
        InvalidNameError: It is none of them, or a name in it cannot be one.
    """
    match name:
        case PhaseRef():
            return name
        case str():
            return PhaseRef.parse(name)
        case (run, phase):
            return PhaseRef(run, phase)
    raise InvalidNameError(
        "phase's name",
        reprlib.repr(name),
        f"it is of type {type(name).__name__}",
        to_do="Give its .ref, (RUN, PHASE) or 'RUN/PHASE'.",
    )


def run_stream(run: str) -> str:
    """Return the name of a run's stream."""
    return f"run-{run}"


def phase_stream(run: str, phase: str) -> str:
    """Return the name of a phase's stream."""
    return f"phase-{run}/{phase}"


def drain_stream(drain: str) -> str:
    """Return the name of a drain's stream."""
    return f"drain-{drain}"


def estimator_stream(estimator: str) -> str:
    """Return the name of an estimator's stream, where its coefficients are kept."""
    return f"estimator-{estimator}"


def cap_stream(scope: str) -> str:
    """Return the name of the stream of a cap."""
    return f"cap-{scope}"


def account_stream(account: str) -> str:
    """Return the name of an account's stream, where its limits and lanes are kept."""
    return f"account-{account}"


def subscription_stream(name: str) -> str:
    """Return the name of a subscription's stream, where what it leaves out is kept."""
    return f"subscription-{name}"


def uuid7(unix_ms: int, entropy: bytes) -> EventId:
    """
    Return a UUIDv7 of 16 bytes.

    Args:
        unix_ms: Milliseconds since 1970, 48 bits.
        entropy: At least 10 random bytes.

    Source: RFC 9562, section 5.7.
    """
    return _stamped(unix_ms, entropy, version=7)


def uuid7_series(unix_ms: int, entropy: bytes, n: int) -> list[bytes]:
    """
    Return *n* UUIDv7 of one millisecond, in order: the first is drawn, each next one is one more.

    Args:
        unix_ms: Milliseconds since 1970, 48 bits.
        entropy: At least 10 random bytes.
        n: How many.

    Source: RFC 9562, section 6.2, method 2, with a step of one.
    """
    first = int.from_bytes(uuid7(unix_ms, entropy), "big")
    first &= ~(
        1 << 61
    )  # the highest bit of the last part stays free, so that counting never runs over
    return [one.to_bytes(16, "big") for one in range(first, first + n)]


def derived_id(source_kind: str, native_key: str, fact: str, unix_ms: int = 0) -> EventId:
    """
    Return the id of a fact that has a key of its own at its source: a UUIDv8 of 16 bytes.

    The same fact has the same id wherever it is read from, so importing or recording it twice
    adds nothing.

    Args:
        source_kind: The kind of source (``"autopack-legacy"``, ``"usage"``), never a path.
        native_key: The key at the source (a row id, a provider's call id).
        fact: Which fact of that row or call, usually the event's type.
        unix_ms: When it happened, in ms since 1970; 0 if the key alone must decide, and for
            what happened before.

    Source: RFC 9562, section 5.8.
    """
    key = "\x00".join((source_kind, native_key, fact)).encode("utf-8", "backslashreplace")
    return _stamped(unix_ms, hashlib.sha256(key).digest(), version=8)


def _stamped(unix_ms: int, tail: bytes, *, version: int) -> EventId:
    marks = bytes((tail[0] & 0x0F | version << 4, tail[1], tail[2] & 0x3F | 0x80))
    return EventId(max(unix_ms, 0).to_bytes(6, "big") + marks + tail[3:10])
