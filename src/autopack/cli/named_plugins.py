"""Which executor and which strategy a command line means, with their options."""

import json
from collections.abc import Sequence
from typing import Any, Final

import click

_COMMAND: Final = "command"


def named(registry: Any, kind: str, name: str) -> str:
    """Refuse an unknown name before anything is written; make a file's path absolute."""
    from autopack.plugins.python_files import place_in

    registry.resolve(kind, name)
    if place := place_in(name):
        path, attribute = place
        name = f"{path.absolute()}:{attribute}"
    return name


def executor_of(
    registry: Any,
    name: str | None,
    command: str | None,
    preset: str | None,
    options: Sequence[str],
) -> Any:
    """Return the executor that is meant: its name, or an object made with its options."""
    given = options_of("--executor-option (-x)", options)
    if command is not None:
        given["command"] = _list_of("--command", command)
    if preset is not None:
        given["preset"] = registry.resolve("preset", preset)
    if name is None:
        if command is None and preset is None:
            raise click.UsageError(
                "Name an executor: --executor NAME, --preset NAME or --command JSON."
            )
        name = _COMMAND
    elif name != _COMMAND and (command is not None or preset is not None):
        raise click.UsageError(f"--command and --preset belong to --executor {_COMMAND}.")
    return made(registry, "executor", name, given)


def strategy_of(registry: Any, name: str, options: Sequence[str]) -> Any:
    """Return the strategy that is meant: its name, or an object made with its options."""
    return made(registry, "strategy", name, options_of("--strategy-option (-s)", options))


def workspace_of(registry: Any, name: str, options: Sequence[str]) -> Any:
    """Return the workspace that is meant: who keeps folders, with its options, or one folder."""
    from pathlib import Path

    from autopack.plugins.python_files import place_in

    given = options_of("--workspace-option (-w)", options)
    if name in registry.names("workspace") or place_in(name):
        return {**given, "name": named(registry, "workspace", name)}
    folder = Path(name).absolute()
    if given or not folder.is_dir():
        known = ", ".join(registry.names("workspace")) or "none; autopack-git has `worktree`"
        raise click.UsageError(
            f"--workspace is {name!r}: there is no such folder, and no workspace of that name. "
            f"Registered: {known}."
        )
    return folder


def made(registry: Any, kind: str, name: str, options: dict[str, Any]) -> Any:
    """Return the name as it is, or what it stands for, made with *options*."""
    from autopack.draining.settings.plugin_options import made_with

    name = named(registry, kind, name)
    if not options:
        return name
    return made_with(registry.resolve(kind, name), kind, name, options)


def options_of(option: str, given: Sequence[str]) -> dict[str, Any]:
    """Return NAME=VALUE pairs; a value that is JSON is read as JSON, another one is a text."""
    found: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"{option} is {pair!r}: give NAME=VALUE.")
        try:
            found[name.strip()] = json.loads(value)
        except RecursionError:
            raise click.UsageError(f"{option}: {name} is nested too deeply.") from None
        except ValueError:
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
