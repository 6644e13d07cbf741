"""
Public names that are loaded when they are first asked for (PEP 562).

A module shows its names to type checkers as imports, and the same lines are read here, so that
each name is listed once.
"""

TYPE_CHECKING = False
"""True to type checkers, which know it by its name; ``typing`` takes longer to load than this."""

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import Any


def shown_by(spec: "ModuleSpec") -> dict[str, str]:
    """Return the home of each name that a module imports for type checkers, in their order."""
    loader: Any = spec.loader
    source: str = loader.get_data(spec.origin).decode()
    lines = (line.split() for line in source.splitlines() if line.startswith("    from autopack."))
    return {name: home for _from, home, _import, name, *_as in lines}


def loaded(name: str, homes: dict[str, str], space: "dict[str, Any]") -> "Any":
    """
    Return a public name's value, and keep it in the module's *space* for the next time.

    Raises:
        AttributeError: The module has no such name.
    """
    if name not in homes:
        raise AttributeError(f"module {space['__name__']!r} has no attribute {name!r}")
    from importlib import import_module

    value = space[name] = getattr(import_module(homes[name]), name)
    return value
