"""Plain values of a file to attrs classes: strict, and with all that is wrong told at once."""

import json
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any, Final, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, mapping_structure_factory

from autopack.errors import AutopackError, InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.events.json_values import json_fault
from autopack.ports.check_specs import Checks
from autopack.values.money import Usd, UsdLike

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]
Path = tuple[str | int, ...]

_SHOWN: Final = 60
_WORDS: Final[dict[Any, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    Usd: "an amount of USD",
    bool: "true or false",
}


@attrs.frozen
class Misfit:
    """
    Something wrong at one place.

    Args:
        path: The way there: names of fields and keys, and places in lists, from 0.
        says: To be read after the place's name.
        field: The field at that place that is wrong, where its class says so of a whole table.
    """

    path: Path
    says: str
    field: str | None = None


def structured(raw: Any, cls: type[T]) -> T | list[Misfit]:
    """Return *raw* as an instance of an attrs class, or everything that keeps it from being one."""
    try:
        return _CONVERTER.structure(raw, cls)
    except Exception as fault:  # a class may refuse a value with any error
        return _faults(fault, ())


def shown(value: Any) -> str:
    """Return a value in few words, as the author of a file would say it."""
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case str():
            return repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r}..."
        case float():
            return str(value)
        case int():
            return str(value) if abs(value) < 2**63 else "a number of more than 64 bits"
        case list():
            return "a list"
        case Mapping():
            return "a table"
        case date() | time():
            return f"the time {value.isoformat()}"
        case _:
            return f"a value of type {type(value).__name__}"


class _WrongError(Exception):
    """A value is not what its place asks for; the text is to be read after the place's name."""


def _faults(fault: BaseException, path: Path) -> list[Misfit]:
    match fault:
        case BaseExceptionGroup(exceptions=inner):  # cattrs gathers what is wrong at one level
            return [found for one in inner for found in _inner(one, path)]
        case ForbiddenExtraKeysError(cl=cls, extra_fields=names):
            return [Misfit(path, _no_field(name, cls), name) for name in sorted(names)]
        case _WrongError():
            return [Misfit(path, str(fault))]
        case RecursionError():
            return [Misfit(path, "is nested too deeply, or holds itself")]
        case InvalidInputError(name=name, says=says):  # the place says whose it is
            return [Misfit(path, f"cannot be used: {says}", name)]
        case AutopackError():
            return [Misfit(path, f"cannot be used: {fault}")]
        case _:
            return [Misfit(path, f"cannot be used ({fault})")]


def _inner(fault: BaseException, path: Path) -> list[Misfit]:
    """Return what is wrong below *path*; cattrs' note says at which field, key or place."""
    for note in getattr(fault, "__notes__", ()):
        match note:
            case AttributeValidationNote(name=name, type=kind) if isinstance(fault, KeyError):
                must = _WORDS.get(kind, "there")
                return [Misfit((*path, name), f"is missing; it must be {must}")]
            case AttributeValidationNote(name=step) | IterableValidationNote(index=step):
                return _faults(fault, (*path, step))
    return _faults(fault, path)


def _no_field(name: str, cls: Any) -> str:
    known = [field.name for field in attrs.fields(cls)]
    hint = did_you_mean(name, known) or f" Fields: {', '.join(known)}."
    return f"has no field {name!r}.{hint}"


def _scalar(value: Any, hint: Any) -> Any:
    is_whole = type(value) is int and -(2**63) <= value < 2**63
    if type(value) is not hint and not (hint is float and is_whole):
        is_bare = hint is str and isinstance(value, bool | int | float | date | time)
        quotes = ": put it in quotes" if is_bare else ""
        raise _WrongError(f"is {shown(value)}; it must be {_WORDS[hint]}{quotes}")
    if type(value) is int and not is_whole:
        raise _WrongError("is a number of more than 64 bits")
    _check_json(value)
    return hint(value)


def _amount(value: Any, hint: Any) -> Any:
    """Return what stands for an amount of USD as it was given, digit by digit."""
    if isinstance(value, str):
        return Usd.of(value) if hint is Usd else _scalar(value, str)
    given = _scalar(value, int if type(value) is int else float)
    return Usd.of(given) if hint is Usd else given


def _any(value: Any, _hint: Any) -> Any:
    _check_json(value)
    return value


def _check_json(value: Any) -> None:
    if fault := json_fault(value, ""):
        where, _, what = fault.partition(": ")
        place = f" (at {where.removeprefix('.')})" if where else ""
        raise _WrongError(f"cannot be stored as JSON: {what}{place}")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _WrongError("holds half a character, which cannot be stored") from None


def _list(hint: Any) -> Hook:
    item: Any = get_args(hint)[0]
    inner = _CONVERTER.get_structure_hook(list[item])

    def structure(value: Any, _hint: Any) -> Any:
        if item is str and isinstance(value, str):
            value = [value]  # one text stands for a list of it, as it does from Python
        if not isinstance(value, list):
            raise _WrongError(f"is {shown(value)}; it must be a list")
        return tuple(inner(value, hint))

    return structure


def _table(hint: Any) -> Hook:
    return _of_names(mapping_structure_factory(hint, _CONVERTER), hint)


def _object(cls: Any) -> Hook:
    return _of_names(make_dict_structure_fn(cls, _CONVERTER, _cattrs_forbid_extra_keys=True), cls)


def _of_names(inner: Hook, hint: Any) -> Hook:
    def structure(value: Any, _hint: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _WrongError(f"is {shown(value)}; it must be a table")
        for name in value:
            if type(name) is not str:
                raise _WrongError(f"has the name {shown(name)}; a name must be a text")
        return inner(value, hint)

    return structure


def _is_one_of(*kinds: Any) -> Callable[[Any], bool]:
    def is_one(hint: Any) -> bool:
        origin: Any = get_origin(hint)
        return origin in kinds

    return is_one


def _made() -> cattrs.Converter:
    converter = cattrs.Converter()
    for scalar in _WORDS:
        converter.register_structure_hook(scalar, _scalar)
    converter.register_structure_hook_func(lambda hint: hint is Any, _any)
    converter.register_structure_hook_func(lambda hint: hint == Checks | None, _any)
    converter.register_structure_hook(Usd, _amount)
    converter.register_structure_hook_func(lambda hint: hint == UsdLike, _amount)
    converter.register_structure_hook_factory(_is_one_of(tuple), _list)
    converter.register_structure_hook_factory(_is_one_of(dict, Mapping), _table)
    converter.register_structure_hook_factory(attrs.has, _object)
    return converter


_CONVERTER: Final = _made()
