"""Tells a webhook, a topic of ntfy or people by mail: drains that stopped, gates, and reports."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack_notify.mail import Mail
    from autopack_notify.ntfy import Ntfy
    from autopack_notify.webhook import Webhook

__all__ = ["Mail", "Ntfy", "Webhook"]


def __getattr__(name: str) -> Any:
    """Load a sender when it is used: every command loads the plugin, few end a drain."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f"autopack_notify.{name.lower()}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
