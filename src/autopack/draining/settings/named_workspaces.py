"""The workspace of a drain: a folder, or who keeps one for each attempt, by name or given."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeGuard

from autopack.errors import InvalidInputError, UnknownNameError
from autopack.plugins.plugin_options import made_with
from autopack.plugins.python_files import place_in
from autopack.plugins.registry import Registry
from autopack.ports.workspaces import WorkspaceLike, Workspaces

_METHODS: Final = ("prepare", "open", "settle", "sweep")


def workspace_of(registry: Registry, wanted: WorkspaceLike | None) -> Path | Workspaces | None:
    """
    Return the folder that is meant, or who keeps one for each attempt.

    A text is a registered name, or else a folder; one that is called as a name is meant by
    ``./NAME``.

    Raises:
        InvalidInputError: It is neither, or its options cannot be used.
    """
    match wanted:
        case None | Path():
            return wanted
        case Mapping():
            return _with_options(registry, wanted)
        case str() if wanted in registry.known("workspace") or place_in(wanted):
            return _kept(registry.resolve("workspace", wanted), wanted, {})
        case str():
            return Path(wanted)
    return _kept(wanted, str(getattr(wanted, "name", "")), {})


def recorded_workspace(workspace: Path | Workspaces | None) -> dict[str, Any]:
    """Return what is kept in the log of who keeps folders, or of the one folder."""
    if workspace is None or isinstance(workspace, Path):
        return {"workspace": None if workspace is None else str(workspace)}
    options = dict(getattr(workspace, "settings", {}))
    return {"workspace": workspace.name, "workspace_options": options}


def workspace_again(settings: Mapping[str, Any]) -> WorkspaceLike | None:
    """Return the workspace that a drain recorded."""
    named = settings.get("workspace")
    if named is None or "workspace_options" not in settings:
        return None if named is None else Path(named)
    return {**settings["workspace_options"], "name": named}


def _with_options(registry: Registry, wanted: Mapping[str, Any]) -> Workspaces:
    name, options = wanted.get("name"), {k: v for k, v in wanted.items() if k != "name"}
    if not isinstance(name, str):
        raise InvalidInputError(
            f"The workspace {dict(wanted)!r} has no name: give one, and its options beside it, as "
            'in {"name": "worktree", "integrate": "rebase"}.',
            name="workspace",
            value=wanted,
        )
    return _kept(registry.resolve("workspace", name), name, options)


def _kept(found: Any, name: str, options: Mapping[str, Any]) -> Workspaces:
    if options or isinstance(found, type):
        found = made_with(found, "workspace", name, options)
    if not _is_keeper(found):
        missing = [one for one in _METHODS if not callable(getattr(found, one, None))]
        raise InvalidInputError(
            f"{found!r} keeps no folders: it has no {', '.join(missing)}().",
            name="workspace",
            value=found,
        )
    return found


def _is_keeper(found: Any) -> TypeGuard[Workspaces]:
    return all(callable(getattr(found, one, None)) for one in _METHODS)


def keeper_named(registry: Registry, wanted: object) -> Workspaces | None:
    """
    Return whom a run names, if that is registered: a log may be somebody else's, and runs no file.

    Raises:
        UnknownNameError: It is not.
    """
    table = wanted if isinstance(wanted, Mapping) else {"name": wanted}
    known = registry.known("workspace")
    if (name := str(table.get("name"))) not in known:
        raise UnknownNameError("workspace", name, known)
    return keeper_in(workspace_of(registry, table))


def keeper_in(workspace: Path | Workspaces | None) -> Workspaces | None:
    """Return who keeps folders, unless there is one folder, or none."""
    return None if isinstance(workspace, Path | None) else workspace
