"""What the entry point finds: one registration."""

from autopack import hookimpl
from autopack.plugins.hookspecs import Register


@hookimpl
def autopack_register_launchers(register: Register) -> None:
    """Register ``slurm``."""
    from autopack_slurm.jobs import SlurmLauncher

    register("slurm", SlurmLauncher)
