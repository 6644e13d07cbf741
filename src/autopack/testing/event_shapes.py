"""What an event is stored as: its schema and fields in words, and what a change would break."""

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs
import msgspec

from autopack.events.schema import ABSENT


@attrs.frozen
class Shape:
    """An event type as it is stored: its schema, and its fields as (type, default or None)."""

    schema: int
    fields: Mapping[str, tuple[str, str | None]]


def shape_of(cls: Any) -> Shape:
    """Return the shape of an event class."""
    attrs.resolve_types(cls, include_extras=True)
    fields = {field.name: (spelled(field.type), _default(field)) for field in attrs.fields(cls)}
    return Shape(cls.SCHEMA, fields)


def spelled(hint: Any) -> str:
    """Return a type in words that do not depend on how it was written down."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        marks = ", ".join(_marks(arguments[1]))
        return f"{spelled(arguments[0])}({marks})" if marks else spelled(arguments[0])
    if origin in (Union, UnionType):
        return " | ".join(spelled(one) for one in arguments)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin is not None:
        inner = ", ".join("..." if one is ... else spelled(one) for one in arguments)
        return f"{origin.__name__}[{inner}]"
    return "None" if hint is NoneType else str(hint.__name__)


def _marks(meta: msgspec.Meta) -> Iterator[str]:
    for name in ("ge", "le", "min_length"):
        if (value := getattr(meta, name)) is not None:
            yield f"{name}={value}"
    if meta.tz:
        yield "aware"
    if (meta.extra or {}).get("free_text"):
        yield "free text"
    if (meta.extra or {}).get("key"):
        yield "key"


def _default(field: "attrs.Attribute[Any]") -> str | None:
    default = field.metadata.get(ABSENT, field.default)
    if default is attrs.NOTHING:
        return None
    is_made = isinstance(default, attrs.Factory)  # type: ignore[arg-type]
    made = default.factory() if is_made else default  # type: ignore[union-attr]
    return repr(made)


def lines_of(name: str, shape: Shape) -> list[str]:
    """Return a shape as a file has it: a line for the event, and one for each field."""
    fields = [
        f"    {field}: {kind}" + ("" if default is None else f" = {default}")
        for field, (kind, default) in shape.fields.items()
    ]
    return [f"{name} schema {shape.schema}", *fields]


def field_of(line: str) -> tuple[str, tuple[str, str | None]]:
    """Return the name, the type and the default that a field's line has."""
    name, _, rest = line.strip().partition(": ")
    kind, equals, default = rest.partition(" = ")
    return name, (kind, default if equals else None)


def broken(was: Shape, now: Shape) -> Iterator[str]:
    """Yield what a stored event could not bear in the step from one shape to another."""
    for name, (kind, default) in was.fields.items():
        if name not in now.fields:
            yield f"field {name!r} is gone, or renamed"
            continue
        kind_now, default_now = now.fields[name]
        if kind_now != kind:
            yield f"field {name!r} was {kind}, and is {kind_now}"
        if default_now != default:
            yield (
                f"the default of {name!r} was {default or 'absent'}, and is "
                f"{default_now or 'absent'}"
            )
    new = [name for name in now.fields if name not in was.fields]
    for name in new:
        if now.fields[name][1] is None:
            yield f"the new field {name!r} has no default; stored events do not have it"
    if new and now.schema <= was.schema:
        yield f"{', '.join(new)} is new; raise the schema from {was.schema} to {was.schema + 1}"
    elif now.schema < was.schema:
        yield f"the schema was {was.schema}, and is {now.schema}"
