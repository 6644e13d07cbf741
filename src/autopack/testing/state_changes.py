"""Finds which part of a state a call changed in place, and at which line."""

import copy
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, Final

import attrs

from autopack.testing.short_failures import brief

_ROOM: Final = 80
"""How long a value may be as it is told, in characters."""
_NONE: Final = object()


def watched(state: Any, method: Callable[..., Any], *arguments: Any) -> tuple[Any, str | None]:
    """
    Return what a method returns, and what it changed of a state in place; None for nothing.

    Below it stands the line that did so, in the method's own file. Of a state that cannot be copied
    nobody can tell.
    """
    try:
        before = copy.deepcopy(state)
    except Exception:  # a state may hold anything
        return method(*arguments), None
    home = getattr(getattr(method, "__code__", None), "co_filename", None)
    found: list[str] = []
    line = 0

    def look(frame: Any, event: str, _argument: Any) -> Any:
        nonlocal line
        if frame.f_code.co_filename != home:
            return None
        if event in ("line", "return") and line and not found:
            change = first_change(before, state)
            found.extend([] if change is None else [f"{change}\n{home}:{line}"])
        line = frame.f_lineno if event == "line" else line
        return look

    traced = sys.gettrace()
    sys.settrace(look)
    try:
        returned = method(*arguments)
    finally:
        sys.settrace(traced)
    return returned, found[0] if found else first_change(before, state)


def first_change(before: Any, after: Any, place: str = "state") -> str | None:
    """Return the first place at which two states differ, and how; None if they are the same."""
    return next(_changes(before, after, place, frozenset()), None)


def _changes(was: Any, now: Any, place: str, above: frozenset[int]) -> Iterator[str]:
    if was is now or id(now) in above:
        return
    parts, became = _parts(was), _parts(now)
    if type(was) is not type(now) or parts is None or became is None:
        if not _is_same(was, now):
            yield f"{place}, which was {_told(was)}, is {_told(now)}"
        return
    above |= {id(now)}
    for part in dict.fromkeys((*parts, *became)):
        old, new = parts.get(part, _NONE), became.get(part, _NONE)
        if old is _NONE:
            yield f"{place}{part} is new: {_told(new)}"
        elif new is _NONE:
            yield f"{place}{part}, which was {_told(old)}, is gone"
        else:
            yield from _changes(old, new, f"{place}{part}", above)


def _parts(value: Any) -> dict[str, Any] | None:
    """Return what a value consists of, by how one writes it; None of a value that is one."""
    if isinstance(value, Mapping):
        return {f"[{key!r}]": one for key, one in value.items()}
    if isinstance(value, str | bytes | range):
        return None
    if isinstance(value, Sequence):
        return {f"[{n}]": one for n, one in enumerate(value)}
    if isinstance(value, Set):
        return {f"[{one!r}]": one for one in sorted(value, key=repr)}
    if attrs.has(type(value)):
        return {
            f".{one.name}": getattr(value, one.name, _NONE) for one in attrs.fields(type(value))
        }
    return {f".{name}": one for name, one in vars(value).items()} if _has_fields(value) else None


def _has_fields(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value)


def _is_same(was: Any, now: Any) -> bool:
    try:
        return bool(was == now) or (was != was and now != now)
    except Exception:  # as of arrays, whose comparison is an array
        return type(was) is type(now) and pickle.dumps(was) == pickle.dumps(now)


def _told(value: Any) -> str:
    text = brief(value)
    return text if len(text) <= _ROOM else f"{text[:_ROOM]}..."
