"""Over a network a log is reached by TLS: who answers is checked by name."""

import shutil
import socket
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.postgres_server import PostgresServer, need_postgres

import autopack
from autopack.errors import LogHinderedError
from autopack.testing.facts import paused

_FROM, _UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)


def _certificate(name, signer=None):
    """Return a key and a certificate of *name*, by an authority or as one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by_key, issuer = (key, subject) if signer is None else (signer[0], signer[1].subject)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return key, made.sign(by_key, hashes.SHA256())


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """A server that takes nobody without TLS: its addresses by authority, host and mode."""
    need_postgres()
    folder = tmp_path_factory.mktemp("authorities")
    ours, others = _certificate("ours"), _certificate("others")
    for name, (_key, certificate) in (("ours", ours), ("others", others)):
        (folder / f"{name}.pem").write_bytes(_pem(certificate))
    key, certificate = _certificate("localhost", ours)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = PostgresServer()
    try:
        data = server.folder / "data"
        (data / "server.crt").write_bytes(_pem(certificate))
        (data / "server.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        for name in ("server.crt", "server.key"):
            (data / name).chmod(0o600)
            shutil.chown(data / name, (data / "PG_VERSION").owner())
        (data / "pg_hba.conf").write_text("hostssl all all all trust\n", encoding="utf-8")
        with (data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(f"listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\n")
        server.stop()
        server.start()
        yield (
            lambda authority="ours", host="localhost", mode="verify-full": (
                f"postgresql://autopack@{host}:{port}/postgres?sslmode={mode}"
                f"&sslrootcert={folder / f'{authority}.pem'}&schema=secured"
            )
        )
    finally:
        server.remove()


def test_a_log_is_reached_by_tls_alone(secured):
    """By the name and the authority that were asked for, and by none of the ways around."""
    with autopack.create_log(secured()) as log:
        log.append("s", [paused()], expected_version=0)
        assert log.verify().is_clean
    refused = []
    for wrong in (
        secured(authority="others"),
        secured(host="127.0.0.1"),
        secured(mode="disable"),
    ):
        with pytest.raises(LogHinderedError) as fault:
            autopack.open_log(wrong)
        refused.append(str(fault.value))

    assert "certificate verify failed" in refused[0]
    assert 'does not match host name "127.0.0.1"' in refused[1]
    assert "no encryption" in refused[2]
    with autopack.open_log(secured()) as log:
        assert 1 == log.head().position
