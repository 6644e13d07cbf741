"""A call's figures as its event takes them: named, possible, and with what follows from them."""

from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.events import LlmUsageRecorded
from autopack.events.usage import figure_fault, is_cut_off
from autopack.ports.usage import UsageFigures
from autopack.values.money import Usd

_NAMES: Final = frozenset(LlmUsageRecorded.__annotations__) - {
    "run_id", "phase_id", "attempt", "lease_token", "call_id", "late", "request_model",
}  # fmt: skip

_MEANT: Final = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "cached_tokens": "cache_read_tokens",
    "cache_read_input_tokens": "cache_read_tokens, which input_tokens includes",
    "cache_creation_input_tokens": "cache_write_tokens, which input_tokens includes",
    "prompt_token_count": "input_tokens",
    "candidates_token_count": "output_tokens, with thoughts_token_count",
    "thoughts_token_count": "reasoning_tokens",
    "thinking_tokens": "reasoning_tokens",
    "finish_reason": "stop_reason",
    "cost": "cost_usd",
    "latency_s": "duration_s",
    "id": "call_id",
}
"""What providers call a figure, and what it is called here."""


def checked(figures: UsageFigures) -> dict[str, Any]:
    """
    Return figures as an event takes them.

    Raises:
        InvalidInputError: There is no such figure, or they cannot be so together.
    """
    if unknown := sorted(set(figures) - _NAMES):
        meant = [f"{name} is {_MEANT[name]} here" for name in unknown if name in _MEANT]
        hint = f"{'; '.join(meant)}. A provider's answer goes to record_response() as it is. "
        raise InvalidInputError(
            f"record_usage() has no figure {', '.join(unknown)}. {hint if meant else ''}"
            f"It takes: {', '.join(sorted(_NAMES))}.",
            name="figures",
            value=tuple(unknown),
        )
    told = {name: _whole(name, value) for name, value in figures.items()}
    check_possible(told)
    parts = told.get("input_tokens"), told.get("output_tokens")
    if told.get("total_tokens") is None and None not in parts:
        told["total_tokens"] = sum(parts)
    if told.get("truncated") is None:
        told["truncated"] = is_cut_off(told)
    if told.get("cost_usd") is not None:
        told["cost_usd"] = Usd.of(told["cost_usd"])
    return told


def _whole(name: str, value: Any) -> Any:
    """Return a count of tokens as a whole number: some clients tell 5.0, and none half a token."""
    if not name.endswith("_tokens") or not isinstance(value, float):
        return value
    if not value.is_integer():
        raise InvalidInputError(
            f"{name} is {value!r}; tokens are a whole number, 0 or more.", name=name, value=value
        )
    return int(value)


def check_possible(figures: dict[str, Any]) -> None:
    """
    Return if no part is larger than its whole, and the total is what its parts add up to.

    Raises:
        InvalidInputError: They cannot be so; says by which convention they were probably meant.
    """
    if (fault := figure_fault(figures)) is not None:
        name, why = fault
        raise InvalidInputError(why, name=name, value=figures.get(name))
