"""Events with values of each kind that their fields allow: few, readable, the same each time."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import attrs

from autopack.errors import InvalidEventError
from autopack.events.cap_table import CapTable
from autopack.values.money import Usd, UsdSum

_PLAIN: Final[Mapping[Any, tuple[Any, ...]]] = {
    NoneType: (None,),
    bool: (False, True),
    float: (0.5,),
    datetime: (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),),
    Usd: (Usd.of("0.25"),),
    UsdSum: (UsdSum.of(Usd.of("0.25")),),
    CapTable: (CapTable.of({"tokens": 5}),),
    Any: ({"any": [1, None]},),
}


def examples(cls: type) -> Iterator[Any]:
    """
    Yield events of a class, in which each choice, each kind and each absence is met once at least.

    Those that the class refuses by checks of its own are left out.
    """
    attrs.resolve_types(cls, include_extras=True)
    values = {field.name: _values(field.type, field.name) for field in attrs.fields(cls)}
    for n in range(max((len(found) for found in values.values()), default=1)):
        try:
            yield cls(**{name: found[n % len(found)] for name, found in values.items()})
        except InvalidEventError:
            continue
        except Exception:  # a validator of the plugin's own may raise anything
            continue


def _values(hint: Any, name: str, low: int = 3) -> tuple[Any, ...]:
    hint = getattr(hint, "__supertype__", hint)
    origin, arms = get_origin(hint), get_args(hint)
    if origin is Annotated:
        least = [one.ge for one in arms[1:] if getattr(one, "ge", None) is not None]
        return _values(arms[0], name, max([low, *least]))
    if origin in (Union, UnionType):
        return tuple(value for arm in arms for value in _values(arm, name, low))
    if origin is Literal:
        return arms
    if origin is tuple:
        return ((), _values(arms[0], name, low))
    if origin is not None and issubclass(origin, Mapping):
        return ({}, {"key": _values(arms[1], name, low)[0]})
    if hint is str:
        return (name,)
    if hint is int:
        return (low,)
    return _PLAIN.get(hint, (None,))
