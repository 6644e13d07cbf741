"""What the entry point finds: a command."""

from autopack.plugins.hookspecs import Register, hookimpl


@hookimpl
def autopack_register_commands(register: Register) -> None:
    """Register ``autopack serve``."""
    from autopack_web.command import serve

    register("serve", serve)
