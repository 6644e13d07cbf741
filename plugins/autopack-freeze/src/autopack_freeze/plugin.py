"""What the entry point finds: events, a read model, a guard and a command."""

from typing import TYPE_CHECKING

from autopack.plugins.hookspecs import Register, RegisterEvent, hookimpl

if TYPE_CHECKING:
    from autopack import Log


@hookimpl
def autopack_register_events(register: RegisterEvent) -> None:
    """Register ``freeze.set`` and ``freeze.lifted``."""
    from autopack_freeze.events import FreezeLifted, FreezeSet

    register(FreezeSet)
    register(FreezeLifted)


@hookimpl
def autopack_register_projections(register: Register) -> None:
    """Register ``freezes``: those that hold, by name."""
    from autopack_freeze.held import FREEZES

    register(FREEZES.name, FREEZES)


@hookimpl
def autopack_guard_drain(log: "Log") -> str | None:
    """Refuse a drain while a freeze holds; the reason names each, and who set it."""
    from autopack_freeze.setting import freezes

    found = freezes(log)
    if not found:
        return None
    told = "; ".join(
        f"{one.name} by {one.by} since {one.since:%d %b %H:%M}Z: {one.why}" for one in found
    )
    return (
        f"the log is frozen ({told}). Lift it with: autopack freeze lift {found[0].name} --why ..."
    )


@hookimpl
def autopack_register_commands(register: Register) -> None:
    """Register ``autopack freeze``."""
    from autopack_freeze.command import freeze

    register("freeze", freeze)
