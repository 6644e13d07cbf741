"""The hash chain's documented byte form."""

import hashlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.format import chain
from autopack.format.chain import link, link_row, seed

ORIGIN = "00112233-4455-6677-8899-aabbccddeeff"
SEED_VECTOR = "ca7ac769f6f2f97e53a4428982ef00759ec564cfea63605e50ef2009f4bd4c31"
LINK_VECTOR = "99de0803aea260a22109a7cfca47e07e0737fe299b59c9d67cf0bef86f55f1ac"
SECOND_VECTOR = "d8ff23cbdb08f391299fa54c5b3a05d7aaea06271825890da21d37383172f3b0"
ROW = {
    "position": 1,
    "event_id": bytes(range(16)),
    "stream": b"run-r1",
    "version": 1,
    "type": b"run.created",
    "schema": 1,
    "occurred_at": 1_700_000_000_000_000,
    "recorded_at": 1_700_000_000_000_001,
    "meta": b"",
    "data": '{"run_id":"r1","goal":"Zürich"}'.encode(),
}


def _by_hand(before, row):
    """Write the bytes down one after the other, as the module's docstring has them."""
    text = before
    text += row["position"].to_bytes(8, "big")
    text += row["version"].to_bytes(8, "big")
    text += row["schema"].to_bytes(4, "big")
    text += row["occurred_at"].to_bytes(8, "big", signed=True)
    text += row["recorded_at"].to_bytes(8, "big", signed=True)
    for name in ("stream", "type", "meta", "data"):
        text += len(row[name]).to_bytes(4, "big")
    text += row["event_id"]
    for name in ("stream", "type", "meta", "data"):
        text += row[name]
    return hashlib.sha256(text).digest()


def test_the_seed_is_as_documented():
    """The hash before position 1 comes from the format's name, its version and the origin."""
    by_hand = hashlib.sha256(b"autopack-chain\x01" + UUID(ORIGIN).bytes).digest()

    assert by_hand == seed(ORIGIN)
    assert SEED_VECTOR == seed(ORIGIN).hex()
    assert chain.VERSION == 1


def test_a_link_is_as_documented():
    """A row's hash covers the one before it and the row's bytes in the documented order."""
    assert _by_hand(seed(ORIGIN), ROW) == link(seed(ORIGIN), **ROW)
    assert LINK_VECTOR == link(seed(ORIGIN), **ROW).hex()


def test_a_second_link_follows_from_the_first():
    """The chain goes on from the hash before; times before 1970 have a form too."""
    first = link(seed(ORIGIN), **ROW)
    second = {**ROW, "position": 2, "version": 2, "occurred_at": -1, "meta": b'{"actor": "ann"}'}

    assert _by_hand(first, second) == link(first, **second)
    assert SECOND_VECTOR == link(first, **second).hex()


@pytest.mark.parametrize("name", sorted(ROW))
def test_every_field_counts(name):
    """Changing any one field changes the hash."""
    value = ROW[name]
    if name == "event_id":
        other = bytes(reversed(value))
    else:
        other = value + 1 if isinstance(value, int) else value + b" "

    assert link(seed(ORIGIN), **ROW) != link(seed(ORIGIN), **{**ROW, name: other})


def test_the_hash_before_counts():
    """The same row after another history has another hash."""
    assert link(bytes(32), **ROW) != link(seed(ORIGIN), **ROW)


def test_text_cannot_move_from_one_field_to_the_next():
    """Lengths stand before the texts, so a shifted border gives other bytes."""
    shifted = {**ROW, "stream": b"run-r", "type": b"1run.created"}

    assert link(seed(ORIGIN), **ROW) != link(seed(ORIGIN), **shifted)


@given(
    st.lists(st.text(max_size=8), min_size=4, max_size=4),
    st.lists(st.integers(0, 2**63 - 1), min_size=2, max_size=2),
    st.integers(1, 2**31 - 1),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=2),
    st.binary(min_size=16, max_size=16),
)
def test_a_row_of_texts_has_the_hash_of_its_bytes(parts, places, schema, moments, event_id):
    """The way that is taken for rows in memory gives what the documented bytes give."""
    (stream, type_, meta, data), (position, version) = parts, places
    row = (position, event_id, stream, version, type_, schema, *moments, meta, data)
    by_name = dict(zip(ROW, row, strict=True))
    as_bytes = {k: v.encode() if isinstance(v, str) else v for k, v in by_name.items()}

    assert link(seed(ORIGIN), **as_bytes) == link_row(seed(ORIGIN), *row)
