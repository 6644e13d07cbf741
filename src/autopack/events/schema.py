"""The ``@event`` decorator, and the value types of event fields."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, wraps
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
)

import attrs
import msgspec
from msgspec import Meta

from autopack.errors import InvalidEventError, InvalidInputError
from autopack.events.cap_table import CapTable
from autopack.events.event_methods import EVENT_METHODS
from autopack.events.json_values import SIMPLE, json_fault
from autopack.values.bounds import moment_fault
from autopack.values.decoders import decoder_of
from autopack.values.money import Usd, UsdSum

C = TypeVar("C", bound=type)
_PLAIN: Final = (str, int, bool, NoneType)
_DEEP: Final = (float, dict, list)

Tokens = Annotated[int, Meta(ge=0, le=2**53)]
"""A number of tokens; unknown is None, never 0."""
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
"""A duration in seconds, finite, under 32 years: any moment so far away is in a calendar."""
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
ABSENT: Final = "absent"
"""In a field's metadata: what its absence stands for in JSON, where None has it decided."""
DECIDED: Final = "decided"
"""In a field's metadata: returns what it holds for an event, or raises InvalidEventError."""
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
    for name, method in EVENT_METHODS.items():
        if name not in vars(cls):
            setattr(cls, name, method)
    # Without room for weak references, so that the codec can fill an event in one step.
    return attrs.frozen(kw_only=True, weakref_slot=False, field_transformer=_converted)(cls)


def _checked(cls: C, type_name: str) -> C:
    """Let a class that attrs has made check its values too, as an event class does."""
    if not _is_frozen(cls):
        raise InvalidEventError(type_name, f"{cls.__name__} can be changed; use attrs.frozen")
    made = cls.__init__  # type: ignore[misc]
    found = {field.name: _converter_of(field.type) for field in attrs.fields(cls)}
    converters = {name: converter for name, converter in found.items() if converter is not None}

    @wraps(made)
    def init(self: Any, *args: Any, **fields: Any) -> None:
        made(self, *args, **fields)
        for name, converter in converters.items():
            object.__setattr__(self, name, converter(getattr(self, name)))
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
        default = absent_value(field)
        if default is attrs.NOTHING:
            fields.append((field.name, field.type))
        else:
            fields.append((field.name, field.type, default))
    mirror = msgspec.defstruct(
        cls.__name__,
        fields,
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=not tells_defaults,
        gc=False,
    )
    decoder_of(mirror)  # threads may meet it from here on
    return mirror


def absent_value(field: "attrs.Attribute[Any]") -> Any:
    """Return what the absence of a field in JSON stands for, for msgspec; NOTHING if none may."""
    default: Any = field.metadata.get(ABSENT, field.default)
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return msgspec.field(default_factory=default.factory)
    return default


@cache
def _decided_fields(cls: type) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """Return the fields whose values rest on others, each with what decides it."""
    found = ((field.name, field.metadata.get(DECIDED)) for field in attrs.fields(cls))
    return tuple((name, decide) for name, decide in found if decide is not None)


@cache
def _deep_fields(cls: type) -> tuple[tuple[str, bool], ...]:
    """Return the fields that may hold what their type does not say, and whether it is JSON."""
    mirror_of(cls)  # resolves the types
    return tuple(
        (f.name, f.type is Any)
        for f in attrs.fields(cls)
        if not is_plain(f.type, Usd, UsdSum, CapTable)
    )


def is_plain(hint: Any, *more: Any) -> bool:
    """
    Tell whether a type says all of its values, none of which can be changed.

    Args:
        hint: A field's type.
        more: Types that count as plain too; with ``tuple``, one of plain items does.
    """
    hint = getattr(hint, "__supertype__", hint)
    origin, arms = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return is_plain(arms[0], *more)
    if origin in (Union, UnionType):
        return all(is_plain(arm, *more) for arm in arms)
    if origin is tuple and tuple in more:
        return all(arm is Ellipsis or is_plain(arm) for arm in arms)
    return origin is Literal or hint in _PLAIN or hint in more


