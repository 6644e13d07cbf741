"""Usage as chat completions tell it, which gateways and agents keep: cached input is part of it."""

from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.attempts.read_figures import added
from autopack_histories.calls import counts

_WHOLE: Final = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}
_OF_INPUT: Final = {
    "cached_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cache_creation_tokens": "cache_write_tokens",
}
_OF_OUTPUT: Final = {"reasoning_tokens": "reasoning_tokens"}
_PARTS: Final = {
    "prompt_tokens_details": _OF_INPUT,
    "input_tokens_details": _OF_INPUT,
    "completion_tokens_details": _OF_OUTPUT,
    "output_tokens_details": _OF_OUTPUT,
}


def chat_figures(usage: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a ``usage`` by our names; None if a count is there that is none."""
    found = counts(usage, _WHOLE)
    if found is None:
        return None
    for name, names in _PARTS.items():
        details = usage.get(name)
        told = counts(details, names) if isinstance(details, Mapping) else {}
        if told is None:
            return None
        found |= told
    if not has_details(usage):
        found.pop("reasoning_tokens", None)  # whoever fills in the others fills in 0 here
    found["total_tokens"] = added(found.get("input_tokens"), found.get("output_tokens"))
    return found


def has_details(usage: Mapping[str, Any]) -> bool:
    """Tell whether a provider's own details are there: estimates have none of the input."""
    parts = (usage.get("prompt_tokens_details"), usage.get("input_tokens_details"))
    return any(isinstance(part, Mapping) for part in parts) or "cache_read_input_tokens" in usage
