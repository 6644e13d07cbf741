"""The ``@event`` decorator, and the value types of event fields."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, wraps
from typing import Annotated, Any, TypeVar, dataclass_transform, get_args

import attrs
import msgspec
from msgspec import Meta

from autopack.errors import InvalidEventError, InvalidInputError
from autopack.limits import NESTED_MOST, moment_fault
from autopack.money import Usd

C = TypeVar("C", bound=type)

Tokens = Annotated[int, Meta(ge=0, le=2**53)]
"""A number of tokens; unknown is None, never 0."""
Seconds = Annotated[float, Meta(ge=0, le=1e12)]
"""A duration in seconds, finite."""
Minutes = Annotated[float, Meta(ge=0, le=1e12)]
"""A duration in minutes, finite; of caps, which people give in them."""
Count = Annotated[int, Meta(ge=0, le=2**53)]
"""A number of things."""
Attempt = Annotated[int, Meta(ge=1)]
"""The number of an attempt, from 1."""
Text = Annotated[str, Meta(extra={"free_text": True})]
"""Free text: redacted and cut before it is stored, the whole kept as an artifact."""
Key = Annotated[str, Meta(extra={"key": True})]
"""
A name by which something is found again: a run's, a phase's, a call's. Stored as it is given.

Every other text of an event passes the redaction hook, also within tables, lists and JSON.
"""
Reason = Annotated[str, Meta(min_length=1)]
"""A short code or word that says why; never empty."""
ReasonText = Annotated[str, Meta(min_length=1, extra={"free_text": True})]
"""Free text that says why; never empty."""
Instant = Annotated[datetime, Meta(tz=True)]
"""An aware moment."""
Digest = Annotated[str, Meta(extra={"digest": True})]
"""The SHA-256 of a text beside the log; what is none passes the redaction hook."""
Digests = Mapping[str, Digest]
"""Names of texts to the digests under which they are stored beside the log."""
Json = Any
"""What JSON can say: None, bool, 64-bit int, finite float, str, list, dict with str keys."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field,))
def event(type_name: str, *, schema: int = 1) -> Callable[[C], C]:
    """
    Make a frozen event class whose wrong values do not construct.

    Decorates a bare class, or one that ``attrs.frozen`` has made already.

    Args:
        type_name: The name in the log, dotted and past tense (``"run.created"``). It is a
            format: never renamed, never reused.
        schema: The version of its fields; raise it when a field is added with a default.

    Raises:
        InvalidEventError: The class is not frozen, or a field cannot be told by its name alone.
    """

    def decorate(cls: C) -> C:
        cls = _checked(cls, type_name) if "__attrs_attrs__" in vars(cls) else _made(cls)
        _check_fields(cls, type_name)
        cls.TYPE, cls.SCHEMA = type_name, schema  # type: ignore[attr-defined]
        return cls

    return decorate


def _made(cls: C) -> C:
    """Make an event class of a bare one."""
    own = vars(cls).get("__attrs_post_init__")

    def check(self: Any) -> None:
        if own is not None:
            own(self)
        _check_values(self)

    cls.__attrs_post_init__ = check if own else _check_values  # type: ignore[attr-defined]
    return attrs.frozen(kw_only=True, slots=False, field_transformer=_converted)(cls)


def _checked(cls: C, type_name: str) -> C:
    """Let a class that attrs has made check its values too, as an event class does."""
    if not _is_frozen(cls):
        raise InvalidEventError(type_name, f"{cls.__name__} can be changed; use attrs.frozen")
    made = cls.__init__  # type: ignore[misc]
    tuples = [f.name for f in attrs.fields(cls) if str(f.type).startswith("tuple[")]

    @wraps(made)
    def init(self: Any, *args: Any, **fields: Any) -> None:
        made(self, *args, **fields)
        for name in tuples:
            object.__setattr__(self, name, _to_tuple(getattr(self, name)))
        _check_values(self)

    cls.__init__ = init  # type: ignore[misc]
    return cls


def _is_frozen(cls: type) -> bool:
    try:
        setattr(object.__new__(cls), "TYPE", "")  # noqa: B010 - it is what must not be possible
    except attrs.exceptions.FrozenInstanceError:
        return True
    except AttributeError:  # another slotted class
        pass
    return False


def _check_fields(cls: type, type_name: str) -> None:
    """Refuse fields that an event could not be stored by, or be made of again."""
    for field in attrs.fields(cls):
        default: Any = field.default
        if not field.init or field.alias != field.name:
            why = f"field {field.name!r} is not given by that name: an event is made of its fields"
        elif isinstance(default, attrs.Factory) and default.takes_self:  # type: ignore[arg-type]
            why = f"the default of {field.name!r} is made of other fields: give it by the caller"
        else:
            continue
        raise InvalidEventError(type_name, why)


