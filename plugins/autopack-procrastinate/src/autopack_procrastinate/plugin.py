"""What the entry point finds: one registration."""

from autopack import hookimpl
from autopack.plugins.hookspecs import Register


@hookimpl
def autopack_register_launchers(register: Register) -> None:
    """Register ``procrastinate``."""
    from autopack_procrastinate.jobs import ProcrastinateLauncher

    register("procrastinate", ProcrastinateLauncher)
