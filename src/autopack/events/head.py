"""Facts of who vouches for a log as it stood, on the stream ``heads``."""

from autopack.events.schema import Count, Key, event

HEADS_STREAM = "heads"


@event("head.signed")
class HeadSigned:
    """
    Somebody signed the log up to a position, its hash, and the roots of two trees.

    Hashes, the key (32 bytes, Ed25519) and the signature (64 bytes) are hexadecimal; ``streams`` is
    how many streams the log had. :mod:`autopack.format.signed_heads` says what is signed.
    """

    position: Count
    hash: Key
    events_root: Key
    streams: Count
    streams_root: Key
    public_key: Key
    signature: Key
    by: str


HeadEvent = HeadSigned
