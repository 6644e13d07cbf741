"""A table from a file, read again when it has changed."""

from functools import lru_cache
from pathlib import Path

from autopack.errors import InvalidInputError
from autopack.exchange.run_files import prices_from_file
from autopack.prediction.calibration.price_table import PriceTable
from autopack_prices.environment import NAME


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


@lru_cache(maxsize=1)
def genai_table() -> PriceTable:
    """Return the prices of the package genai-prices; they do not change while a program runs."""
    from autopack_prices.genai import GenaiPrices

    return PriceTable(name=NAME, source=GenaiPrices())
