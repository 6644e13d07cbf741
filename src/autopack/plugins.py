"""Finds plugins, checks them one by one, and keeps what they registered."""

import difflib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import pluggy

from autopack import hookspecs
from autopack.codec import Codec
from autopack.errors import InvalidInputError, PluginError, UnknownNameError

GROUP: Final = "autopack"
KINDS: Final = {
    "strategy": "strategies",
    "executor": "executors",
    "estimator": "estimators",
    "calibrator": "calibrators",
    "projection": "projections",
    "importer": "importers",
    "exporter": "exporters",
    "backend": "backends",
    "command": "commands",
}
"""What can be registered by name, with its hook's ending."""
_REGISTER: Final = "autopack_register_"


@attrs.frozen(kw_only=True)
class PluginInfo:
    """One plugin that was found: where it comes from, what it added, and what went wrong."""

    name: str
    distribution: str
    version: str
    provides: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@attrs.define
class Registry:
    """
    Everything that plugins registered, by kind and name.

    Wherever a name is accepted an object is too: :meth:`resolve` gives both back as objects.
    """

    manager: pluggy.PluginManager
    codec: Codec
    named: dict[str, dict[str, Any]] = attrs.Factory(lambda: {kind: {} for kind in KINDS})
    infos: list[PluginInfo] = attrs.Factory(list)
    observer_faults: int = 0
    _owners: dict[tuple[str, str], str] = attrs.Factory(dict)

    def names(self, kind: str) -> list[str]:
        """Return the registered names of a kind, sorted."""
        return sorted(self.named[kind])

    def resolve(self, kind: str, wanted: Any) -> Any:
        """
        Return what *wanted* names; an object comes back as it is.

        Args:
            kind: One of :data:`KINDS`.
            wanted: A registered name, ``file.py:name``, or an object.

        Raises:
            UnknownNameError: Nothing of that name is registered; lists what is.
        """
        if not isinstance(wanted, str):
            return wanted
        if wanted in self.named[kind]:
            return self.named[kind][wanted]
        path, colon, name = wanted.rpartition(":")
        if colon and path.endswith(".py"):
            return from_file(Path(path), name)
        close = difflib.get_close_matches(wanted, self.named[kind], n=1)
        raise UnknownNameError(kind, wanted, self.named[kind], close=close[0] if close else "")

    def observe(self, hook: str, **arguments: Any) -> None:
        """Call every implementation of an observer hook; one that fails breaks nothing."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            given = {name: arguments[name] for name in implementation.argnames}
            try:
                implementation.function(**given)
            except Exception:
                self.observer_faults += 1
                _logger().exception("observer failed", hook=hook, plugin=implementation.plugin_name)

    def has(self, hook: str) -> bool:
        """Tell whether any plugin implements a hook."""
        return bool(getattr(self.manager.hook, hook).get_hookimpls())

    def chain(self, hook: str, text: str) -> str:
        """
        Hand a text through every implementation of a hook, one after the other.

        Raises:
            PluginError: One failed, or returned no text.
        """
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            try:
                changed = implementation.function(text)
            except Exception as fault:
                what = f"{hook} failed: {type(fault).__name__}: {fault}"
                raise PluginError(implementation.plugin_name, what) from fault
            if not isinstance(changed, str):
                # What it returned may hold what was to be taken out, so only its type is said.
                what = f"{hook} returned {type(changed).__name__}, not the text"
                raise PluginError(implementation.plugin_name, what)
            text = changed
        return text

    def first(self, hook: str, **arguments: Any) -> Any:
        """Return the first answer of a hook that is not None; an implementation's error is none."""
        for implementation in reversed(getattr(self.manager.hook, hook).get_hookimpls()):
            given = {name: arguments[name] for name in implementation.argnames}
            try:
                answer = implementation.function(**given)
            except Exception:
                _logger().exception("hook failed", hook=hook, plugin=implementation.plugin_name)
                continue
            if answer is not None:
                return answer
        return None

    def add(self, plugin: Any, *, name: str, distribution: str, version: str) -> PluginInfo:
        """Register a plugin and call its registration hooks; faults are kept, not raised."""
        provides: list[str] = []
        faults: list[str] = []
        if self.manager.is_registered(plugin):
            faults.append(f"it is registered already, as {self.manager.get_name(plugin)!r}")
        else:
            holder = f"{name!r} of {distribution} {version}".rstrip()
            self._register_hooks(plugin, name, holder, provides, faults)
        info = PluginInfo(
            name=name,
            distribution=distribution,
            version=version,
            provides=tuple(provides),
            faults=tuple(faults),
        )
        self.infos.append(info)
        return info

    def _register_hooks(
        self, plugin: Any, name: str, holder: str, provides: list[str], faults: list[str]
    ) -> None:
        try:
            self.manager.register(plugin, name)
        except Exception as fault:
            faults.append(f"{type(fault).__name__}: {fault}")
            if self.manager.is_registered(plugin):
                self.manager.unregister(plugin)
            return
        for caller in self.manager.get_hookcallers(plugin) or []:
            if not caller.has_spec():
                faults.append(_unknown_hook(caller.name))
            elif caller.name.startswith(_REGISTER):
                for implementation in caller.get_hookimpls():
                    if implementation.plugin is plugin:
                        self._call_registration(
                            implementation, caller.name, holder, provides, faults
                        )
            else:
                provides.append(f"hook {caller.name}")

    def _call_registration(
        self, implementation: Any, hook: str, holder: str, provides: list[str], faults: list[str]
    ) -> None:
        ending = hook.removeprefix(_REGISTER)
        register: Callable[..., None] = self._events_register(provides)
        if ending != "events":
            kind = next(kind for kind, plural in KINDS.items() if plural == ending)
            register = self._register(kind, holder, provides, faults)
        try:
            implementation.function(register)
        except (Exception, SystemExit) as fault:
            faults.append(f"{hook}: {type(fault).__name__}: {fault}")

    def _register(
        self, kind: str, holder: str, provides: list[str], faults: list[str]
    ) -> Callable[[str, Any], None]:
        def register(name: str, thing: Any) -> None:
            if not isinstance(name, str) or not name:
                faults.append(f"{name!r} cannot name a {kind}: it is not a string; not registered")
                return
            if name in self.named[kind]:
                taken = self._owners[kind, name]
                faults.append(f"{kind} {name!r} is taken by plugin {taken}; not registered")
                return
            self.named[kind][name] = thing
            self._owners[kind, name] = holder
            provides.append(f"{kind} {name}")

        return register

    def _events_register(self, provides: list[str]) -> Callable[..., None]:
        def register(
            event_class: type, *, upcasters: Mapping[int, Callable[..., Any]] | None = None
        ) -> None:
            self.codec.register(event_class, upcasters=upcasters)
            provides.append(f"event {self.codec.kind_of(event_class).name}")

        return register


