"""Tables of prices by the names under which plugins register them."""

from typing import Any

import attrs

from autopack.errors import InvalidInputError
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