def checks_alone(cls: type) -> bool:
    """Tell whether nothing but :func:`event` checks or changes what the class is made of."""
    return vars(cls).get("__attrs_post_init__") is _check_values and all(
        field.validator is None and field.converter in (None, _to_tuple, *_TAKES.values())
        for field in attrs.fields(cls)
    )


def _check_values(self: Any) -> None:
    for name, decide in _decided_fields(self.__class__):
        object.__setattr__(self, name, decide(self))
    try:
        msgspec.convert(
            self, mirror_of(self.__class__), from_attributes=True, dec_hook=stored_value
        )
    except msgspec.ValidationError as refused:
        raise InvalidEventError(self.TYPE, _amount_fault(self) or str(refused)) from refused
    if fault := value_fault(self):
        raise InvalidEventError(self.TYPE, fault)


def value_fault(made: Any) -> str | None:
    """Return what keeps an event from coming back as it went, where its types do not say it."""
    for name, is_json in _deep_fields(made.__class__):
        value = getattr(made, name)
        if type(value) in SIMPLE or (type(value) is dict and not value):
            continue
        if isinstance(value, datetime) and (fault := moment_fault(value)):
            return f"{name}: {fault}"
        if isinstance(value, _DEEP) or is_json:
            if fault := json_fault(value, name):
                return fault
        elif isinstance(value, tuple):  # whose items may hold JSON of any shape
            for i, item in enumerate(value):
                if isinstance(item, _DEEP) and (fault := json_fault(item, f"{name}[{i}]")):
                    return fault
    return None


def _converted(_cls: type, fields: "list[attrs.Attribute[Any]]") -> "list[attrs.Attribute[Any]]":
    return [_taking_more(field) for field in fields]


def _taking_more(field: "attrs.Attribute[Any]") -> "attrs.Attribute[Any]":
    """Return a field that takes what is like a value of its type too, after its own converter."""
    own, ours = field.converter, _converter_of(field.type)
    if ours is None:
        return field
    return field.evolve(converter=attrs.converters.pipe(own, ours) if own else ours)


def _converter_of(hint: Any) -> Callable[[Any], Any] | None:
    if str(hint).startswith("tuple["):
        return _to_tuple
    return next((_TAKES[kind] for kind in (hint, *get_args(hint)) if _is_taken(kind)), None)


def _is_taken(hint: Any) -> bool:
    return isinstance(hint, type) and hint in _TAKES


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _taking(kind: Any) -> Callable[[Any], Any]:
    """Return what takes all that is like a value of a type for one."""

    def take(value: Any) -> Any:
        try:
            return None if value is None else kind.of(value)
        except InvalidInputError:
            return value  # the check of all fields says in which one it is

    return take


_TAKES: Final[Mapping[type, Callable[[Any], Any]]] = {
    kind: _taking(kind) for kind in (Usd, UsdSum, CapTable)
}


def _amount_fault(made: Any) -> str | None:
    """Return why a value could not be taken for an amount, or None where all were."""
    for field in attrs.fields(made.__class__):
        value = getattr(made, field.name)
        for kind in (field.type, *get_args(field.type)):
            if value is None or not _is_taken(kind):
                continue
            try:
                kind.of(value)
            except InvalidInputError as refused:
                return f"{field.name}: {str(refused).removesuffix('.')}"
    return None


def stored_value(kind: type, stored: Any) -> Any:
    """Return a value that JSON has no type for, from what stands for it in a stored event."""
    taken: Any = kind
    if _is_taken(kind):
        if type(stored) is not kind:
            return taken.stored(stored)
        if isinstance(stored, Usd) and not 0 <= stored <= stored.MOST:  # as a sum may be
            raise ValueError(f"{stored} US dollars are not from 0 to {stored.MOST}")
        return stored
    raise NotImplementedError(f"{kind.__name__} is no type of an event's field")


def storable_value(value: Any) -> Any:
    """Return what stands in a stored event for a value that JSON has no type for."""
    if isinstance(value, Usd):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is not JSON")
