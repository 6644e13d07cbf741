"""Dated prices of models, from a file, or by the name under which a plugin registers them."""

from pathlib import Path
from typing import Final

from autopack.errors import InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.plugins.registry import Registry
from autopack.prediction.calibration.price_table import PriceTable

_ENDINGS: Final = (".toml", ".yaml", ".yml", ".json")


def read_prices(path: Path | str, *, plugins: Registry | None = None) -> PriceTable:
    """
    Return the prices that a file gives, or those that a plugin registers.

    Args:
        path: A TOML, YAML or JSON file; ``docs/prices.md`` has its fields. Or a registered name,
            such as ``genai`` of the package ``autopack-prices``.
        plugins: Where a name is looked up; else among all that are installed.

    Raises:
        InvalidInputError: There is no such file or name, or it holds no prices; says which field
            is wrong.
    """
    from autopack.exchange.run_files import prices_from_file
    from autopack.plugins.discovery import load_plugins
    from autopack.prediction.named_prices import prices_named

    file, name = Path(path), str(path)
    if file.suffix.lower() in _ENDINGS or file.exists() or file.name != name:
        return prices_from_file(file)
    registry = plugins if plugins is not None else load_plugins()
    if name not in (known := registry.names("prices")):
        raise InvalidInputError(
            f"There is no file {name}, and no prices have that name.{did_you_mean(name, known)} "
            f"Known: {', '.join(known) or 'none'}.",
            name="prices",
            value=name,
        )
    return prices_named(registry, name)
