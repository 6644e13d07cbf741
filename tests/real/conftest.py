"""Real data from outside the project; tests that need it skip, saying so, where it is absent."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder that AUTOPACK_REAL_DATA names, else the one beside the project."""
    named = os.environ.get("AUTOPACK_REAL_DATA")
    folder = Path(named) if named else _BESIDE
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is no folder; name it with AUTOPACK_REAL_DATA")
    return folder.resolve()
