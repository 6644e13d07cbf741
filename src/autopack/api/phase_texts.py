"""The texts of a phase: what they are called, where they are stored, and what they say."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from autopack.api.views import history
from autopack.errors import InvalidInputError
from autopack.log.artifacts import DIGEST_LEAST
from autopack.log.drafts import digest_in, unpacked
from autopack.log.log import Log, journal_of
from autopack.ports.log import UnrecognisedEvent
from autopack.values.ids import PhaseName, PhaseRef, phase_ref

_MAPS: Final = (("input", "inputs"), ("output", "outputs"), ("artifact", "artifacts"))


@attrs.frozen(kw_only=True)
class PhaseText:
    """
    A text beside the log that an event of a phase names.

    Args:
        kind: ``input`` (queued with the phase), ``output`` (what it gave), ``artifact`` (what was
            attached), or ``field`` (the whole of a text that was too long for its event).
        attempt: Which attempt it is of; None for what was queued.
        digest: What ``log.artifacts.get()`` takes.
        size_bytes: Its length in UTF-8; None where it cannot be read any more.
    """

    name: str
    kind: str
    attempt: int | None
    digest: str
    size_bytes: int | None


def list_texts(log: Log, phase: PhaseName) -> list[PhaseText]:
    """Return the texts that a phase's events name, in the order in which they were recorded."""
    named: dict[PhaseText, PhaseText] = {}
    sizes: dict[str, int | None] = {}
    for recorded in history(log, phase_ref(phase)):
        for kind, name, digest in _named(recorded.event):
            if digest not in sizes:
                sizes[digest] = _size(log, digest)
            text = PhaseText(
                name=name,
                kind=kind,
                attempt=getattr(recorded.event, "attempt", None),
                digest=digest,
                size_bytes=sizes[digest],
            )
            judged = attrs.evolve(text, kind="output" if kind == "artifact" else kind)
            named[judged] = text  # what is printed is judged as an output, and then attached
    return list(named.values())


def read_text(log: Log, phase: PhaseName, name: str, *, attempt: int | None = None) -> str:
    """
    Return one text of a phase.

    Args:
        name: What it is called, or its digest, or the first six characters of it or more.
        attempt: Which attempt it is of; None takes the last one that has it.

    Raises:
        InvalidInputError: The phase has no such text, or several; the message names them.
        ArtifactMissingError: It is not stored any more.
    """
    ref = phase_ref(phase)
    return log.artifacts.get(_chosen(list_texts(log, ref), ref, name, attempt).digest)


def _chosen(texts: list[PhaseText], ref: PhaseRef, name: str, attempt: int | None) -> PhaseText:
    found = [text for text in texts if text.name == name]
    if not found and len(name) >= DIGEST_LEAST:
        found = [text for text in texts if text.digest.startswith(name)]
    if attempt is not None:
        found = [text for text in found if text.attempt == attempt]
    if not found:
        which = "" if attempt is None else f" of attempt {attempt}"
        raise InvalidInputError(
            f"Phase {ref} has no text {name!r}{which}. {_told(texts)}", name="name", value=name
        )
    last = max(text.attempt or 0 for text in found)
    found = [text for text in found if (text.attempt or 0) == last]
    if len({text.digest for text in found}) > 1:
        raise InvalidInputError(
            f"Phase {ref} has several texts {name!r}: {_list(found)}. Give the digest of one.",
            name="name",
            value=name,
        )
    return found[0]


def _told(texts: list[PhaseText]) -> str:
    if not texts:
        return "It has none: its outputs and what was attached are named when an attempt ends."
    return f"It has: {_list(texts)}."


def _list(texts: Iterable[PhaseText]) -> str:
    return ", ".join(f"{text.name} ({_place(text)})" for text in texts)


def _place(text: PhaseText) -> str:
    attempt = "" if text.attempt is None else f", attempt {text.attempt}"
    return f"{text.kind}{attempt}, {text.digest[:12]}"


def _named(event: Any) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and digest of each text that an event names."""
    for kind, field in _MAPS:
        held = getattr(event, field, None)
        if isinstance(held, Mapping):
            yield from ((kind, name, digest) for name, digest in held.items())
    for name in () if isinstance(event, UnrecognisedEvent) else _field_names(type(event)):
        value = getattr(event, name)
        if isinstance(value, str) and (digest := digest_in(value)):
            yield "field", name, digest


def _field_names(cls: type) -> list[str]:
    return [field.name for field in attrs.fields(cls)]


def _size(log: Log, digest: str) -> int | None:
    content = journal_of(log).backend.artifact(digest)
    text = None if content is None else unpacked(digest, content)
    return None if text is None else len(text.encode())
