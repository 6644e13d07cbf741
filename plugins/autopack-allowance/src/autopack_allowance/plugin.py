"""What the entry point finds: one registration, with nothing else loaded before it is needed."""

from autopack import hookimpl
from autopack.plugins.hookspecs import Register


@hookimpl
def autopack_register_strategies(register: Register) -> None:
    """Register ``allowance``: the class, so that its settings are read when a drain begins."""
    from autopack_allowance.strategy import Allowance

    register(Allowance.name, Allowance)
