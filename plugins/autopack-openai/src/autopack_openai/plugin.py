"""What the entry point finds; the client is loaded by a drain that calls it."""

from autopack.plugins.hookspecs import Register, hookimpl


@hookimpl
def autopack_register_executors(register: Register) -> None:
    """Register ``openai``."""
    from autopack_openai.executor import OpenAIExecutor

    register(OpenAIExecutor.name, OpenAIExecutor)
