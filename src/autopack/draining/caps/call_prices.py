"""What a recorded call cost: as its provider reported it, else by a plugin's price table."""

from typing import Any

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.base import told
from autopack.events import LlmUsageRecorded
from autopack.plugins.narrator import Narrator
from autopack.plugins.registry import Registry
from autopack.values.money import Usd


def price_of(registry: Registry, usage: LlmUsageRecorded) -> Usd | None:
    """Return a call's cost in USD, or None where nobody knows it."""
    if usage.cost_usd is not None:
        return usage.cost_usd
    priced: Any = registry.first("autopack_price_usage", usage=usage)
    try:
        return None if priced is None else Usd.computed(priced)
    except InvalidInputError:  # no cap can count with it
        what = "a plugin's price is none"
        Narrator("autopack.caps").error(what, price=told(priced), model=usage.request_model)
        return None


def priced(registry: Registry, usage: LlmUsageRecorded) -> LlmUsageRecorded:
    """
    Return a call with the price that a plugin computes for it, if its provider reported none.

    Asked once, before the call is recorded: what caps and limits count is a fact of the log.
    """
    usd = None if usage.cost_usd is not None else price_of(registry, usage)
    if usd is None:
        return usage
    found: LlmUsageRecorded = attrs.evolve(usage, cost_usd=usd, cost_source="computed")  # type: ignore[misc]
    return found


def price_ahead(
    registry: Registry, model: str | None, *, input_tokens: int, output_tokens: int
) -> Usd | None:
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
