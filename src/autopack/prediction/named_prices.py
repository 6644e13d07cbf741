"""Tables of prices by the names under which plugins register them."""

from os import PathLike
from typing import Any

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.plugins.registry import Registry
from autopack.prediction.calibration.price_table import Plain, PriceSource, PriceTable


def prices_named(registry: Registry, name: str) -> PriceTable:
    """
    Return the table that is registered under a name.

    Raises:
        UnknownNameError: No prices have that name; lists what is registered.
        InvalidInputError: What is registered is neither a table nor a source of one.
    """
    found: Any = registry.resolve("prices", name)
    if isinstance(found, PriceTable):
        return attrs.evolve(found, name=found.name or name)
    if isinstance(found, PriceSource) and callable(found.entries):
        return PriceTable(name=name, source=found)
    raise InvalidInputError(
        f"{found!r}, registered as prices {name!r}, is no table of prices: it lacks a version, "
        "or a method that gives entries.",
        name="prices",
        value=name,
    )


def prices_kept(registry: Registry, kept: Plain) -> PriceTable:
    """Return the table that a log keeps of a drain; one that was asked by its name is again."""
    if hasattr(kept, "get") and "entries" not in kept:
        return prices_named(registry, str(kept.get("name")))
    return PriceTable.of(kept)


def prices_in(registry: Registry, given: PriceTable | Plain | str | None) -> PriceTable | None:
    """
    Return the prices that were given, that a plugin registers, or that the log keeps of a drain.

    Raises:
        InvalidInputError: It is a file, which nobody here opens, or no name that is registered.
    """
    if given is None or isinstance(given, PriceTable):
        return given
    if isinstance(given, str) and given in registry.names("prices"):
        return prices_named(registry, given)
    if isinstance(given, str | PathLike):
        known = ", ".join(registry.names("prices")) or "none"
        raise InvalidInputError(
            f"prices is {str(given)!r}: give prices, as from autopack.read_prices(path), or the "
            f"name of a plugin's.{did_you_mean(str(given), registry.names('prices'))} "
            f"Known: {known}.",
            name="prices",
            value=str(given),
        )
    return prices_kept(registry, given)
