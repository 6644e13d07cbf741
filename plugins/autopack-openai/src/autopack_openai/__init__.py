"""An executor for any OpenAI-compatible endpoint; the client is loaded when it is first needed."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack_openai.executor import OpenAIExecutor

__all__ = ["OpenAIExecutor"]


def __getattr__(name: str) -> Any:
    """Load the executor when it is used: every command loads the plugin, few begin a drain."""
    if name in __all__:
        from autopack_openai.executor import OpenAIExecutor

        return OpenAIExecutor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
