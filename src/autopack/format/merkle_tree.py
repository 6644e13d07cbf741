"""A Merkle tree, which lets one leaf be proved to somebody who has none of the others."""

import hashlib
from collections.abc import Iterable, Sequence

_SHA256 = hashlib.sha256


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash that stands for a leaf; no inner node can have it."""
    return _SHA256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two others."""
    return _SHA256(b"\x01" + left + right).digest()


class MerkleTree:
    """
    The tree of RFC 9162, section 2.1, over leaves in their order, with SHA-256.

    A last node that has no neighbour is taken up as it is. It takes some 130 bytes a leaf.
    """

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = [leaf_hash(leaf) for leaf in leaves]
        self._levels = [level]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            above = [node_hash(left, right) for left, right in pairs]
            level = above + level[-1:] if len(level) % 2 else above
            self._levels.append(level)

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """What stands for all leaves and their order; 32 bytes."""
        return self._levels[-1][0] if self.size else _SHA256().digest()

    def proof(self, index: int) -> tuple[bytes, ...]:
        """Return the hashes that, with the leaf at *index* from 0, give the root."""
        path = []
        for level in self._levels[:-1]:
            if index ^ 1 < len(level):
                path.append(level[index ^ 1])
            index >>= 1
        return tuple(path)


def root_by(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Return the root of a tree of *size* leaves by one of them; None if the proof has no such."""
    if not 0 <= index < size:
        return None
    found, rest = leaf_hash(leaf), list(proof)
    while size > 1:
        if index ^ 1 < size:
            if not rest:
                return None
            other = rest.pop(0)
            found = node_hash(other, found) if index % 2 else node_hash(found, other)
        index, size = index >> 1, (size + 1) >> 1
    return None if rest else found
