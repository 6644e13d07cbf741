"""Keys and logs whose heads are signed, for tests of signatures and bundles."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from autopack import Failed, create_log, create_run, drain
from drains import specs

PEM = serialization.Encoding.PEM


def keys(folder, name="key"):
    """Write a private and a public key of Ed25519 in PEM; return both paths."""
    made = Ed25519PrivateKey.generate()
    secret, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    secret.write_bytes(
        made.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    public.write_bytes(
        made.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return secret, public


def worked(path):
    """Return a log with a run that was drained, one that others share a drain with, one unbegun."""

    def work(phase, attempt):
        attempt.record_usage(model="m", input_tokens=3, output_tokens=5, cost_usd=0.25)
        attempt.attach("answer", f"what {phase.phase_id} says: é")
        return Failed("bad", "it is bad \u202e") if phase.phase_id == "b" else None

    log = create_log(path)
    create_run(log, "r", specs("a", "b", "c", max_attempts=1), goal="Zürich")
    create_run(log, "s", specs("a", "b"))
    drain(log, executor=work, max_phases=4)
    create_run(log, "t", specs("x", "y"))
    return log
