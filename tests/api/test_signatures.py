"""A signed head: what was signed is checked against what is there, by the key that is asked for."""

import contextlib
import sqlite3
import sys

import attrs
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from autopack import create_log, open_log, sign_head
from autopack.errors import InvalidInputError, LogDamagedError
from autopack.events import HeadSigned
from autopack.log.log import journal_of
from autopack.log.verification import Fault
from autopack.ports.log import ANY
from signed_logs import PEM, keys, worked


@pytest.fixture
def log(tmp_path):
    """A log with three runs."""
    with worked(tmp_path / "log.db") as log:
        yield log


def test_what_was_signed_is_told(log, tmp_path):
    """The event names the head that it stood on, and the key; events that follow are not signed."""
    secret, public = keys(tmp_path)
    before = log.info()
    signed = sign_head(log, secret, by="ann")
    found = log.verify(signed_by=public)

    assert (before["head"], before["head_hash"]) == (signed.event.position, signed.event.hash)
    assert (signed.stream, signed.event.by) == ("heads", "ann")
    assert (found.is_clean, found.signed_until) == (True, before["head"])
    assert log.verify().signed_until is None


def test_each_signature_is_checked_and_the_last_counts(log, tmp_path):
    """A second one covers the first."""
    secret, public = keys(tmp_path)
    first = sign_head(log, secret)
    second = sign_head(log, secret)

    assert first.position == second.event.position == log.verify(signed_by=public).signed_until


def test_that_nothing_is_signed_by_a_key_is_a_fault(log, tmp_path):
    """What another one has signed says nothing."""
    sign_head(log, keys(tmp_path)[0])
    _, other = keys(tmp_path, "other")
    found = log.verify(signed_by=other)
    (fault,) = found.faults

    assert 0 == found.signed_until
    assert fault.what.startswith("no head is signed with the key ")


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": "00" * 64},
        {"signature": "no hex"},
        {"streams": 7},
        {"events_root": "ab" * 32},
        {"streams_root": "ab" * 32},
        {"events_root": "ab"},
        {"events_root": "zz" * 32},
    ],
)
def test_a_signature_that_is_not_its_keys_is_a_fault(log, tmp_path, changed):
    """Every figure that is signed counts."""
    secret, public = keys(tmp_path)
    made = sign_head(log, secret).event
    (told,) = log.append("heads", [attrs.evolve(made, **changed)], expected_version=ANY)
    found = log.verify(signed_by=public)

    assert (Fault(told.position, "its signature is not that of its key"),) == found.faults
    assert made.position == found.signed_until


@pytest.mark.parametrize(("position", "digest"), [(3, None), (10**6, None), (None, "00" * 32)])
def test_a_head_that_is_not_the_logs_is_a_fault(log, tmp_path, position, digest):
    """Its position and its hash must be those of the event that is there."""
    secret, public = keys(tmp_path)
    made = sign_head(log, secret).event
    changed = attrs.evolve(made, position=position or made.position, hash=digest or made.hash)
    (told,) = log.append("heads", [changed], expected_version=ANY)
    (fault,) = log.verify(signed_by=public).faults

    assert told.position == fault.position
    assert fault.what.startswith("it signs another event at position ")


def test_a_history_that_was_rewritten_whole_is_found(tmp_path):
    """Its chain holds in itself, and its origin is the same; the signature is of another head."""
    secret, public = keys(tmp_path)
    with worked(tmp_path / "true.db") as true:
        made = sign_head(true, secret).event
        origin = journal_of(true).backend.identity.origin_id
    with create_log(tmp_path / "false.db") as false:
        with journal_of(false).transaction() as transaction:
            transaction.store.adopt_origin(origin)
        for n in range(made.position):
            false.append("run-r", [attrs.evolve(made, by=f"{n}")], expected_version=ANY)
        false.append("heads", [made], expected_version=ANY)
        found = false.verify(signed_by=public)

    assert "it signs another event" in found.faults[-1].what


def test_a_damaged_log_is_not_signed(log, tmp_path):
    """Who signs says that it is right: it is verified first."""
    with contextlib.closing(sqlite3.connect(tmp_path / "log.db")) as other, other:
        other.execute("DROP TRIGGER events_are_never_updated")
        other.execute("UPDATE events SET meta = '{}' WHERE position = 3")
    with pytest.raises(LogDamagedError, match="cannot be signed: its hash does not fit"):
        sign_head(log, keys(tmp_path)[0])

    assert [] == list(log.read_all(types=[HeadSigned]))


def test_a_log_without_events_is_not_signed(tmp_path):
    """There is nothing to vouch for."""
    with create_log(tmp_path / "log.db") as log, pytest.raises(InvalidInputError, match="nothing"):
        sign_head(log, keys(tmp_path)[0])


def test_a_key_that_is_none_is_refused(log, tmp_path):
    """With what it must be, and how such a one is made; nothing is signed."""
    secret, public = keys(tmp_path)
    curve = tmp_path / "curve.pem"
    curve.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (text := tmp_path / "text.pem").write_text("no key")
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        serialization.load_pem_private_key(secret.read_bytes(), None).private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        )
    )
    for wrong in (public, curve, text, locked):
        with pytest.raises(InvalidInputError, match="openssl genpkey -algorithm ed25519") as told:
            sign_head(log, wrong)
        assert ("key", str(wrong)) == (told.value.name, told.value.value)
    for wrong in (secret, text):
        with pytest.raises(InvalidInputError, match="-pubout"):
            log.verify(signed_by=wrong)
    with pytest.raises(InvalidInputError, match="cannot be read: No such file"):
        sign_head(log, tmp_path / "nowhere.pem")

    assert [] == list(log.read_all(types=[HeadSigned]))


def test_without_the_library_it_says_what_to_install(log, tmp_path, monkeypatch):
    """It is an extra: who signs nothing needs it not."""
    secret, public = keys(tmp_path)
    sign_head(log, secret)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)

    assert log.verify().is_clean
    for refused in (lambda: sign_head(log, secret), lambda: log.verify(signed_by=public)):
        with pytest.raises(InvalidInputError, match=r"pip install 'autopack\[sign\]'"):
            refused()


def test_a_copy_is_signed_as_well(log, tmp_path):
    """A backup has the same chain."""
    secret, public = keys(tmp_path)
    signed = sign_head(log, secret).event.position
    log.backup(str(tmp_path / "copy.db"))
    with open_log(tmp_path / "copy.db") as copy:
        assert signed == copy.verify(signed_by=public).signed_until
