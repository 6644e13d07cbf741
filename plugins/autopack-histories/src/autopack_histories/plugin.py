"""What the entry point finds: the importers' names; each is loaded when it is first asked."""

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from autopack.plugins.hookspecs import Register, hookimpl

IMPORTERS: Final = {
    "aider": "aider:Aider",
    "claude-code": "claude_code:ClaudeCode",
    "codex": "codex:Codex",
    "gemini-cli": "gemini:Gemini",
    "inspect-ai": "inspect_logs:InspectLogs",
    "litellm": "litellm_logs:LiteLlm",
    "llm": "llm_logs:LlmLogs",
    "mini-swe-agent": "mini_swe:MiniSwe",
    "opencode": "opencode:Opencode",
    "otel": "otel:OpenTelemetry",
    "qwen-code": "qwen:Qwen",
}


class _Named:
    """An importer that is loaded when it is first used."""

    def __init__(self, name: str, place: str) -> None:
        self.name, self._place = name, place

    @cached_property
    def _importer(self) -> Any:
        module, _, made = self._place.partition(":")
        return getattr(import_module(f"autopack_histories.{module}"), made)()

    def recognises(self, path: str) -> bool:
        """Tell whether the path holds what this importer reads."""
        found: bool = self._importer.recognises(path)
        return found

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own; see :class:`autopack.types.Importer`."""
        found: list[Path] = self._importer.places(home, environ)
        return found

    def read(self, path: str) -> Any:
        """Return what is told there; see :class:`autopack.types.Importer`."""
        return self._importer.read(path)


@hookimpl
def autopack_register_importers(register: Register) -> None:
    """Register the importers of other tools' histories."""
    for name, place in IMPORTERS.items():
        register(name, _Named(name, place))
