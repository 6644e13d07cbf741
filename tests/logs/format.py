"""
``python -m tests.logs.format``: write down today's events, unless they break a stored log.

``format.txt`` has each core event with its schema, and its fields with type and default, as a
released version stores them. What it says is for ever; see CONTRIBUTING.md.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from autopack.events import CORE_EVENTS
from autopack.testing import event_shapes
from autopack.testing.event_shapes import Shape, field_of, lines_of, shape_of

FILE = Path(__file__).with_name("format.txt")
AGAIN = "python -m tests.logs.format"
RULES = (
    "A log that was written before must be read for ever. Never rename, remove or reuse the name "
    "of an event or a field, and never change a type or a default: a field at its default is not "
    "stored. A new field has a default and raises the schema of its event; a changed meaning is a "
    f"new event. A type that only allows more raises the schema, and its line in {FILE.name} is "
    "changed by hand. See CONTRIBUTING.md, 'A change of the log format'."
)


def todays() -> dict[str, Shape]:
    """Return the shapes of today's events."""
    return {cls.TYPE: shape_of(cls) for cls in sorted(CORE_EVENTS, key=lambda cls: cls.TYPE)}


def as_text(shapes: Mapping[str, Shape]) -> str:
    """Return shapes as the file has them."""
    parts = ["\n".join(lines_of(name, shape)) for name, shape in shapes.items()]
    return "\n\n".join(parts) + "\n"


def read(text: str) -> dict[str, Shape]:
    """Return the shapes that a file has."""
    shapes: dict[str, Shape] = {}
    fields: dict[str, tuple[str, str | None]] = {}
    for line in filter(None, text.splitlines()):
        if line.startswith(" "):
            name, field = field_of(line)
            fields[name] = field
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
            faults += [f"{name}: {fault}" for fault in event_shapes.broken(was[name], now[name])]
    return faults


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
