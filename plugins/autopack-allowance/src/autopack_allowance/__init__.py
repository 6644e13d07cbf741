"""A drain strategy with a daily allowance of tokens and quiet hours."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack_allowance.hours import QuietHours
    from autopack_allowance.strategy import Allowance

__all__ = ["Allowance", "QuietHours"]


def __getattr__(name: str) -> Any:
    """Load a class when it is used: every command loads the plugin, few need the strategy."""
    if name == "Allowance":
        from autopack_allowance.strategy import Allowance

        return Allowance
    if name == "QuietHours":
        from autopack_allowance.hours import QuietHours

        return QuietHours
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
