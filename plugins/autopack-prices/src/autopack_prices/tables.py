"""A table from a file, and what a call costs by it."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from autopack.errors import InvalidInputError
from autopack.exchange.run_files import prices_from_file
from autopack.prediction.calibration.price_table import PriceTable
from autopack.values.money import Usd


def table_in(path: Path) -> PriceTable:
    """
    Return the table that a file holds; it is read again when it has changed.

    Raises:
        InvalidInputError: There is no such file, or it holds no prices.
    """
    try:
        state = path.stat()
    except OSError as fault:
        raise InvalidInputError(f"{path} cannot be read: {fault.strerror}.") from fault
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, _changed_at_ns: int, _size: int) -> PriceTable:
    return prices_from_file(path)


def usd_of(table: PriceTable, usage: Any, at: datetime) -> Usd | None:
    """
    Return what a call cost by the table, or None where it cannot be told.

    The model that answered is looked up, else the one that was asked for. Input or output that
    nobody knows makes the price unknown; a part of the input of which nobody said that it came
    from a cache has the ordinary price.
    """
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    for model in (usage.response_model, usage.request_model):
        usd = table.usd(
            model,
            at,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens or 0,
            cache_write_tokens=usage.cache_write_tokens or 0,
        )
        if usd is not None:
            return usd
    return None
