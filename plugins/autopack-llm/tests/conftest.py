"""A folder of ``llm`` for each test, with one model on an endpoint that the test gives."""

import json

import pytest

from openai_replies import KEY

MODELS = """\
- model_id: loop
  model_name: m
  api_base: {url}/v1
  api_key_name: loop
"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("llm")
    monkeypatch.setenv("LLM_USER_PATH", str(folder))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "AUTOPACK_LOG"):
        monkeypatch.delenv(name, raising=False)
    (folder / "keys.json").write_text(json.dumps({"loop": KEY}))


@pytest.fixture
def told_of():
    """Tell ``llm`` of the model ``loop`` at an address."""
    import llm

    def tell(url: str) -> None:
        (llm.user_dir() / "extra-openai-models.yaml").write_text(MODELS.format(url=url))

    return tell
