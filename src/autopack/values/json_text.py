"""Results as JSON text, in which amounts of USD are numbers with all of their digits."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import attrs

from autopack.errors.exact_figures import figure

_STEP: Final = 2


def json_text(value: Any) -> str:
    """
    Return a result as indented JSON, with non-ASCII escaped.

    Python's own ``json`` cannot write a decimal as a number; a float in its place would have
    other digits.

    Args:
        value: Plain values, decimals, moments, and objects of attrs classes.
    """
    return "".join(_parts(value, 0))


def json_line(value: Any) -> str:
    """Return a result as :func:`json_text` does, in one line."""
    return "".join(map(str.strip, json_text(value).split("\n")))


def _parts(value: Any, depth: int) -> Iterator[str]:
    match value:
        case Decimal():
            yield figure(value)
        case Mapping() if value:
            yield from _block("{}", (_entry(*item, depth + 1) for item in value.items()), depth)
        case list() | tuple() if value:
            yield from _block("[]", (_parts(item, depth + 1) for item in value), depth)
        case date():  # a datetime is one too
            yield json.dumps(value.isoformat())
        case _:
            yield from _other(value, depth)


def _other(value: Any, depth: int) -> Iterator[str]:
    kind: Any = type(value)
    if not attrs.has(kind):
        yield json.dumps(dict(value) if isinstance(value, Mapping) else value)
        return
    yield from _parts({one.name: getattr(value, one.name) for one in attrs.fields(kind)}, depth)


def _entry(key: Any, value: Any, depth: int) -> Iterator[str]:
    yield json.dumps({key: 0})[1:-2]  # json knows which keys may be, and how they are spelled
    yield from _parts(value, depth)


def _block(brackets: str, items: Iterable[Iterator[str]], depth: int) -> Iterator[str]:
    line, left = "\n" + " " * _STEP * (depth + 1), brackets[0]
    for item in items:
        yield left + line
        yield from item
        left = ","
    yield "\n" + " " * _STEP * depth + brackets[1]
