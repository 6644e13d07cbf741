"""Lets nobody drain a log for a while, with the reason in the log."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack_freeze.held import FREEZES, Freeze
    from autopack_freeze.setting import freeze, freezes, lift

__all__ = ["FREEZES", "Freeze", "freeze", "freezes", "lift"]
_HOMES = {"FREEZES": "held", "Freeze": "held"}


def __getattr__(name: str) -> Any:
    """Load a name when it is used: every command loads the plugin, few need it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"autopack_freeze.{_HOMES.get(name, 'setting')}"), name)
