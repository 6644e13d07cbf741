r"""
What a signature of a head covers, byte by byte.

Version 1. Integers are big-endian. The signature is that of Ed25519 over, in this order:
``b"autopack-head\x01"``; the 16 bytes of the UUID ``origin_id``; the head's position (u64) and its
hash (32 bytes); the root of the tree of events (32); how many streams there are (u64); the root of
the tree of streams (32).

Both trees are those of RFC 9162. Leaves of the first are the hashes of all rows, in order of
position. Leaves of the second are the last versions of all streams: the version (u64), then the
stream's name in UTF-8, in order of the bytes of the names.
"""

import struct
from collections.abc import Mapping, Sequence
from uuid import UUID

import attrs

from autopack.format.merkle_tree import MerkleTree

VERSION = 1
_MAGIC = b"autopack-head" + bytes([VERSION])


@attrs.frozen
class HeadTrees:
    """
    What a log holds up to a head.

    Args:
        hashes: Those of all rows, in order.
        ends: The name of each stream and its last version, in order of the bytes of the names.
    """

    hashes: Sequence[bytes]
    ends: Sequence[tuple[bytes, int]]
    events: MerkleTree
    streams: MerkleTree

    @classmethod
    def of(cls, hashes: Sequence[bytes], versions: Mapping[str, int]) -> "HeadTrees":
        """Return them of rows' hashes in order, and of the last version of each stream."""
        ends = sorted((name.encode(), version) for name, version in versions.items())
        leaves = (stream_leaf(name, version) for name, version in ends)
        return cls(hashes, ends, MerkleTree(hashes), MerkleTree(leaves))


@attrs.frozen(kw_only=True)
class HeadClaim:
    """What is said of a log by who signs its head."""

    origin_id: str
    position: int
    hash: bytes
    events_root: bytes
    streams: int
    streams_root: bytes

    def message(self) -> bytes:
        """Return the bytes that are signed."""
        return b"".join(
            (
                _MAGIC, UUID(self.origin_id).bytes,
                struct.pack(">Q", self.position), self.hash, self.events_root,
                struct.pack(">Q", self.streams), self.streams_root,
            )
        )  # fmt: skip


def stream_leaf(name: bytes, version: int) -> bytes:
    """Return what the tree of streams has as the leaf of one."""
    return struct.pack(">Q", version) + name