def load_plugins(*, extra: Iterable[Any] = (), folders: Iterable[Path] = ()) -> Registry:
    """
    Load the built-ins, then the installed plugins, then those of folders and *extra* objects.

    ``AUTOPACK_DISABLE_PLUGINS=1`` loads the built-ins only. A plugin that fails is named in
    ``registry.infos`` with its distribution and version; the rest works on.
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
        registry.add(plugin, name=name, distribution="(given)", version="")
    return registry


def from_file(path: Path, name: str) -> Any:
    """Return an object that a Python file defines."""
    module = _module_of(path)
    if not hasattr(module, name):
        public = [n for n in vars(module) if not n.startswith("_")]
        raise InvalidInputError(f"{path} defines no {name!r}. It has: {', '.join(public)}.")
    return getattr(module, name)


def _module_of(path: Path) -> Any:
    if not path.is_file():
        raise InvalidInputError(f"There is no file {path}.")
    module_name = f"autopack_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise InvalidInputError(f"{path} cannot be imported as a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as fault:
        raise PluginError(
            str(path), f"failed on import: {type(fault).__name__}: {fault}"
        ) from fault
    return module


def _entry_points() -> list[Any]:
    from importlib.metadata import entry_points

    return list(entry_points(group=GROUP))


def _load_point(registry: Registry, point: Any) -> None:
    distribution = point.dist.name if point.dist else "?"
    version = point.dist.version if point.dist else "?"
    name = (
        point.name
        if not registry.manager.has_plugin(point.name)
        else f"{point.name}@{distribution}"
    )
    try:
        plugin = point.load()
    except (Exception, SystemExit) as fault:
        why = f"failed on import: {type(fault).__name__}: {fault}"
        registry.infos.append(
            PluginInfo(name=name, distribution=distribution, version=version, faults=(why,))
        )
        return
    registry.add(plugin, name=name, distribution=distribution, version=version)


def _load_file(registry: Registry, path: Path) -> None:
    try:
        plugin = _module_of(path)
    except PluginError as fault:
        registry.infos.append(
            PluginInfo(name=path.stem, distribution=str(path), version="", faults=(fault.what,))
        )
        return
    registry.add(plugin, name=path.stem, distribution=str(path), version="")


def _add_builtin(registry: Registry) -> None:
    builtin = importlib.import_module("autopack.builtin")
    registry.add(builtin, name="builtin", distribution="autopack", version="")


def _unknown_hook(name: str) -> str:
    known = [hook for hook in vars(hookspecs) if hook.startswith("autopack_")]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"there is no hook {name!r}, so nothing calls it.{hint}"


def _logger() -> Any:
    import structlog

    return structlog.get_logger("autopack.plugins")