@cache
def mirror_of(cls: type, *, tells_defaults: bool = False) -> type[msgspec.Struct]:
    """
    Return a strict msgspec twin of an attrs class: unknown fields and wrong types are refused.

    Made when a class is first used: most commands use few.

    Args:
        tells_defaults: Whether fields at their default stand in the JSON. The library's own are
            left out, which keeps rows small: their defaults are part of the format, and the
            tests hold them. Nobody holds those of a plugin, so what it meant is stored.
    """
    attrs.resolve_types(cls, include_extras=True)
    fields: list[Any] = []
    for field in attrs.fields(cls):
        if field.default is attrs.NOTHING:
            fields.append((field.name, field.type))
        elif isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]
            default = msgspec.field(default_factory=field.default.factory)
            fields.append((field.name, field.type, default))
        else:
            fields.append((field.name, field.type, field.default))
    return msgspec.defstruct(
        cls.__name__,
        fields,
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=not tells_defaults,
        gc=False,
    )


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls))


@cache
def _free_fields(cls: type) -> frozenset[str]:
    """Return the fields that hold JSON of any shape."""
    mirror_of(cls)  # resolves the types
    return frozenset(field.name for field in attrs.fields(cls) if field.type is Any)


def json_fault(value: object, where: str = "$", depth: int = 0) -> str | None:
    """Return what makes *value* not JSON, or None: it must come back from the log as it went."""
    if depth > NESTED_MOST:
        return f"{where[:60]}...: it is nested more than {NESTED_MOST} deep"
    match value:
        case None | bool() | str():
            return None
        case int():
            return None if -(2**63) <= value < 2**63 else f"{where}: {value} needs over 64 bits"
        case float():
            return None if abs(value) < float("inf") else f"{where}: {value} is not finite"
        case list():
            inner = depth + 1
            found = (json_fault(item, f"{where}[{i}]", inner) for i, item in enumerate(value))
            return next((fault for fault in found if fault), None)
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    return f"{where}: key {key!r} is not a string"
                if fault := json_fault(item, f"{where}.{key}", depth + 1):
                    return fault
            return None
        case _:
            return f"{where}: {type(value).__name__} is not JSON"


def _check_values(self: Any) -> None:
    try:
        msgspec.convert(
            self, mirror_of(self.__class__), from_attributes=True, dec_hook=stored_value
        )
    except msgspec.ValidationError as refused:
        raise InvalidEventError(self.TYPE, str(refused)) from refused
    free = _free_fields(self.__class__)
    for name in _names(self.__class__):
        value = getattr(self, name)
        if isinstance(value, datetime) and (fault := moment_fault(value)):
            raise InvalidEventError(self.TYPE, f"{name}: {fault}")
        is_free = name in free or isinstance(value, float | dict | list)
        for where, part in _parts(name, value) if not is_free else ((name, value),):
            if fault := json_fault(part, where):
                raise InvalidEventError(self.TYPE, fault)


def _parts(name: str, value: object) -> list[tuple[str, object]]:
    """Return what stands in a tuple and may hold JSON of any shape, with where it stands."""
    items = enumerate(value) if isinstance(value, tuple) else ()
    return [(f"{name}[{i}]", item) for i, item in items if isinstance(item, float | dict | list)]


def _converted(_cls: type, fields: "list[attrs.Attribute[Any]]") -> "list[attrs.Attribute[Any]]":
    return [field.evolve(converter=_converter_of(field.type)) for field in fields]


def _converter_of(hint: Any) -> Callable[[Any], Any] | None:
    if str(hint).startswith("tuple["):
        return _to_tuple
    if hint is Usd or Usd in get_args(hint):
        return _to_usd
    return None


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _to_usd(value: Any) -> Any:
    try:
        return None if value is None else Usd.of(value)
    except InvalidInputError:
        return value  # the check of all fields says in which one it is


def stored_value(kind: type, stored: Any) -> Any:
    """Return a value that JSON has no type for, from what stands for it in a stored event."""
    if kind is Usd:
        return stored if isinstance(stored, Usd) else Usd.stored(stored)
    raise NotImplementedError(f"{kind.__name__} is no type of an event's field")


def storable_value(value: Any) -> Any:
    """Return what stands in a stored event for a value that JSON has no type for."""
    if isinstance(value, Usd):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is not JSON")
