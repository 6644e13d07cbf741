"""Real clients' outputs from outside the project; tests skip, saying so, where they are absent."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def clients_data() -> Path:
    """Return the folder ``clients`` of the real data, which AUTOPACK_REAL_DATA names."""
    named = os.environ.get("AUTOPACK_REAL_DATA")
    folder = (Path(named) if named else _BESIDE) / "clients"
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is no folder; name it with AUTOPACK_REAL_DATA")
    return folder.resolve()
