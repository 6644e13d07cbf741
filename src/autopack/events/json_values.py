"""Values that come back from JSON as they went there."""

from types import NoneType
from typing import Any, Final

from autopack.errors.base import told
from autopack.values.bounds import NESTED_MOST, VALUES_MOST

SIMPLE: Final = frozenset({str, bool, NoneType})
"""The types all of whose values do."""
_PLACE_MOST: Final = 60
_INF: Final = float("inf")
TOO_DEEP: Final = f"it is nested more than {NESTED_MOST} deep"
"""What is wrong with a value that is nested further than any reader may have to go."""
_TOO_MANY: Final = f"it holds over {VALUES_MOST:,} values"


def json_fault(value: object, where: str = "$") -> str | None:
    """Return what makes *value* not JSON, or None: it must come back from the log as it went."""
    found = _fault_within(value, 0, [VALUES_MOST])
    if found is None:
        return None
    place, what = f"{where}{found[0]}", found[1]
    return f"{place[:_PLACE_MOST]}...: {what}" if len(place) > _PLACE_MOST else f"{place}: {what}"


def _fault_within(value: object, depth: int, left: list[int]) -> tuple[str, str] | None:
    """
    Return where a fault is, seen from *value*, and what is wrong there.

    Args:
        depth: How deep it is in another value.
        left: How many more values there may be; what is there twice counts twice.
    """
    if isinstance(value, dict | list):
        if not value:
            return None
        left[0] -= len(value)
        if depth >= NESTED_MOST:
            return "", TOO_DEEP
        return ("", _TOO_MANY) if left[0] < 0 else _fault_below(value, depth + 1, left)
    if value is None or isinstance(value, bool | str):
        return None
    if isinstance(value, float):
        return None if -_INF < value < _INF else ("", f"{value} is not finite")
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else ("", f"{told(value)} needs over 64 bits")
    return "", f"{type(value).__name__} is not JSON"


def _fault_below(
    value: dict[Any, Any] | list[Any], depth: int, left: list[int]
) -> tuple[str, str] | None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return "", f"key {key!r} is not a string"
            if type(item) not in SIMPLE and (found := _fault_within(item, depth, left)):
                return f".{key}{found[0]}", found[1]
        return None
    for i, item in enumerate(value):
        if type(item) not in SIMPLE and (found := _fault_within(item, depth, left)):
            return f"[{i}]{found[0]}", found[1]
    return None
