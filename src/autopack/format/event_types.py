"""
How each event class is stored and read: its twins in msgspec, and the ways to them and back.

The way out of a twin and the way into one are functions that are written for a class when they
are first needed, a line a field: a loop over the names of its fields costs several times as much.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import attrs
import msgspec
from msgspec.structs import asdict

from autopack.events import CORE_EVENTS
from autopack.events.cap_table import CapTable
from autopack.events.schema import (
    absent_value,
    checks_alone,
    is_plain,
    mirror_of,
    storable_value,
    stored_value,
    value_fault,
)
from autopack.format.redaction import Clean, cleaner_of
from autopack.format.upcast import Upcaster
from autopack.values.decoders import decoder_of
from autopack.values.money import Usd, UsdSum

_ENCODE: Final = msgspec.json.Encoder(enc_hook=storable_value).encode


@attrs.frozen(kw_only=True, slots=False)
class EventType:
    """How one event class is stored and read; what costs time is made when it is first used."""

    cls: type
    name: str
    schema: int
    upcasters: Mapping[int, Upcaster]

    @cached_property
    def mirror(self) -> Any:
        """The strict msgspec twin of the class; a plugin's tells what it has by default too."""
        return mirror_of(self.cls, tells_defaults=self._tells_defaults)

    @cached_property
    def decode(self) -> Callable[[str], Any]:
        """Returns the twin that a JSON text holds."""
        return decoder_of(self.mirror, stored=stored_value).decode

    @cached_property
    def build(self) -> Callable[[Any], Any]:
        """
        Makes the event of its twin, whose values are checked.

        A class that checks more than its fields' types, or is made in a way of its own, has its
        constructor called.
        """
        opened = _opened(self.cls) if checks_alone(self.cls) else None
        return self.construct if opened is None else _builder(self.cls, opened)

    def construct(self, twin: Any) -> Any:
        """Make the event of its twin by calling its class."""
        try:
            return self.cls(**asdict(twin))
        except (Exception, SystemExit) as fault:  # a plugin's own validator may raise anything
            why = getattr(fault, "why", None) or f"{type(fault).__name__}: {fault}"
            raise msgspec.ValidationError(str(why)) from fault

    @cached_property
    def write(self) -> Callable[[Any], bytes]:
        """
        Returns an event's JSON text in UTF-8.

        A class that checks itself did so when the event was made, and what cannot be changed since
        is not checked again. Tables, and JSON of any shape, can be.
        """
        is_fast = checks_alone(self.cls) and not self._tells_defaults
        return _writer(self.cls, self.write_checked) if is_fast else self.write_checked

    def write_checked(self, event: Any) -> bytes:
        """Return an event's JSON text in UTF-8, each of its values checked."""
        twin = msgspec.convert(event, self.mirror, from_attributes=True, dec_hook=stored_value)
        if fault := value_fault(event):
            raise msgspec.ValidationError(fault)
        return _ENCODE(twin)

    @cached_property
    def free_text(self) -> tuple[str, ...]:
        """The fields that hold free text."""
        hints = get_type_hints(self.cls, include_extras=True)
        return tuple(name for name, hint in hints.items() if _is_free_text(hint))

    @cached_property
    def cleaners(self) -> tuple[tuple[str, Clean], ...]:
        """The fields whose texts pass the redaction hook, each with what hands them over."""
        hints = get_type_hints(self.cls, include_extras=True)
        names = [field.name for field in attrs.fields(self.cls)]
        found = ((name, cleaner_of(hints[name])) for name in names)
        return tuple((name, clean) for name, clean in found if clean is not None)

    @cached_property
    def is_bounded(self) -> bool:
        """Whether a field holds what JSON can say and a log does not take: odd times, nesting."""
        hints = get_type_hints(self.cls, include_extras=True)
        return any(_may_hold(hint, (datetime, Any)) for hint in hints.values())

    @property
    def _tells_defaults(self) -> bool:
        return self.cls not in CORE_EVENTS


def _is_free_text(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return any((getattr(m, "extra", None) or {}).get("free_text") for m in hint.__metadata__)
    return any(_is_free_text(arm) for arm in get_args(hint))


def _may_hold(hint: Any, wanted: tuple[Any, ...]) -> bool:
    return hint in wanted or any(_may_hold(arm, wanted) for arm in get_args(hint))


def _opened(cls: type) -> type | None:
    """
    Return a class with the same slots whose instances can be filled, and then become *cls*.

    None where that is not possible: the class has other room than its slots.
    """
    slots = vars(cls).get("__slots__")
    if slots is None:
        return None
    opened = type(
        cls.__name__, cls.__bases__, {"__slots__": slots, "__setattr__": object.__setattr__}
    )
    try:
        opened().__class__ = cls
    except TypeError:
        return None
    return opened


def _builder(cls: type, opened: type) -> Callable[[Any], Any]:
    fill = "".join(f"    made.{field.name} = twin.{field.name}\n" for field in attrs.fields(cls))
    source = f"def build(twin):\n    made = new(opened)\n{fill}    made.__class__ = cls\n"
    source += "    return made\n"
    build: Callable[[Any], Any] = _made(source, cls=cls, opened=opened, new=object.__new__)["build"]
    return build


def _writer(cls: type, checked: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Return what writes an event without a look at what cannot have changed since it was made."""
    attrs.resolve_types(cls, include_extras=True)
    fields: list[Any] = []
    given, changed = [], []
    for field in attrs.fields(cls):
        value, default = f"event.{field.name}", absent_value(field)
        fields.append((field.name, Any, msgspec.UNSET if default is attrs.NOTHING else default))
        if is_plain(field.type, tuple, datetime, Usd, UsdSum, CapTable):
            given.append(value)
        elif is_plain(field.type, float):  # a whole number is stored as the one it equals
            given.append(f"float({value}) if type({value}) is int else {value}")
        else:
            given.append(value)
            changed.append(f"({value} if type({value}) is dict else {value} is not None)")
    twin = msgspec.defstruct(cls.__name__, fields, omit_defaults=True, gc=False)
    source = f"def write(event):\n    if {' or '.join(changed) or 'False'}:\n"
    source += f"        return checked(event)\n    return encode(twin({', '.join(given)}))\n"
    write: Callable[[Any], bytes] = _made(source, checked=checked, encode=_ENCODE, twin=twin)[
        "write"
    ]
    return write


def _made(source: str, **names: Any) -> dict[str, Any]:
    """Return the names that a text of Python defines, beside those that it is given."""
    exec(source, names)
    return names
