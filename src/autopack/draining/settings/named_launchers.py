"""The launcher that is meant: by name, with options, or given."""

from collections.abc import Mapping
from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.plugins.plugin_options import made_with
from autopack.plugins.registry import Registry
from autopack.ports.launchers import Launcher, LauncherLike

_METHODS: Final = ("running", "start", "stop")


def launcher_of(registry: Registry, wanted: LauncherLike) -> Launcher:
    """
    Return the launcher that is meant.

    Raises:
        UnknownNameError: Nothing is registered under that name.
        InvalidInputError: Its options cannot be used, or it is no launcher.
    """
    options: dict[str, Any] = {}
    named: Any = wanted
    if isinstance(wanted, Mapping):
        options = {key: value for key, value in wanted.items() if key != "name"}
        named = wanted.get("name")
        if not isinstance(named, str):
            raise InvalidInputError(
                f"The launcher {dict(wanted)!r} has no name: give one, and its options beside it.",
                name="launcher",
                value=wanted,
            )
    found: Any = registry.resolve("launcher", named)
    if options or isinstance(found, type):
        found = made_with(found, "launcher", str(getattr(found, "name", named)), options)
    if missing := [one for one in _METHODS if not callable(getattr(found, one, None))]:
        raise InvalidInputError(
            f"{found!r} starts no workers: it has no {', '.join(missing)}().",
            name="launcher",
            value=found,
        )
    launcher: Launcher = found
    return launcher
