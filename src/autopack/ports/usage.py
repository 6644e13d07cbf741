"""The figures of a call, as they are told to ``record_usage`` and ``amend_usage``."""

from collections.abc import Mapping
from typing import Any, TypedDict

from autopack.events.usage import CostSource, Split
from autopack.values.money import UsdLike


class AmendedFigures(TypedDict, total=False):
    """What a source may later give otherwise; what is left out stays as it was."""

    input_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    total_tokens: int | None
    cost_usd: UsdLike | None
    split: Split


class UsageFigures(AmendedFigures, total=False):
    """
    What is known of one call; what is not known is left out, since unknown is not 0.

    Args:
        provider: Whose model it is; a call is known by its provider and ``call_id``.
        account: Whose limits the provider counts, where there are several.
        response_model: The model that answered, as the provider names it.
        role: What the call was for; ``builder`` by default. Only the output of these calls is
            compared with what was predicted.
        input_tokens: Cache reads and writes included.
        cache_read_tokens, cache_write_tokens: Those of the input.
        output_tokens: Reasoning included.
        reasoning_tokens: Those of the output.
        total_tokens: Input and output; their sum, if it is left out.
        max_tokens: The most output that the call was allowed.
        split: How input and output are known: ``measured`` (the default), ``inferred`` from the
            total, or ``total_only``.
        stop_reason: Why the answer ended, in the provider's word.
        truncated: Whether it was cut at the limit.
        duration_s: Seconds that the call took.
        cost_usd: USD, exact to 12 decimal places; a float is taken as what it prints as. Without
            it a price plugin is asked.
        cost_source: ``unknown`` if nobody knows whose figure ``cost_usd`` is; ``reported``, the
            provider's own, if it is left out.
        source_fields: What else the provider told, by name; JSON values.
    """

    provider: str | None
    account: str | None
    response_model: str | None
    role: str
    max_tokens: int | None
    stop_reason: str | None
    truncated: bool | None
    duration_s: float | None
    cost_source: CostSource
    source_fields: Mapping[str, Any]
