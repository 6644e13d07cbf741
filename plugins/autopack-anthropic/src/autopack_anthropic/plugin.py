"""What the entry point finds; the client is loaded by a drain that calls it."""

from autopack.plugins.hookspecs import Register, hookimpl


@hookimpl
def autopack_register_executors(register: Register) -> None:
    """Register ``anthropic``."""
    from autopack_anthropic.executor import AnthropicExecutor

    register(AnthropicExecutor.name, AnthropicExecutor)
