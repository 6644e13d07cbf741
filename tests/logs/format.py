"""
``python -m tests.logs.format``: write down today's events, unless they break a stored log.

``format.txt`` has each core event with its schema, and its fields with type and default, as a
released version stores them. What it says is for ever; see CONTRIBUTING.md.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs
import msgspec

from autopack.events import CORE_EVENTS
from autopack.events.schema import ABSENT

FILE = Path(__file__).with_name("format.txt")
AGAIN = "python -m tests.logs.format"
RULES = (
    "A log that was written before must be read for ever. Never rename, remove or reuse the name "
    "of an event or a field, and never change a type or a default. A new field has a default and "
    "raises the schema of its event; a changed meaning is a new event. See CONTRIBUTING.md, "
    "'A change of the log format'."
)


@attrs.frozen
class Shape:
    """An event type as it is stored: its schema, and its fields as (type, default or None)."""

    schema: int
    fields: Mapping[str, tuple[str, str | None]]


def todays() -> dict[str, Shape]:
    """Return the shapes of today's events."""
    return {cls.TYPE: shape_of(cls) for cls in sorted(CORE_EVENTS, key=lambda cls: cls.TYPE)}


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
        return f"one of {', '.join(arguments)}"
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
    made = default.factory() if isinstance(default, attrs.Factory) else default
    return repr(made)


def as_text(shapes: Mapping[str, Shape]) -> str:
    """Return shapes as the file has them."""
    lines = []
    for name, shape in shapes.items():
        lines.append(f"\n{name} schema {shape.schema}")
        for field, (kind, default) in shape.fields.items():
            lines.append(f"    {field}: {kind}" + ("" if default is None else f" = {default}"))
    return "\n".join(lines).lstrip() + "\n"


def read(text: str) -> dict[str, Shape]:
    """Return the shapes that a file has."""
    shapes: dict[str, Shape] = {}
    fields: dict[str, tuple[str, str | None]] = {}
    for line in filter(None, text.splitlines()):
        if line.startswith(" "):
            name, _, rest = line.strip().partition(": ")
            kind, equals, default = rest.partition(" = ")
            fields[name] = kind, default if equals else None
        else:
            name, _, schema = line.partition(" schema ")
            fields = {}
            shapes[name] = Shape(int(schema), fields)
    return shapes


def broken(was: Mapping[str, Shape], now: Mapping[str, Shape]) -> list[str]:
    """Return what a stored log could not bear in the step from one set of shapes to another."""
    faults = [f"event {name} is gone, or renamed" for name in was if name not in now]
    for name in was:
        if name in now:
            faults += [f"{name}: {fault}" for fault in _broken(was[name], now[name])]
    return faults


def _broken(was: Shape, now: Shape) -> Iterator[str]:
    for name, (kind, default) in was.fields.items():
        if name not in now.fields:
            yield f"field {name!r} is gone, or renamed"
            continue
        kind_now, default_now = now.fields[name]
        if kind_now != kind:
            yield (
                f"field {name!r} was {kind}, and is {kind_now}. If it only allows more than "
                f"before, raise the schema and change its line in {FILE.name} by hand"
            )
        if default_now != default:
            yield (
                f"the default of {name!r} was {default or 'absent'}, and is "
                f"{default_now or 'absent'}; a field at its default is not stored, so stored "
                "events would change their meaning"
            )
    new = [name for name in now.fields if name not in was.fields]
    for name in new:
        if now.fields[name][1] is None:
            yield f"the new field {name!r} has no default; stored events do not have it"
    if new and now.schema <= was.schema:
        yield f"{', '.join(new)} is new; raise the schema from {was.schema} to {was.schema + 1}"
    elif now.schema < was.schema:
        yield f"the schema was {was.schema}, and is {now.schema}"


def main() -> int:
    """Write the file anew; refuse where that would hide a broken rule."""
    faults = broken(read(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}, todays())
    if faults:
        sys.stderr.write("\n".join([*faults, "", RULES, ""]))
        return 2
    FILE.write_text(as_text(todays()), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
