"""Makes a registered class with a user's options, or says which option is wrong."""

import inspect
from collections.abc import Collection, Mapping
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError

_LETTERS: Final = {"strategy": "-s", "executor": "-x", "workspace": "-w", "launcher": "-l"}
"""By kind, the option of commands that gives an option."""


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
    check_whole(found, kind, options)
    try:
        return found(**options)
    except (TypeError, ValueError, AttributeError) as fault:
        raise InvalidInputError(
            f"The {kind} {name!r} refuses its options: {fault}", name=kind, value=name
        ) from fault


def check_whole(found: type, kind: str, options: Collection[str]) -> None:
    """
    Refuse options that lack one without which a class cannot be made; what has none shown passes.

    Raises:
        InvalidInputError: It names those that are missing, and how to give them.
    """
    try:
        known = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return
    needed = [p.name for p in known if p.default is p.empty and p.kind not in _ANY]
    missing = [name for name in needed if name not in options]
    if not missing:
        return
    examples = [f"{name}={_example(found, name)}" for name in missing]
    letter = _LETTERS.get(kind)
    raise InvalidInputError(
        f"The {kind} {found.__qualname__} cannot be made without options: it needs "
        f"{', '.join(map(repr, missing))}.",
        name=f"{kind}.{missing[0]}",
        value=None,
        do=f"Give an object, made with {', '.join(f'{name}=...' for name in missing)}.",
        typed=f"Give {' '.join(f'{letter} {one}' for one in examples)}." if letter else "",
    )


_ANY: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _example(found: type, name: str) -> str:
    """Return what a field says is a value of it, as one types it."""
    field = attrs.fields_dict(found).get(name) if attrs.has(found) else None
    return "VALUE" if field is None else str(field.metadata.get("example", "VALUE"))
