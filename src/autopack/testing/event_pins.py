"""The file that pins how a plugin's events are stored: their shapes by schema, with examples."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import attrs

from autopack.errors import CodecError
from autopack.format.codec import Codec
from autopack.testing.event_examples import examples
from autopack.testing.event_shapes import Shape, broken, field_of, lines_of, shape_of
from autopack.testing.short_failures import changes

_EXAMPLE = "    > "


@attrs.frozen
class Pin:
    """
    An event type at one schema, as some version of the plugin stored it.

    Args:
        stored: Examples as JSON texts. The first of them are those of the schema before, in
            their order, as they were read then: what says the same must say the same for ever.
    """

    name: str
    shape: Shape
    stored: tuple[str, ...]


def read_pins(text: str) -> list[Pin]:
    """Return the pins that a file has, by name and schema."""
    pins: list[Pin] = []
    for line in filter(None, text.splitlines()):
        if not line.startswith(" "):
            name, _, schema = line.partition(" schema ")
            pins.append(Pin(name, Shape(int(schema), {}), ()))
            continue
        last = pins.pop()
        if line.startswith(_EXAMPLE):
            last = attrs.evolve(last, stored=(*last.stored, line.removeprefix(_EXAMPLE)))
        else:
            field, kind = field_of(line)
            shape = attrs.evolve(last.shape, fields={**last.shape.fields, field: kind})
            last = attrs.evolve(last, shape=shape)
        pins.append(last)
    return sorted(pins, key=lambda pin: (pin.name, pin.shape.schema))


def pins_text(pins: Iterable[Pin]) -> str:
    """Return pins as a file has them."""
    parts = [
        "\n".join([*lines_of(pin.name, pin.shape), *(_EXAMPLE + one for one in pin.stored)])
        for pin in sorted(pins, key=lambda pin: (pin.name, pin.shape.schema))
    ]
    return "\n\n".join(parts) + "\n"


def unpinned(pins: Sequence[Pin], classes: Mapping[str, type], codec: Codec) -> list[Pin]:
    """
    Return pins of today's events whose schema has none; examples of the schema before come first.

    Raises:
        CodecError: One of them cannot be read.
    """
    found = []
    for name, cls in classes.items():
        before, shape = [pin for pin in pins if pin.name == name], shape_of(cls)
        if any(pin.shape.schema >= shape.schema for pin in before):
            continue
        old = [codec.decode(name, p.shape.schema, one, 0) for p in before[-1:] for one in p.stored]
        first = [_text(codec, event) for event in old]
        more = dict.fromkeys(_text(codec, event) for event in examples(cls))
        found.append(Pin(name, shape, (*first, *(one for one in more if one not in first))))
    return found


def shape_faults(pins: Sequence[Pin], classes: Mapping[str, type], codec: Codec) -> Iterator[str]:
    """Yield which stored events today's classes could not read, or would read as another."""
    for name in dict.fromkeys(pin.name for pin in pins):
        if name not in classes:
            yield f"{name}: no class of that name is registered; it is gone, or renamed"
            continue
        was, now = [pin.shape for pin in pins if pin.name == name][-1], shape_of(classes[name])
        steps = codec.kind_of(classes[name]).upcasters
        if now.schema > was.schema and any(n in steps for n in range(was.schema, now.schema)):
            continue  # a function says what becomes of the old fields: the examples hold it
        for fault in broken(was, now):
            yield f"{name}: {fault}"


def reading_faults(pins: Sequence[Pin], codec: Codec) -> Iterator[str]:
    """Yield which examples cannot be read, or no longer say what they said."""
    for pin in pins:
        for stored in pin.stored:
            if isinstance(found := _read(codec, pin, stored), str):
                yield found
    for was, now in pairwise(pins):
        if was.name != now.name:
            continue
        for older, newer in zip(was.stored, now.stored, strict=False):
            first, second = _read(codec, was, older), _read(codec, now, newer)
            if first == second or isinstance(first, str) or isinstance(second, str):
                continue
            told = ", ".join(f"{name}: {how}" for name, how in changes(second, first).items())
            yield (
                f"{was.name}: {older} of schema {was.shape.schema} said the same as {newer} of "
                f"schema {now.shape.schema}; it no longer does: {told}"
            )


def _read(codec: Codec, pin: Pin, stored: str) -> Any:
    """Return the event that a stored text is today, or why it is none."""
    try:
        return codec.decode(pin.name, pin.shape.schema, stored, 0)
    except CodecError as fault:
        why = getattr(fault, "why", fault)
        return f"{pin.name}: {stored} of schema {pin.shape.schema} cannot be read: {why}"


def _text(codec: Codec, event: Any) -> str:
    """Return an event's JSON text, which is the same for the same event."""
    return json.dumps(json.loads(codec.encode(event)[2]), sort_keys=True)
