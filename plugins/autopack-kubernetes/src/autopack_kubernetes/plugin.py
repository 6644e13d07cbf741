"""What the entry point finds: one registration."""

from autopack import hookimpl
from autopack.plugins.hookspecs import Register


@hookimpl
def autopack_register_commands(register: Register) -> None:
    """Register ``kubernetes``."""
    from autopack_kubernetes.command import kubernetes

    register("kubernetes", kubernetes)
