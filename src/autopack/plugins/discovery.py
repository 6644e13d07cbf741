"""From where plugins come: built-in, installed, in folders, given; each loaded by itself."""

import importlib
import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pluggy

from autopack.errors import PluginError
from autopack.format.codec import Codec
from autopack.plugins import hookspecs
from autopack.plugins.observers import answer_of
from autopack.plugins.python_files import module_of
from autopack.plugins.registry import Registry

GROUP: Final = "autopack"
"""The group of entry points in which plugins are found."""


def load_plugins(*, extra: Iterable[Any] = (), folders: Iterable[Path] = ()) -> Registry:
    """
    Load the built-ins, then the installed plugins, then those of folders and *extra* objects.

    ``AUTOPACK_DISABLE_PLUGINS=1`` loads the built-ins only. A plugin that fails is named in
    ``registry.infos`` with its distribution and version; the rest works on. What a plugin
    registers under a name is asked for when a name of that kind is first looked up.
    """
    manager = pluggy.PluginManager("autopack")
    manager.add_hookspecs(hookspecs)
    registry = Registry(manager, Codec())
    points = sorted(_entry_points(), key=lambda point: point.value != "autopack.builtin")
    for point in points:
        is_builtin = point.value == "autopack.builtin"
        if is_builtin or os.environ.get("AUTOPACK_DISABLE_PLUGINS", "") in ("", "0"):
            _load_point(registry, point)
    if not any(point.value == "autopack.builtin" for point in points):
        _add_builtin(registry)  # running from a source tree without installed metadata
    for folder in folders:
        for path in sorted(folder.glob("*.py")):
            _load_file(registry, path)
    for plugin in extra:
        name = getattr(plugin, "__name__", type(plugin).__name__)
        registry.add(plugin, name=name, origin=lambda: ("(given)", ""))
    return registry


def _entry_points() -> tuple[Any, ...]:
    """Return the entry points of installed plugins; looked for again once a folder has changed."""
    return _found_in(tuple((place, _standing(place)) for place in sys.path))


@lru_cache(maxsize=1)
def _found_in(_places: tuple[tuple[str, tuple[int, int] | None], ...]) -> tuple[Any, ...]:
    from importlib.metadata import entry_points

    return tuple(entry_points(group=GROUP))


def _standing(place: str) -> tuple[int, int] | None:
    """Return when a folder changed last, and how many names it has: a clock's ticks are coarse."""
    try:
        return os.stat(place or ".").st_mtime_ns, len(os.listdir(place or "."))
    except OSError:
        return None


def _load_point(registry: Registry, point: Any) -> None:
    dist = point.dist

    def origin() -> tuple[str, str]:
        return (dist.name, dist.version) if dist else ("?", "?")

    plugin = answer_of(point.load)
    if isinstance(plugin, BaseException):
        why = f"failed on import: {type(plugin).__name__}: {plugin}"
        registry.add_failed(why, name=point.name, origin=origin)
        return
    registry.add(plugin, name=point.name, origin=origin)


def _load_file(registry: Registry, path: Path) -> None:
    try:
        plugin = module_of(path)
    except PluginError as fault:
        registry.add_failed(fault.what, name=path.stem, origin=lambda: (str(path), ""))
        return
    registry.add(plugin, name=path.stem, origin=lambda: (str(path), ""))


def _add_builtin(registry: Registry) -> None:
    builtin = importlib.import_module("autopack.builtin")
    registry.add(builtin, name="builtin", origin=lambda: ("autopack", ""))
