"""The parts of a drain that are named or given: found by name, and checked by kind."""

import inspect
from collections.abc import Mapping
from typing import Any

import attrs

from autopack.draining.strategies.one_phase import One
from autopack.errors import InvalidInputError
from autopack.events.json_values import json_fault
from autopack.plugins.plugin_options import NamedPlugin, check_whole
from autopack.plugins.registry import Registry
from autopack.prediction.calibrators import calibrator_of
from autopack.values.ids import PhaseRef


def named_strategy(registry: Registry, wanted: Any) -> tuple[str, Any]:
    """Return a strategy's name, and what is asked for a choice; for those that need no phase."""
    return name_in(registry, "strategy", wanted), strategy_of(registry, wanted, None, None)


def name_in(registry: Registry, kind: str, wanted: Any) -> str:
    """
    Return what a part is called in the log: as it was named, wherever it was.

    An object without a name of its own is called as its class is registered.
    """
    if isinstance(wanted, str | NamedPlugin):
        return wanted if isinstance(wanted, str) else wanted.name
    if getattr(wanted, "name", None) is None and not inspect.isroutine(wanted):
        made_of = (name for name, one in registry.known(kind).items() if one is type(wanted))
        if registered := next(made_of, None):
            return registered
    return name_of(wanted)


def check_executor(registry: Registry, wanted: Any) -> Any:
    """Return the executor that is meant, if it can be one."""
    found = made_of(registry.resolve("executor", wanted), "executor")
    execute = getattr(found, "execute", found)
    if not callable(execute):
        raise InvalidInputError(
            f"{found!r} is no executor: it has no execute(phase, attempt) and cannot be called.",
            name="executor",
            value=found,
        )
    check_takes(execute, "executor", "phase", "attempt")
    if prepare := getattr(found, "prepare", None):
        check_takes(prepare, "executor's prepare", "run")
    return found


def executors_named(registry: Registry, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the further executors of a drain by the names that its strategy uses."""
    if not isinstance(wanted, Mapping) or not all(isinstance(n, str) and n for n in wanted):
        raise InvalidInputError(
            f"executors is {wanted!r}; give executors by name, as {{'codex': ...}}.",
            name="executors",
            value=wanted,
        )
    return {name: check_executor(registry, one) for name, one in wanted.items()}


def calibrator_named(registry: Registry, wanted: Any, estimator: str, tau: float) -> Any:
    """Return a calibrator with the drain's share and estimator, or None if there is none."""
    if wanted is None:
        return None
    return calibrator_of(registry, wanted, {"tau": tau, "estimator": estimator})


def strategy_of(registry: Registry, wanted: Any, run_id: str | None, phase_id: str | None) -> Any:
    """Return what is asked for a choice; ``one`` needs to know its phase."""
    found = registry.resolve("strategy", wanted)
    if found is One:
        if run_id is None or phase_id is None:
            raise InvalidInputError(
                "Strategy 'one' takes one phase: name its run and phase.",
                name="strategy",
                value=wanted,
            )
        return One(PhaseRef(run_id, phase_id))
    found = made_of(found, "strategy")
    if not callable(found):
        raise InvalidInputError(
            f"{found!r} is no strategy: it cannot be called with a DrainView.",
            name="strategy",
            value=found,
        )
    check_takes(found, "strategy", "view")
    return found


def made_of(found: Any, kind: str) -> Any:
    """Return what was found; a class is made without arguments."""
    if not isinstance(found, type):
        return found
    check_whole(found, kind, ())
    try:
        return found()
    except TypeError as fault:
        raise InvalidInputError(
            f"The {kind} {found.__qualname__} cannot be made without options: {fault}. "
            "Name them, or give an object.",
            name=kind,
            value=found,
        ) from fault


def check_takes(call: Any, kind: str, *names: str) -> None:
    """Refuse what cannot be called with these arguments; what cannot be looked at passes."""
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*names)
    except TypeError as fault:
        raise InvalidInputError(
            f"The {kind} {name_of(call)}{signature} cannot be called with "
            f"({', '.join(names)}): {fault}.",
            name=kind,
            value=call,
        ) from fault


def name_of(thing: Any) -> str:
    """Return what an object that was given is called in the log."""
    named = getattr(thing, "name", None) or getattr(thing, "__qualname__", None)
    return str(named or type(thing).__qualname__)


def options_in(wanted: Any, strategy: Any) -> dict[str, Any]:
    """
    Return the options of which a strategy can be made again, if they are plain.

    Args:
        wanted: As it was named, or given.
        strategy: What is asked for a choice: itself, or what was made of it.
    """
    plain = plain_options_of(strategy)
    if plain or not isinstance(wanted, NamedPlugin):
        return plain
    return dict(wanted.options) if json_fault(wanted.options) is None else {}


def plain_options_of(strategy: Any) -> dict[str, Any]:
    """Return the plain options of a strategy that has some, so that a drain can be gone on with."""
    if isinstance(strategy, type) or not attrs.has(type(strategy)):
        return {}
    fields = [field for field in attrs.fields(type(strategy)) if field.init]
    values = {field.name: getattr(strategy, field.name) for field in fields}
    plain = {name: value for name, value in values.items() if _is_plain(value)}
    is_whole = all(f.name in plain or values[f.name] == _default_of(f) for f in fields)
    if not is_whole:
        return {}  # with a part of them it would be another strategy
    return {n: list(value) if isinstance(value, tuple) else value for n, value in plain.items()}


def _default_of(field: "attrs.Attribute[Any]") -> Any:
    default: Any = field.default
    return default.factory() if hasattr(default, "factory") else default


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, int | float | str)
