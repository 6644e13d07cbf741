"""What the entry point finds: quiet unless a table is named, and nothing loaded before that."""

from datetime import datetime
from typing import TYPE_CHECKING

from autopack.plugins.hookspecs import Register, hookimpl
from autopack_prices.environment import NAME, is_genai, named_table

if TYPE_CHECKING:
    from autopack.events import LlmUsageRecorded
    from autopack.types import Quote


@hookimpl
def autopack_register_prices(register: Register) -> None:
    """Register ``genai``, the prices of the package genai-prices."""
    from autopack_prices.genai import GenaiPrices

    register(NAME, GenaiPrices())


@hookimpl
def autopack_price_usage(usage: "LlmUsageRecorded", at: datetime) -> "Quote | None":
    """Return what a call cost at its moment by what ``AUTOPACK_PRICES`` names."""
    if (path := named_table()) is None:
        return None
    from autopack.prediction.calibration.price_table import PricedCall
    from autopack_prices.tables import genai_table, table_in

    table = genai_table() if is_genai(path) else table_in(path)
    quote = table.quote(PricedCall.of(usage), at)
    return None if quote.usd is None else quote


@hookimpl
def autopack_guard_drain() -> str | None:
    """Refuse a drain whose table cannot be read: its prices would be missing one by one."""
    if (path := named_table()) is None:
        return None
    from autopack.errors import InvalidInputError
    from autopack_prices.genai import check
    from autopack_prices.tables import table_in

    try:
        check() if is_genai(path) else table_in(path)
    except InvalidInputError as fault:
        return f"AUTOPACK_PRICES: {fault}"
    return None
