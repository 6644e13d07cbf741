"""A key for each test, and no endpoint from outside."""

import pytest

from openai_replies import KEY


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "OPENAI_ORG_ID", "AUTOPACK_LOG"):
        monkeypatch.delenv(name, raising=False)
