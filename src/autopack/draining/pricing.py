"""What a recorded call cost: as its provider reported it, else by a plugin's price table."""

import math
from typing import Any, SupportsFloat

from autopack.events import LlmUsageRecorded
from autopack.narrator import Narrator
from autopack.plugins import Registry


def price_of(registry: Registry, usage: LlmUsageRecorded) -> float | None:
    """Return a call's cost in USD, or None where nobody knows it."""
    if usage.cost_usd is not None:
        return usage.cost_usd
    priced: Any = registry.first("autopack_price_usage", usage=usage)
    if priced is None or _is_price(priced):
        return None if priced is None else float(priced)
    what = "a plugin's price is none"
    Narrator("autopack.caps").error(what, price=repr(priced), model=usage.request_model)
    return None


def _is_price(given: Any) -> bool:
    """Tell whether a cap can count with it: not a number, or less than nothing, would lift it."""
    return isinstance(given, SupportsFloat) and 0 <= float(given) < math.inf


def price_ahead(
    registry: Registry, model: str | None, *, input_tokens: int, output_tokens: int
) -> float | None:
    """Return what a call of that size would cost, or None where nobody knows."""
    if model is None:
        return None
    imagined = LlmUsageRecorded(
        call_id="(not made)",
        request_model=model,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
    )
    return price_of(registry, imagined)
