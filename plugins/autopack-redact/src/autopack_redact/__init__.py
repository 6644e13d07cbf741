"""Keeps keys and passwords out of a log: what is redacted was never there."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack_redact.redactor import Redactor

__all__ = ["Redactor"]


def __getattr__(name: str) -> Any:
    """Load the redactor when it is used: every command loads the plugin, few store a text."""
    if name == "Redactor":
        from autopack_redact.redactor import Redactor

        return Redactor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
