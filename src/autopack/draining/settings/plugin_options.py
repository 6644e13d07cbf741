"""Makes a registered class with a user's options, or says which option is wrong."""

import inspect
from collections.abc import Mapping
from typing import Any

from autopack.errors import InvalidInputError


def made_with(found: Any, kind: str, name: str, options: Mapping[str, Any]) -> Any:
    """
    Return an object of a registered class.

    Raises:
        InvalidInputError: *found* is no class, or has no such option.
    """
    if not isinstance(found, type):
        raise InvalidInputError(
            f"The {kind} {name!r} takes no options; {', '.join(options)} was given.",
            name=kind,
            value=name,
        )
    known = [
        parameter.name
        for parameter in inspect.signature(found).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    if unknown := sorted(set(options) - set(known)):
        raise InvalidInputError(
            f"The {kind} {name!r} has no option {', '.join(unknown)}. "
            f"It has: {', '.join(known) or 'none'}.",
            name=f"{kind}.{unknown[0]}",
            value=options[unknown[0]],
        )
    try:
        return found(**options)
    except (TypeError, ValueError, AttributeError) as fault:
        raise InvalidInputError(
            f"The {kind} {name!r} refuses its options: {fault}", name=kind, value=name
        ) from fault
