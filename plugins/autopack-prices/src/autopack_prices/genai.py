"""What the package genai-prices makes of a call: dated prices of many vendors' models."""

from datetime import datetime
from typing import TYPE_CHECKING

from autopack.errors import InvalidInputError
from autopack.events.usage import HOUR_WRITES
from autopack.values.money import Usd
from autopack_prices.environment import GENAI, PRICES

if TYPE_CHECKING:
    from autopack.events import LlmUsageRecorded


def check() -> None:
    """
    Return if the package is there.

    Raises:
        InvalidInputError: It is not.
    """
    try:
        import genai_prices  # noqa: F401 - whether it is there
    except ImportError as fault:
        raise InvalidInputError(
            f"{GENAI} is not installed: pip install 'autopack-prices[genai]'.",
            name=PRICES,
            value=GENAI,
        ) from fault


def usd_of(usage: "LlmUsageRecorded", at: datetime) -> Usd | None:
    """Return what a call cost by its model's prices of that day; None where they are not known."""
    from genai_prices import Usage, calc_price

    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    hour = usage.source_fields.get(HOUR_WRITES)
    used = Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cache_read_tokens or 0,
        cache_write_tokens=usage.cache_write_tokens or 0,
        cache_write_1h_tokens=hour if type(hour) is int else 0,
        output_tokens=usage.output_tokens,
    )
    for model in (usage.response_model, usage.request_model):
        if model is None:
            continue
        try:
            price = calc_price(used, model, genai_request_timestamp=at)
        except LookupError:
            continue
        return Usd.computed(price.total_price)
    return None
