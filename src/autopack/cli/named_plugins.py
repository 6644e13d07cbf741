"""Which executor and which strategy a command line means, with their options."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import click

_COMMAND: Final = "command"
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


def named(registry: Any, kind: str, name: str) -> str:
    """Refuse an unknown name before anything is written; make a file's path absolute."""
    from autopack.plugins.python_files import placed

    registry.resolve(kind, name)
    return placed(name)


def executor_of(
    registry: Any,
    name: str | None,
    command: str | None,
    preset: str | None,
    options: Sequence[str],
) -> Any:
    """Return the executor that is meant: its name, or one made with its options."""
    typed = options_of("--executor-option (-x)", options)
    beside: dict[str, Any] = {}
    if command is not None:
        beside["command"] = _list_of("--command", command)
    if preset is not None:
        beside["preset"] = registry.resolve("preset", preset)
    if name is None:
        if command is None and preset is None:
            raise click.UsageError(
                "Name an executor: --executor NAME, --preset NAME or --command JSON."
            )
        name = _COMMAND
    elif name != _COMMAND and (command is not None or preset is not None):
        raise click.UsageError(f"--command and --preset belong to --executor {_COMMAND}.")
    return made(registry, "executor", name, typed, beside)


def strategy_of(registry: Any, name: str, options: Sequence[str]) -> Any:
    """Return the strategy that is meant: its name, or one made with its options."""
    return made(registry, "strategy", name, options_of("--strategy-option (-s)", options))


def workspace_of(registry: Any, name: str, options: Sequence[str]) -> Any:
    """Return the workspace that is meant: who keeps folders, with its options, or one folder."""
    from pathlib import Path

    from autopack.plugins.plugin_options import read_options
    from autopack.plugins.python_files import place_in

    given = options_of("--workspace-option (-w)", options)
    if name in registry.names("workspace") or place_in(name):
        found = registry.resolve("workspace", name)
        return {**read_options(found, given), "name": named(registry, "workspace", name)}
    folder = Path(name).absolute()
    if given or not folder.is_dir():
        known = ", ".join(registry.names("workspace")) or "none; autopack-git has `worktree`"
        raise click.UsageError(
            f"--workspace is {name!r}: there is no such folder, and no workspace of that name. "
            f"Registered: {known}."
        )
    return folder


def made(
    registry: Any,
    kind: str,
    name: str,
    typed: Mapping[str, str],
    beside: Mapping[str, Any] = _NONE,
) -> Any:
    """Return the name as it is, or what it stands for under that name, made with its options."""
    from autopack.plugins.plugin_options import NamedPlugin, made_with, read_options

    name = named(registry, kind, name)
    found = registry.resolve(kind, name)
    options = {**read_options(found, typed), **beside}
    if not options:
        return name
    return NamedPlugin(name, made_with(found, kind, name, options), options)


def options_of(option: str, given: Sequence[str]) -> dict[str, str]:
    """Return NAME=VALUE pairs, as they were typed."""
    found: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"{option} is {pair!r}: give NAME=VALUE.")
        found[name.strip()] = value
    return found


def _list_of(option: str, text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise click.UsageError(
            f"{option} is {text!r}; give a JSON list of arguments, since no shell reads it: "
            """'["my-agent", "--task", "{goal}"]'."""
        )
    return found
