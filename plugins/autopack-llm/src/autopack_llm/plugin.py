"""What the entry point finds; ``llm`` is loaded by a drain that calls it."""

from autopack.plugins.hookspecs import Register, hookimpl


@hookimpl
def autopack_register_executors(register: Register) -> None:
    """Register ``llm``."""
    from autopack_llm.executor import LlmExecutor

    register(LlmExecutor.name, LlmExecutor)
