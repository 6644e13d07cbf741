"""An executor for any OpenAI-compatible endpoint; the client is loaded when it is first needed."""

from autopack_openai.executor import OpenAIExecutor as OpenAIExecutor

__all__ = ["OpenAIExecutor"]
