"""What plugins register, by kind and name, and how their hooks are called."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain, count
from typing import Any, Final

import attrs
import pluggy

from autopack.errors import InvalidInputError, PluginError, UnknownNameError
from autopack.errors.nearest import did_you_mean
from autopack.format.codec import Codec
from autopack.plugins import hookspecs
from autopack.plugins.hook_calls import answer_of_hook, apart, asker, called_of, tell_in_time
from autopack.plugins.hook_functions import Kinds, misfit, own_copy, why_refused
from autopack.plugins.narrator import Narrator
from autopack.plugins.observers import ObserverFaults, answer_of
from autopack.plugins.plugin_options import NamedPlugin
from autopack.plugins.python_files import from_file, place_in

KINDS: Final = {
    "strategy": "strategies",
    "executor": "executors",
    "preset": "presets",
    "estimator": "estimators",
    "calibrator": "calibrators",
    "projection": "projections",
    "importer": "importers",
    "exporter": "exporters",
    "backend": "backends",
    "workspace": "workspaces",
    "launcher": "launchers",
    "command": "commands",
    "check": "checks",
    "prices": "prices",
}
"""What can be registered by name, with its hook's ending."""
_METHODS: Final = {
    "estimator": ("estimate",),
    "calibrator": ("initial", "update", "predict"),
    "importer": ("read",),
    "exporter": ("lines",),
}
"""What a file's object of a kind must have; the other kinds are checked where they are used."""
_REGISTER: Final = "autopack_register_"
_BUILTIN: Final = "builtin"
"""The name of the library's own plugin, which is loaded first, so that none other has it."""
_narrator: Final = Narrator("autopack.plugins")


Origin = Callable[[], tuple[str, str]]
"""Returns of which distribution a plugin is, and its version; read when somebody wants to know."""


@attrs.frozen(kw_only=True)
class PluginInfo:
    """One plugin that was found: where it comes from, what it added, and what went wrong."""

    name: str
    distribution: str
    version: str
    provides: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@attrs.define(kw_only=True)
class _Found:
    """A plugin, and what is known of it so far."""

    name: str
    origin: Origin
    provides: list[str] = attrs.Factory(list)
    faults: list[str] = attrs.Factory(list)

    @property
    def holder(self) -> str:
        distribution, version = self.origin()
        return f"{self.name!r} of {distribution} {version}".rstrip()

    def info(self) -> PluginInfo:
        distribution, version = self.origin()
        return PluginInfo(
            name=self.name,
            distribution=distribution,
            version=version,
            provides=tuple(self.provides),
            faults=tuple(self.faults),
        )


