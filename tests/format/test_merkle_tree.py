"""The tree of RFC 9162: roots as the standard defines them, and proofs that hold for one leaf."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.format.merkle_tree import MerkleTree, root_by


def root_as_defined(leaves):
    """Return the hash of section 2.1.1, by its own recursion."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while 2 * half < len(leaves):
        half *= 2
    parts = root_as_defined(leaves[:half]) + root_as_defined(leaves[half:])
    return hashlib.sha256(b"\x01" + parts).digest()


def leaves(n):
    return [bytes([i]) * (i % 5) for i in range(n)]


@pytest.mark.parametrize("n", range(70))
def test_the_root_is_that_of_the_standard(n):
    """For every number of leaves: full trees and those whose last nodes stand alone."""
    assert root_as_defined(leaves(n)) == MerkleTree(leaves(n)).root


def test_the_vectors_of_certificate_transparency():
    """The leaves and roots that its reference implementation is tested by."""
    given = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    roots = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    }
    found = {n: MerkleTree(bytes.fromhex(one) for one in given[:n]).root.hex() for n in roots}

    assert roots == found


@given(n=st.integers(1, 40), data=st.data())
def test_a_proof_holds_for_its_leaf_alone(n, data):
    """Another leaf, index or size, and a proof with a hash more or less, give no such root."""
    tree, at = MerkleTree(leaves(n)), data.draw(st.integers(0, n - 1))
    leaf, proof = leaves(n)[at], tree.proof(at)
    others = [
        root_by(leaf + b"x", at, n, proof),
        root_by(leaf, n, n, proof),
        root_by(leaf, -1, n, proof),
        root_by(leaf, at, n, (*proof, tree.root)),
        root_by(leaf, at, n, proof[1:]) if proof else None,
    ]

    assert tree.root == root_by(leaf, at, n, proof)
    assert tree.root not in others


@given(n=st.integers(2, 40), data=st.data())
def test_a_proof_is_of_one_place(n, data):
    """No leaf is proved to stand where another one does."""
    tree, at = MerkleTree(leaves(n)), data.draw(st.integers(0, n - 1))
    elsewhere = data.draw(st.integers(0, n - 1).filter(lambda i: i != at))

    assert tree.root != root_by(leaves(n)[at], elsewhere, n, tree.proof(at))
