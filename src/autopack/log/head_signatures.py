"""Signatures of a log's heads: what is signed of it, and which of its own are right."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from autopack.errors import InvalidInputError
from autopack.events import HeadSigned
from autopack.events.head import HEADS_STREAM
from autopack.format.signed_heads import HeadClaim, HeadTrees
from autopack.log.journal import Journal
from autopack.log.verification import Fault


def trees_of(journal: Journal, until: int) -> HeadTrees:
    """Return what a signature stands for: the rows up to a position, and their streams."""
    hashes: list[bytes] = []
    versions: dict[str, int] = {}
    for row in chain.from_iterable(journal.pages(until=until)):
        hashes.append(row[10])
        versions[row[2]] = row[3]
    return HeadTrees.of(hashes, versions)


def claim_of(event: HeadSigned, origin_id: str) -> HeadClaim | None:
    """Return what a signature says of a log; None where its figures are none."""
    try:
        return HeadClaim(
            origin_id=origin_id,
            position=event.position,
            hash=bytes.fromhex(event.hash),
            events_root=bytes.fromhex(event.events_root),
            streams=event.streams,
            streams_root=bytes.fromhex(event.streams_root),
        )
    except ValueError:
        return None


def signed_heads(journal: Journal, key: bytes) -> Iterator[tuple[int, HeadSigned]]:
    """Yield the heads that are signed with a public key, each with the event's own position."""
    for recorded in journal.read(HEADS_STREAM):
        event = recorded.event
        if isinstance(event, HeadSigned) and event.public_key == key.hex():
            yield recorded.position, event


def checked_heads(journal: Journal, key_file: Path) -> tuple[int, list[Fault]]:
    """
    Return up to which position somebody signed, and which signatures are wrong.

    Args:
        key_file: The public key in PEM.

    Raises:
        InvalidInputError: It is none, or the library for it is not installed.
    """
    key = public_key(key_file)
    raw = key.public_bytes_raw()
    last, faults = 0, []
    for position, event in signed_heads(journal, raw):
        if what := _fault(journal, key, event):
            faults.append(Fault(position, what))
        else:
            last = max(last, event.position)
    if not (last or faults):
        faults.append(Fault(None, f"no head is signed with the key {raw.hex()}"))
    return last, faults


def right_heads(journal: Journal, key_file: Path) -> list[HeadSigned]:
    """
    Return the heads that a public key has signed, and whose signatures are right.

    Raises:
        InvalidInputError: The file holds no such key, or the library for it is not installed.
    """
    key = public_key(key_file)
    signed = signed_heads(journal, key.public_bytes_raw())
    return [event for _position, event in signed if _fault(journal, key, event) is None]


def _fault(journal: Journal, key: Any, event: HeadSigned) -> str | None:
    from cryptography.exceptions import InvalidSignature

    rows = journal.backend.page(after=event.position - 1, until=event.position, limit=1)
    if not rows or rows[0][10].hex() != event.hash:
        return f"it signs another event at position {event.position} than the one that is there"
    claim = claim_of(event, journal.backend.identity.origin_id)
    try:
        if claim is not None:
            key.verify(bytes.fromhex(event.signature), claim.message())
            return None
    except (InvalidSignature, ValueError):
        pass
    return "its signature is not that of its key"


def public_key(path: Path) -> Any:
    """Return a public key of Ed25519 from a file in PEM."""
    serialization, ed25519 = _library()
    return _loaded(
        path, serialization.load_pem_public_key, ed25519.Ed25519PublicKey,
        "no public key of Ed25519 in PEM, as from: openssl pkey -in KEY.pem -pubout",
    )  # fmt: skip


def private_key(path: Path) -> Any:
    """Return a private key of Ed25519 from a file in PEM that no password protects."""
    serialization, ed25519 = _library()
    return _loaded(
        path, lambda text: serialization.load_pem_private_key(text, password=None),
        ed25519.Ed25519PrivateKey,
        "no private key of Ed25519 in PEM that no password protects, as from: "
        "openssl genpkey -algorithm ed25519",
    )  # fmt: skip


def _loaded(path: Path, load: Any, kind: Any, must: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        found = load(path.read_bytes())
    except OSError as fault:
        raise InvalidInputError(
            f"The key {path} cannot be read: {fault.strerror}.", name="key", value=str(path)
        ) from fault
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise InvalidInputError(
            f"The file {path} holds {must}.", name="key", value=str(path)
        ) from fault
    if not isinstance(found, kind):
        raise InvalidInputError(f"The file {path} holds {must}.", name="key", value=str(path))
    return found


def _library() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise InvalidInputError(
            "Signatures need the library cryptography: pip install 'autopack[sign]'.",
            name="key",
            value=None,
        ) from None
    return serialization, ed25519
