"""Which client a command line runs, and what makes its output one that can be read for usage."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

from autopack.draining.executors import llm_program

_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "claude": ("--output-format", "stream-json", "--verbose"),
    "codex": ("--json",),
    "gemini": ("--output-format", "stream-json"),
    "opencode": ("--format", "json"),
    "qwen": ("--output-format", "stream-json"),
}
"""What each client's preset wants on its command line, by the preset's name."""
_READ: Final = frozenset({"json", "stream-json"})
_OTHER_LLM: Final = frozenset(
    {
        "chat", "logs", "keys", "models", "embed", "embed-multi", "embed-models", "similar",
        "collections", "templates", "schemas", "tools", "aliases", "plugins", "install",
        "uninstall", "fragments", "openai",
    }
)  # fmt: skip


def as_read(command: Sequence[str]) -> tuple[list[str], str | None]:
    """
    Return a command so that its usage can be read, and the preset that reads it.

    A client that is not known, or is told to print what no preset reads, stays as it is, without
    a preset.
    """
    name = PurePath(command[0]).name if command else ""
    if name == "llm":
        return _llm(command)
    wanted = _FORMS.get(name)
    if wanted is None:
        return list(command), None
    form = wanted[0]
    if form in command:
        place = command.index(form) + 1
        said = command[place] if len(wanted) > 1 and place < len(command) else "json"
        return list(command), name if said in _READ else None
    if any(one.startswith(f"{form}=") for one in command):
        said = next(one for one in command if one.startswith(f"{form}=")).partition("=")[2]
        return list(command), name if said in _READ else None
    end = command.index("--") if "--" in command else len(command)
    return [*command[:end], *wanted, *command[end:]], name


def _llm(command: Sequence[str]) -> tuple[list[str], str | None]:
    rest = list(command[1:])
    if rest and rest[0] in _OTHER_LLM:
        return list(command), None
    if rest[:1] == ["prompt"]:
        del rest[0]
    return [sys.executable, "-I", str(Path(llm_program.__file__)), *rest], "llm"
