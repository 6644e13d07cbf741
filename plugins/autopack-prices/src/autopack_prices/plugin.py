"""What the entry point finds: quiet unless a table is named, and nothing loaded before that."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from autopack.plugins.hookspecs import Register, hookimpl
from autopack.values.money import Usd
from autopack_prices.environment import named_table

if TYPE_CHECKING:
    from autopack.events import LlmUsageRecorded


@hookimpl
def autopack_price_usage(usage: "LlmUsageRecorded") -> Usd | None:
    """Return what a call costs today by the table that ``AUTOPACK_PRICES`` names."""
    path = named_table()
    if path is None:
        return None
    from autopack_prices.tables import table_in, usd_of

    return usd_of(table_in(path), usage, datetime.fromtimestamp(time.time(), UTC))


@hookimpl
def autopack_guard_drain() -> str | None:
    """Refuse a drain whose table cannot be read: its prices would be missing one by one."""
    path = named_table()
    if path is None:
        return None
    from autopack.errors import InvalidInputError
    from autopack_prices.tables import table_in

    try:
        table_in(path)
    except InvalidInputError as fault:
        return f"AUTOPACK_PRICES: {fault}"
    return None


@hookimpl
def autopack_register_commands(register: Register) -> None:
    """Register ``autopack prices``."""
    from autopack_prices.command import prices

    register("prices", prices)