@attrs.define
class Registry:
    """
    Everything that plugins register, by kind and name.

    A plugin is asked what it registers of a kind when a name of that kind is first looked up, so
    that a command does not import what it does not use; threads that look one up meanwhile wait
    until it has answered. Wherever a name is accepted an object is too: :meth:`resolve` gives both
    back as objects.
    """

    manager: pluggy.PluginManager
    codec: Codec
    observer_faults: ObserverFaults = attrs.Factory(ObserverFaults)
    _found: list[_Found] = attrs.Factory(list)
    _named: dict[str, dict[str, Any]] = attrs.Factory(dict)
    _pending: dict[str, list[tuple[Any, _Found]]] = attrs.Factory(lambda: {k: [] for k in KINDS})
    _owners: dict[tuple[str, str], _Found] = attrs.Factory(dict)
    _asking: threading.Lock = attrs.Factory(threading.Lock)
    _asker: int | None = None

    @property
    def infos(self) -> list[PluginInfo]:
        """Every plugin with all that it provides; asks for what was not asked for yet."""
        for kind in KINDS:
            self.known(kind)
        return self.infos_so_far

    @property
    def infos_so_far(self) -> list[PluginInfo]:
        """Every plugin with what is known of it by now."""
        return [found.info() for found in self._found]

    def known(self, kind: str) -> Mapping[str, Any]:
        """Return what is registered of a kind, by name; the first of a name has it."""
        with self._asked_alone():
            named = self._named.setdefault(kind, {})
            pending, self._pending[kind] = self._pending[kind], []
            for implementation, found in pending:
                register = self._register(kind, named, found)
                _call(implementation, register, f"{_REGISTER}{KINDS[kind]}", found)
            return dict(named)

    @contextlib.contextmanager
    def _asked_alone(self) -> Iterator[None]:
        """Let others wait; what a plugin registers of one kind may look up names of another."""
        if self._asker == asker():
            yield
            return
        with self._asking:
            self._asker = asker()
            try:
                yield
            finally:
                self._asker = None

    def added(self, kind: str) -> dict[str, Any]:
        """Return what others than the library itself registered of a kind, by name."""
        named = self.known(kind)
        return {n: one for n, one in named.items() if self._owners[kind, n].name != _BUILTIN}

    def holder(self, kind: str, name: str) -> str:
        """Return which plugin registered a name, with its distribution and version."""
        return self._owners[kind, name].holder

    def names(self, kind: str) -> list[str]:
        """Return the registered names of a kind, sorted."""
        return sorted(self.known(kind))

    def resolve(self, kind: str, wanted: Any) -> Any:
        """
        Return what *wanted* names; an object comes back as it is.

        Args:
            kind: One of :data:`KINDS`.
            wanted: A registered name, ``file.py:name``, what was made of one, or an object.

        Raises:
            UnknownNameError: Nothing of that name is registered; lists what is.
            InvalidInputError: The file does not have that name, or is given without one; or what
                it has cannot be of that kind.
        """
        if not isinstance(wanted, str):
            return wanted.thing if isinstance(wanted, NamedPlugin) else wanted
        named = self.known(kind)
        if wanted in named:
            return named[wanted]
        if place := place_in(wanted):
            found = from_file(*place, kind=kind)
            is_class = kind == "projection" and isinstance(found, type)
            return checked(kind, found() if is_class else found)
        raise UnknownNameError(kind, wanted, named)

    def observe(self, hook: str, *news: Mapping[str, Any]) -> None:
        """
        Call every implementation of an observer hook; one that fails breaks nothing.

        Args:
            news: The hook's arguments by name, once for each time that it is called.
        """
        calls = [
            (
                called_of(hook, one),
                partial(one.function, **{name: arguments[name] for name in one.argnames}),
            )
            for arguments in news
            for one in getattr(self.manager.hook, hook).get_hookimpls()
        ]

        def failed(i: int, fault: BaseException) -> None:
            self.observer_faults.add(fault, observer=f"plugin {calls[i][0].plugin}", hook=hook)

        tell_in_time(calls, failed)

    def has(self, hook: str) -> bool:
        """Tell whether any plugin implements a hook."""
        return bool(getattr(self.manager.hook, hook).get_hookimpls())

    def has_added(self, hook: str) -> bool:
        """Tell whether any plugin but the built-in one implements a hook."""
        found = getattr(self.manager.hook, hook).get_hookimpls()
        return any(one.plugin_name != _BUILTIN for one in found)

    def chain(self, hook: str, text: str) -> str:
        """
        Hand a text through every implementation of a hook, one after the other.

        Raises:
            PluginError: One failed, gave no answer in time, or returned no text.
        """
        return apart(lambda: self._chained(hook, text))

    def _chained(self, hook: str, text: str) -> str:
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            changed = answer_of_hook(hook, implementation, text)
            if isinstance(changed, PluginError):
                raise changed
            if isinstance(changed, BaseException):
                what = f"{hook} failed: {type(changed).__name__}: {changed}"
                raise PluginError(implementation.plugin_name, what) from changed
            if not isinstance(changed, str):
                # What it returned may hold what was to be taken out, so only its type is said.
                what = f"{hook} returned {type(changed).__name__}, not the text"
                raise PluginError(implementation.plugin_name, what)
            text = changed
        return text

    def answers(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """
        Yield each plugin's name and answer, the built-in one last; an error is an answer.

        What values hold is each plugin's own copy: what one changes there, nobody else sees.
        """
        for implementation in reversed(getattr(self.manager.hook, hook).get_hookimpls()):
            given = {name: arguments[name] for name in implementation.argnames}
            if implementation.plugin_name == _BUILTIN:
                yield _BUILTIN, answer_of(implementation.function, **given)
            else:
                given = {name: own_copy(name, value) for name, value in given.items()}
                yield implementation.plugin_name, answer_of_hook(hook, implementation, **given)

    def first(self, hook: str, *, of: Kinds = object, **arguments: Any) -> Any:
        """Return the first answer of a hook, as :meth:`told` has them; None if there is none."""
        return next((answer for _plugin, answer in self.told(hook, of=of, **arguments)), None)

    def told(self, hook: str, *, of: Kinds = object, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """
        Yield each plugin's name and answer, of those that answer something.

        An error is none, nor is what is not *of* these types, or no text that can be stored: both
        are logged.
        """
        for plugin, answer in self.answers(hook, **arguments):
            if isinstance(answer, BaseException):
                _narrator.error("hook failed", hook=hook, plugin=plugin, exc_info=answer)
            elif why := None if answer is None else misfit(answer, of):
                _narrator.error("hook failed", hook=hook, plugin=plugin, why=why)
            elif answer is not None:
                yield plugin, answer

    def add(self, plugin: Any, *, name: str, origin: Origin) -> None:
        """
        Register a plugin; what is wrong with it is kept, not raised.

        A second plugin of a name is listed with its distribution behind it, a third is numbered.
        """
        found = _Found(name=self._free(name, origin), origin=origin)
        self._found.append(found)
        if self.manager.is_registered(plugin):
            found.faults.append(f"it is registered already, as {self.manager.get_name(plugin)!r}")
        else:
            self._register_hooks(plugin, found)

    def add_failed(self, why: str, *, name: str, origin: Origin) -> None:
        """Keep the name of a plugin that could not be loaded, and why."""
        self._found.append(_Found(name=self._free(name, origin), origin=origin, faults=[why]))

    def _free(self, name: str, origin: Origin) -> str:
        if not self.manager.has_plugin(name):
            return name
        longer = f"{name}@{origin()[0]}"
        candidates = chain((longer,), (f"{longer} ({n})" for n in count(2)))
        return next(name for name in candidates if not self.manager.has_plugin(name))

    def _register_hooks(self, plugin: Any, found: _Found) -> None:
        try:
            self.manager.register(plugin, found.name)
        except Exception as fault:
            found.faults.append(f"{type(fault).__name__}: {fault}")
            if self.manager.is_registered(plugin):
                self.manager.unregister(plugin)
            return
        hooks = self._hooks_of(plugin)
        refused = [why_refused(one, caller.name) for caller, own in hooks for one in own]
        if whys := [why for why in refused if why]:
            found.faults += [f"{why}; nothing of the plugin is used" for why in whys]
            self.manager.unregister(plugin)
            return
        for caller, own in hooks:
            if caller.has_spec():
                self._take(own, caller.name, found)
            elif not all(one.optionalhook for one in own):
                found.faults.append(_unknown_hook(caller.name))

    def _hooks_of(self, plugin: Any) -> list[tuple[pluggy.HookCaller, list[pluggy.HookImpl]]]:
        """Return each hook that a plugin implements, with the functions that do; often one."""
        callers = dict.fromkeys(self.manager.get_hookcallers(plugin) or [])
        return [
            (caller, [one for one in caller.get_hookimpls() if one.plugin is plugin])
            for caller in callers
        ]

    def _take(self, implementations: list[pluggy.HookImpl], hook: str, found: _Found) -> None:
        if not hook.startswith(_REGISTER):
            found.provides.append(f"hook {hook}")
        elif hook == f"{_REGISTER}events":  # a stored event may be of any type: all are known now
            for implementation in implementations:
                _call(implementation, self._events_register(found), hook, found)
        else:
            kind = next(k for k, plural in KINDS.items() if hook == f"{_REGISTER}{plural}")
            self._pending[kind] += [(implementation, found) for implementation in implementations]

    def _register(
        self, kind: str, named: dict[str, Any], found: _Found
    ) -> Callable[[str, Any], None]:
        def register(name: str, thing: Any) -> None:
            if not isinstance(name, str) or not name:
                what = f"{name!r} cannot name a {kind}: it is not a string; not registered"
                found.faults.append(what)
            elif name in named:
                taken = self._owners[kind, name].holder
                found.faults.append(f"{kind} {name!r} is taken by plugin {taken}; not registered")
            else:
                named[name] = thing
                self._owners[kind, name] = found
                found.provides.append(f"{kind} {name}")

        return register

    def _events_register(self, found: _Found) -> Callable[..., None]:
        def register(
            event_class: type, *, upcasters: Mapping[int, Callable[..., Any]] | None = None
        ) -> None:
            self.codec.register(event_class, upcasters=upcasters)
            found.provides.append(f"event {self.codec.kind_of(event_class).name}")

        return register


def checked(kind: str, thing: Any) -> Any:
    """
    Return *thing* if it can be of that kind.

    Raises:
        InvalidInputError: It lacks a method, or is a class where an object is asked for.
    """
    missing = [name for name in _METHODS.get(kind, ()) if not callable(getattr(thing, name, None))]
    if missing:
        raise InvalidInputError(
            f"{thing!r} is no {kind}: it has no {', '.join(missing)}().", name=kind, value=thing
        )
    if isinstance(thing, type) and kind in _METHODS and kind != "calibrator":
        raise InvalidInputError(
            f"{thing!r} is a class: name an {kind} that is made of it.", name=kind, value=thing
        )
    return thing


def _call(implementation: Any, register: Callable[..., None], hook: str, found: _Found) -> None:
    if found.name == _BUILTIN:  # not worth a thread when a command begins
        implementation.function(register)
        return
    fault = answer_of_hook(hook, implementation, register)
    if isinstance(fault, PluginError):
        found.faults.append(fault.what)
    elif isinstance(fault, BaseException):
        found.faults.append(f"{hook}: {type(fault).__name__}: {fault}")


def _unknown_hook(name: str) -> str:
    known = [hook for hook in vars(hookspecs) if hook.startswith("autopack_")]
    return f"there is no hook {name!r}, so nothing calls it.{did_you_mean(name, known)}"
