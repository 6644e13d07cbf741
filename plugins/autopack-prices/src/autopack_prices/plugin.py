"""What the entry point finds: quiet unless a table is named, and nothing loaded before that."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from autopack.plugins.hookspecs import Register, hookimpl
from autopack.values.money import Usd
from autopack_prices.environment import GENAI, named_table

if TYPE_CHECKING:
    from autopack.events import LlmUsageRecorded


@hookimpl
def autopack_price_usage(usage: "LlmUsageRecorded") -> Usd | None:
    """Return what a call costs today by what ``AUTOPACK_PRICES`` names."""
    if (path := named_table()) is None:
        return None
    now = datetime.fromtimestamp(time.time(), UTC)
    if path.name == GENAI:
        from autopack_prices.genai import usd_of

        return usd_of(usage, now)
    from autopack_prices.tables import table_in

    return table_in(path).price(usage, now)


@hookimpl
def autopack_guard_drain() -> str | None:
    """Refuse a drain whose table cannot be read: its prices would be missing one by one."""
    if (path := named_table()) is None:
        return None
    from autopack.errors import InvalidInputError
    from autopack_prices.genai import check
    from autopack_prices.tables import table_in

    try:
        check() if path.name == GENAI else table_in(path)
    except InvalidInputError as fault:
        return f"AUTOPACK_PRICES: {fault}"
    return None


@hookimpl
def autopack_register_commands(register: Register) -> None:
    """Register ``autopack prices``."""
    from autopack_prices.command import prices

    register("prices", prices)
