"""An executor for any model of ``llm`` and its plugins; they are loaded when they are needed."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack_llm.executor import LlmExecutor

__all__ = ["LlmExecutor"]


def __getattr__(name: str) -> Any:
    """Load the executor when it is used: every command loads the plugin, few begin a drain."""
    if name in __all__:
        from autopack_llm.executor import LlmExecutor

        return LlmExecutor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
