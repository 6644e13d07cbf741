r"""
The hash chain: what each event's hash covers, byte by byte.

Version 1. All integers are big-endian; times are microseconds since 1970 UTC; texts are UTF-8.

- The seed, which stands for the hash before position 1, is
  ``SHA-256(b"autopack-chain\x01" + origin_id)`` with the 16 bytes of the origin's UUID.
- The hash of a row is ``SHA-256`` of, in this order:
  the 32 bytes of the hash before it;
  position (u64), version (u64), schema (u32), occurred_at (i64), recorded_at (i64);
  the byte lengths (u32 each) of stream, type, meta and data;
  the 16 bytes of event_id; then stream, type, meta and data.

All lengths stand before the texts, so no two rows give the same bytes. Nothing that is filled in
later is covered. Test vectors stand in ``tests/format/test_chain.py``.
"""

import hashlib
import struct
from collections.abc import Sequence
from typing import Any
from uuid import UUID

VERSION = 1

_HEAD = struct.Struct(">QQIqqIIII").pack
_SEED = b"autopack-chain" + bytes([VERSION])
_SHA256 = hashlib.sha256


def seed(origin_id: str) -> bytes:
    """Return the hash that stands before position 1; *origin_id* is a UUID's text."""
    return _SHA256(_SEED + UUID(origin_id).bytes).digest()


def link(
    before: bytes,
    *,
    position: int,
    event_id: bytes,
    stream: bytes,
    version: int,
    type: bytes,
    schema: int,
    occurred_at: int,
    recorded_at: int,
    meta: bytes,
    data: bytes,
) -> bytes:
    """Return the hash of a row whose predecessor has the hash *before*; 32 bytes."""
    head = _HEAD(
        position, version, schema, occurred_at, recorded_at,
        len(stream), len(type), len(meta), len(data),
    )  # fmt: skip
    return _SHA256(b"".join((before, head, event_id, stream, type, meta, data))).digest()


def link_row(
    before: bytes,
    position: int,
    event_id: bytes,
    stream: str,
    version: int,
    type: str,
    schema: int,
    occurred_at: int,
    recorded_at: int,
    meta: str,
    data: str,
) -> bytes:
    """Return what :func:`link` does, of the columns of a row in their order, its texts as such."""
    text = f"{stream}{type}{meta}{data}"
    # In ASCII a character is a byte, so that no part needs to be encoded by itself.
    length = len if text.isascii() else _length
    head = _HEAD(
        position, version, schema, occurred_at, recorded_at,
        length(stream), length(type), length(meta), length(data),
    )  # fmt: skip
    return _SHA256(b"".join((before, head, event_id, text.encode()))).digest()


def _length(text: str) -> int:
    return len(text.encode())


def follows(row: Sequence[Any], before: bytes) -> bool:
    """Tell whether a row's hash is the one that it has after a row with the hash *before*."""
    try:
        return bool(row[10] == link_row(before, *row[:10]))
    except (struct.error, UnicodeEncodeError):  # no row was ever written with such values
        return False


class Chain:
    """A chain that is followed row by row, to tell the first row that does not belong."""

    def __init__(self, origin_id: str) -> None:
        self.head, self.position = seed(origin_id), 0
        self._versions: dict[str, int] = {}

    def fault(self, row: Sequence[Any]) -> str | None:
        """Return what is wrong with the next row, as a log stores it; None if it follows."""
        position, stream, version, digest = row[0], row[2], row[3], row[10]
        if position != self.position + 1:
            return f"it stands after position {self.position}"
        if version != self._versions.get(stream, 0) + 1:
            return f"its version {version} does not follow in stream {stream!r}"
        if not follows(row, self.head):
            return "its hash does not fit what it says"
        self.head, self.position = digest, position
        self._versions[stream] = version
        return None
