"""The clients whose output is known, by name; plugins register more."""

from collections.abc import Callable, Mapping
from typing import Final, cast

from autopack.draining.executors.claude import Claude
from autopack.draining.executors.codex import Codex
from autopack.draining.executors.gemini import Gemini
from autopack.draining.executors.json_lines import Preset
from autopack.draining.executors.llm import Llm
from autopack.draining.executors.opencode import Opencode
from autopack.draining.executors.qwen import Qwen
from autopack.errors import InvalidInputError, UnknownNameError
from autopack.plugins.discovery import load_plugins

PRESETS: Final[Mapping[str, Callable[[], Preset]]] = {
    "claude": Claude,
    "codex": Codex,
    "gemini": Gemini,
    "llm": Llm,
    "opencode": Opencode,
    "qwen": Qwen,
}
"""Those that come with the library."""


def preset_of(wanted: str | type[Preset] | Preset) -> Preset:
    """
    Return the preset that is meant: by its name, a class of one, or one as it is.

    Raises:
        InvalidInputError: Neither the library nor an installed plugin has one of that name.
    """
    if not isinstance(wanted, str):
        return wanted() if isinstance(wanted, type) else wanted
    if wanted in PRESETS:
        return PRESETS[wanted]()
    try:
        found = load_plugins().resolve("preset", wanted)
    except UnknownNameError as fault:
        raise InvalidInputError(str(fault), name="preset", value=wanted) from fault
    return cast("Preset", found() if isinstance(found, type) else found)
