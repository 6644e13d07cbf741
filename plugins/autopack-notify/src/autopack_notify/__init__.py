"""Tells a webhook when a drain has stopped, or a phase waits for a decision."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack_notify.webhook import Webhook

__all__ = ["Webhook"]


def __getattr__(name: str) -> Any:
    """Load the webhook when it is used: every command loads the plugin, few end a drain."""
    if name == "Webhook":
        from autopack_notify.webhook import Webhook

        return Webhook
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
