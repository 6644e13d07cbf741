"""Dated prices of models, from a file."""

from pathlib import Path

from autopack.prediction.calibration.price_table import PriceTable


def read_prices(path: Path | str) -> PriceTable:
    """
    Return the prices that a TOML, YAML or JSON file gives; ``docs/draining.md`` has its fields.

    Raises:
        InvalidInputError: There is no such file, or it holds no prices; says which field is wrong.
    """
    from autopack.exchange.run_files import prices_from_file

    return prices_from_file(Path(path))
