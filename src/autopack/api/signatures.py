"""Vouching for a log as it stands: a signed head, by which strangers can audit what came before."""

from pathlib import Path
from typing import Any

from autopack.errors import InvalidInputError, LogDamagedError
from autopack.events import HeadSigned
from autopack.events.head import HEADS_STREAM
from autopack.format.signed_heads import HeadClaim
from autopack.log.head_signatures import private_key, trees_of
from autopack.log.log import Log, journal_of
from autopack.log.verification import one_moment, verify
from autopack.ports.log import ANY, Recorded


def sign_head(log: Log, key: str | Path, *, by: str = "user") -> Recorded[Any]:
    """
    Sign the log as it stands, and record it as ``head.signed``.

    The log is verified first. What is signed is its head's position and hash, with the roots of two
    trees by which single events and the ends of streams can be proved to whoever has not the log:
    :func:`write_bundle`. ``Log.verify(signed_by=...)`` checks it.

    Args:
        key: A file with a private key of Ed25519 in PEM, as ``openssl genpkey -algorithm ed25519``
            makes it, without a password.
        by: Who signs.

    Raises:
        InvalidInputError: It is no such key, the log has no events, or ``autopack[sign]`` is not
            installed.
        LogDamagedError: The log is not as it was written; nothing was signed.
    """
    secret, journal = private_key(Path(key)), journal_of(log)
    with one_moment(journal.backend):
        found = verify(journal.backend)
        if found.faults:
            raise LogDamagedError(journal.target, f"it cannot be signed: {found.faults[0].what}")
        if not found.events:
            raise InvalidInputError(
                "The log has no events: there is nothing to sign.", name="log", value=journal.target
            )
        trees = trees_of(journal, found.head)
    claim = HeadClaim(
        origin_id=journal.backend.identity.origin_id,
        position=found.head,
        hash=bytes.fromhex(found.head_hash),
        events_root=trees.events.root,
        streams=trees.streams.size,
        streams_root=trees.streams.root,
    )
    event = HeadSigned(
        position=claim.position,
        hash=claim.hash.hex(),
        events_root=claim.events_root.hex(),
        streams=claim.streams,
        streams_root=claim.streams_root.hex(),
        public_key=secret.public_key().public_bytes_raw().hex(),
        signature=secret.sign(claim.message()).hex(),
        by=by,
    )
    return log.append(HEADS_STREAM, [event], expected_version=ANY)[0]
