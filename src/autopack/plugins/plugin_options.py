"""Makes a registered class with a user's options, or says which option is wrong."""

import inspect
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.plugins.option_types import MisfitError, fitted, read, types_of

_LETTERS: Final = {"strategy": "-s", "executor": "-x", "workspace": "-w", "launcher": "-l"}
"""By kind, the option of commands that gives an option."""
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


@attrs.frozen
class NamedPlugin:
    """An object that was made of what is registered under a name, with the options it was given."""

    name: str
    thing: Any
    options: Mapping[str, Any]


def made_with(
    found: Any, kind: str, name: str, options: Mapping[str, Any], usual: Mapping[str, Any] = _NONE
) -> Any:
    """
    Return an object of a registered class.

    Options are held to the types that the class gives them, before it is made; those that it gives
    no type go unchecked.

    Args:
        usual: Options for those classes that have them and are given no other.

    Raises:
        InvalidInputError: *found* is no class, has no such option, or one of another type.
    """
    if not isinstance(found, type):
        raise InvalidInputError(
            f"The {kind} {name!r} takes no options; {', '.join(options)} was given.",
            name=kind,
            value=name,
        )
    known = _known(found)
    if unknown := sorted(set(options) - set(known)):
        raise InvalidInputError(
            f"The {kind} {name!r} has no option {', '.join(unknown)}."
            f"{did_you_mean(unknown[0], known)} It has: {', '.join(known) or 'none'}.",
            name=f"{kind}.{unknown[0]}",
            value=options[unknown[0]],
        )
    given = {one: value for one, value in usual.items() if one in known} | {
        one: _fitted(value, one, found, kind, name) for one, value in options.items()
    }
    check_whole(found, kind, given)
    try:
        return found(**given)
    except (TypeError, ValueError, AttributeError) as fault:
        raise InvalidInputError(
            f"The {kind} {name!r} refuses its options: {fault}", name=kind, value=name
        ) from fault


def read_options(found: Any, texts: Mapping[str, str]) -> dict[str, Any]:
    """
    Return what typed options mean to a registered class: JSON, or a text as it was typed.

    Raises:
        InvalidInputError: One is nested too deeply.
    """
    types = types_of(found) if isinstance(found, type) else {}
    values: dict[str, Any] = {}
    for name, text in texts.items():
        try:
            values[name] = read(text, types.get(name, Any))
        except RecursionError as fault:
            raise InvalidInputError(
                f"Option {name} is nested too deeply.", name=name, value=text
            ) from fault
    return values


def _known(found: type) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(found).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {one.name: one for one in parameters if one.kind in named}


def _fitted(value: Any, option: str, found: type, kind: str, name: str) -> Any:
    """Return an option's value as its type has it; its default is right whatever that says."""
    hint, known = types_of(found).get(option, Any), _known(found)
    if value is known[option].default:
        return value
    try:
        return fitted(value, hint)
    except MisfitError as fault:
        joined = isinstance(value, str) and any(f":{one}=" in value for one in known)
        comma = " Several options have a comma between them, no colon." if joined else ""
        raise InvalidInputError(
            f"The {kind} {name!r} refuses its options: {option} {fault}.{comma}",
            name=f"{kind}.{option}",
            value=value,
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
