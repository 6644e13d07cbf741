"""The types that a plugin's class gives its options, and whether a value is of them."""

import inspect
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from numbers import Integral, Real
from pathlib import PurePath
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from autopack.errors.base import told

_NUMBERS: Final[Mapping[Any, type]] = {int: Integral, float: Real}
_WORDS: Final[Mapping[Any, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    NoneType: "null",
    datetime: "a moment with its zone (2026-01-31T08:00Z)",
}


class MisfitError(Exception):
    """A value is not of the type that is wanted; says so, to be read after the option's name."""


def types_of(found: type) -> dict[str, Any]:
    """
    Return the types of a class's options by name; those that it does not say are left out.

    A type that cannot be looked up, since its module imports it for type checkers alone, is none.
    """
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError, NameError):
        return {}
    names: dict[str, Any] = {}
    for cls in reversed(found.__mro__):  # options may be inherited from another module
        names |= vars(sys.modules.get(cls.__module__, SimpleNamespace()))
    said = {one.name: one.annotation for one in parameters if one.annotation is not one.empty}
    resolved = {name: _resolved(annotation, names) for name, annotation in said.items()}
    return {name: hint for name, hint in resolved.items() if hint is not inspect.Parameter.empty}


def fitted(value: Any, hint: Any) -> Any:
    """
    Return a value as its type has it: a list as a tuple, a text as a path or a moment.

    What nobody can tell, as of a protocol, comes back as it is.

    Raises:
        MisfitError: It is of another type.
    """
    arms, fault = _arms(hint), None
    try:
        if any(_is_of(value, arm) for arm in arms):
            return value
        for arm in arms:
            try:
                return _converted(value, arm)
            except ValueError as misfit:
                fault = misfit
    except TypeError:  # a type that is for type checkers alone
        return value
    raise MisfitError(f"is {_shown(value)}; it must be {wanted(hint)}") from fault


def read(text: str, hint: Any = Any) -> Any:
    """
    Return what a typed text means: JSON is read as JSON, another one is a text.

    Where a text is wanted, and no such JSON, it is the text as it was typed.

    Raises:
        RecursionError: It is nested too deeply.
    """
    try:
        value = json.loads(text)
    except ValueError:
        return text
    try:
        fitted(value, hint)
    except MisfitError:
        return text if str in _arms(hint) else value
    return value


def wanted(hint: Any) -> str:
    """Return what a type asks for, in words."""
    return " or ".join(dict.fromkeys(map(_words, _arms(hint))))


def _resolved(annotation: Any, names: dict[str, Any]) -> Any:
    try:
        said = SimpleNamespace(__annotations__={"option": annotation})
        return get_type_hints(said, globalns=names)["option"]
    except Exception:  # an annotation is any expression
        return inspect.Parameter.empty


def _arms(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _is_of(value: Any, arm: Any) -> bool:
    """Tell whether a value is of a type as it is; of a list's items that does not tell."""
    if arm in _NUMBERS:
        return isinstance(value, _NUMBERS[arm]) and not isinstance(value, bool)
    return arm is Any or (isinstance(arm, type) and isinstance(value, arm))


def _converted(value: Any, arm: Any) -> Any:
    """Return a value as a type has it, or raise a ValueError, as msgspec does."""
    if arm is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)  # which takes one without seconds, too
        if moment.tzinfo is None:
            raise ValueError("it has no zone")
        return moment
    return msgspec.convert(value, arm, dec_hook=_of_class)


def _of_class(kind: type, value: Any) -> Any:
    """Return a value of a class that is no type of JSON; what is of a protocol passes."""
    if issubclass(kind, PurePath) and isinstance(value, str):
        return kind(value)
    if getattr(kind, "_is_protocol", False) or isinstance(value, kind):
        return value
    raise ValueError(f"no {kind.__name__}")


def _words(arm: Any) -> str:
    kind, inner = get_origin(arm) or arm, get_args(arm)
    if kind in _WORDS:
        return _WORDS[kind]
    if kind is Literal:
        return _one_of(inner)
    if not isinstance(kind, type):
        return str(kind)
    if issubclass(kind, Enum):
        return _one_of([one.value for one in kind])
    if issubclass(kind, PurePath):
        return "a path"
    if issubclass(kind, Mapping):
        return "a table" + (f", each value {wanted(inner[1])}" if inner else "")
    if kind in _LISTS or kind.__module__ == "collections.abc":
        return "a list" + (f", each item {wanted(inner[0])}" if inner else "")
    return f"of type {kind.__name__}"


_LISTS: Final = (list, tuple, set, frozenset)


def _one_of(values: Any) -> str:
    return f"one of {', '.join(map(repr, values))}"


def _shown(value: Any) -> str:
    return "a table" if isinstance(value, Mapping) else told(value)  # it may hold secrets
