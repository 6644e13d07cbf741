"""A key for each test, and no endpoint from outside."""

import pytest

from anthropic_replies import KEY


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_CUSTOM_HEADERS", "AUTOPACK_LOG"):
        monkeypatch.delenv(name, raising=False)
