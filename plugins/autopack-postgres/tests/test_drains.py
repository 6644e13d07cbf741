"""Drains keep their promises on a server; ``tests.long postgres-drains`` runs all their tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.postgres_server import need_postgres

ROOT = Path(__file__).resolve().parents[3]
TESTS = (
    "tests/draining/test_exact_caps.py",
    "tests/draining/test_races.py",
    "tests/draining/attempts/test_claims.py",
    "tests/draining/attempts/test_lost_leases.py",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_claims_leases_and_caps_hold_on_a_server():
    """Those that are about who may do what at one moment, in a process of their own."""
    need_postgres()
    call = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *TESTS]
    done = subprocess.run(
        call,
        cwd=ROOT,
        env={**os.environ, "AUTOPACK_DRAIN_LOGS": "postgres"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout[-5000:]
