"""
Which texts of an event pass the redaction hook, by the types of its fields.

All do, wherever they stand, names of entries among them; only keys (``events.schema.Key``) and
digests are left as they are. What is derived from text comes after: it is made of what is left.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import attrs

from autopack.events.cap_table import CapTable
from autopack.values.money import Usd, UsdSum

Redact = Callable[[str], str]
Clean = Callable[[Redact, Any], Any]
"""Returns a value as a hook leaves it; the same object where it changes nothing."""

BLANK: Final = "(redacted)"
"""What stands for a text of which a hook leaves nothing: a reason is never empty."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_WITHOUT_TEXT: Final = frozenset(
    {NoneType, bool, int, float, Usd, UsdSum, CapTable, bytes, datetime, date, time, timedelta}
)


def cleaner_of(hint: Any) -> Clean | None:
    """Return what cleans values of a type; None where they can hold no text but keys."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _marked(arguments[0], arguments[1:])
    if hint is str:
        return _text
    if hint in _WITHOUT_TEXT or origin is Literal:
        return None
    if origin in (Union, UnionType):
        return _one_of(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _table(*map(cleaner_of, arguments))
    if isinstance(origin, type) and issubclass(origin, Sequence | Set):
        return _row([one for one in arguments if one is not ...])
    return clean


def clean(redact: Redact, value: Any) -> Any:
    """Return a value of any shape with every text in it as the hook leaves it."""
    if isinstance(value, str):
        return _text(redact, value)
    if isinstance(value, Mapping):
        return _cleaned_table(redact, value, clean, clean)
    if isinstance(value, Sequence | Set) and not isinstance(value, bytes | bytearray):
        return _cleaned_row(redact, value, clean)
    if attrs.has(type(value)):
        return _cleaned_object(redact, value)
    return value


def cleaned_json(redact: Redact, text: str) -> str:
    """Return a JSON text with all its texts as the hook leaves them; as it is if none changes."""
    try:
        # Of an entry that is there twice, both are looked at.
        found = json.loads(text, object_pairs_hook=lambda pairs: dict(_told_apart(pairs)))
        told = clean(redact, found)
        return text if told is found else json.dumps(told, ensure_ascii=False)
    except (ValueError, RecursionError):  # no JSON: a text like any other
        return redact(text)


def _marked(base: Any, marks: Sequence[Any]) -> Clean | None:
    found: dict[str, Any] = {}
    for mark in marks:
        found |= getattr(mark, "extra", None) or {}
    if found.get("key"):
        return None
    return _digest if found.get("digest") else cleaner_of(base)


def _text(redact: Redact, value: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value
    told = redact(value)
    return value if told == value else told or BLANK


def _digest(redact: Redact, value: Any) -> Any:
    is_digest = isinstance(value, str) and _DIGEST.fullmatch(value)
    return value if is_digest else _text(redact, value)


def _kept(_redact: Redact, value: Any) -> Any:
    return value


def _one_of(arms: Iterable[Any]) -> Clean | None:
    found = {one for one in map(cleaner_of, arms) if one is not None}
    return clean if len(found) > 1 else next(iter(found), None)


def _table(key: Clean | None, value: Clean | None) -> Clean | None:
    if key is None and value is None:
        return None

    def cleaned(redact: Redact, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return _cleaned_table(redact, table, key or _kept, value or _kept)

    return cleaned


def _row(items: Sequence[Any]) -> Clean | None:
    item = _one_of(items)
    if item is None:
        return None

    def cleaned(redact: Redact, row: Any) -> Any:
        is_row = isinstance(row, Sequence | Set) and not isinstance(row, str)
        return _cleaned_row(redact, row, item) if is_row else row

    return cleaned


def _cleaned_table(redact: Redact, table: Mapping[Any, Any], key: Clean, value: Clean) -> Any:
    found = [(key(redact, name), value(redact, held)) for name, held in table.items()]
    is_same = all(
        name is name_before and held is held_before
        for (name, held), (name_before, held_before) in zip(found, table.items(), strict=True)
    )
    return table if is_same else dict(_told_apart(found))


def _cleaned_row(redact: Redact, row: Any, item: Clean) -> Any:
    found = [item(redact, one) for one in row]
    if all(new is old for new, old in zip(found, row, strict=True)):
        return row
    if isinstance(row, list):
        return found
    return frozenset(found) if isinstance(row, Set) else tuple(found)


def _cleaned_object(redact: Redact, value: Any) -> Any:
    told = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
    found = {name: clean(redact, one) for name, one in told.items()}
    changed = {name: one for name, one in found.items() if one is not told[name]}
    return attrs.evolve(value, **changed) if changed else value


def _told_apart(pairs: Iterable[tuple[Any, Any]]) -> Iterable[tuple[Any, Any]]:
    """Return entries under names that differ, also where a hook made two of them one."""
    found: dict[Any, Any] = {}
    seen: Counter[Any] = Counter()
    for name, held in pairs:
        own = name
        while own in found:
            seen[name] += 1
            own = f"{name} ({seen[name] + 1})"
        found[own] = held
    return found.items()
