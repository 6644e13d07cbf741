"""A table with two days, and no table named from outside."""

from pathlib import Path

import pytest

TABLE = """
[[prices]]
model = "m-large"
since = 2026-01-01
input = 3.0
output = 15.0
cache_read = 0.3

[[prices]]
model = "m-large"
since = 2026-06-01
input = 1.0
output = 5.0

[[prices]]
model = "m-small*"
since = 2026-01-01
input = 0.25
output = 1.25
"""


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOPACK_PRICES", raising=False)
    monkeypatch.delenv("AUTOPACK_LOG", raising=False)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The path of a table."""
    path = tmp_path / "prices.toml"
    path.write_text(TABLE, encoding="utf-8")
    return path
