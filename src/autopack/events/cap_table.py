"""Caps by unit, as a run's first event holds them: USD as an exact amount, the rest as numbers."""

import math
from collections.abc import Mapping
from typing import Any, Final, Never

from autopack.errors import InvalidInputError
from autopack.errors.base import told
from autopack.errors.nearest import did_you_mean
from autopack.values.money import Usd, UsdLike

UNITS: Final = ("tokens", "usd", "attempts", "minutes")
"""What a cap may be in: total tokens, USD, attempts begun, and minutes that they took."""

_WHOLE: Final = ("tokens", "attempts")
_MOST: Final = {"tokens": 2**53, "attempts": 2**53, "minutes": 10**12}


class CapTable(dict[str, int | float | Usd]):
    """
    Caps by unit, each above 0: tokens, attempts begun, minutes, and USD as decimals.

    It is a dict that cannot be changed.
    """

    __slots__ = ()

    @classmethod
    def of(cls, given: Mapping[str, UsdLike]) -> "CapTable":
        """
        Return caps that somebody gave.

        Raises:
            InvalidInputError: One is in an unknown unit, not a number above 0, or too large.
        """
        if type(given) is cls:
            return given
        if not isinstance(given, Mapping):
            raise InvalidInputError(
                f"{told(given)} is no table of caps: give a mapping by unit.",
                name="caps",
                value=given,
            )
        for unit, fault in cap_faults(given).items():
            raise InvalidInputError(fault, name=f"caps.{unit}", value=given[unit])
        return cls({unit: _cap(unit, cap) for unit, cap in given.items()}) if given else NO_CAPS

    @classmethod
    def stored(cls, stored: Any) -> "CapTable":
        """
        Return caps from a stored event.

        Raises:
            ValueError: It is no table, or a cap is not as it is stored.
        """
        if not isinstance(stored, dict):
            raise ValueError(f"{told(stored)} is no table of caps")
        if "usd" in stored:
            stored = {**stored, "usd": Usd.stored(stored["usd"])}
        for fault in cap_faults(stored).values():
            raise ValueError(fault)
        return cls(stored) if stored else NO_CAPS

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def _unchanged(self, *_arguments: object, **_named: object) -> Never:
        raise TypeError("caps of an event cannot be changed; set others with set_caps()")

    __setitem__ = __delitem__ = __ior__ = _unchanged
    clear = pop = popitem = setdefault = update = _unchanged


NO_CAPS: Final = CapTable()
"""No cap in any unit."""


def cap_faults(caps: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with caps, by unit."""
    found = ((unit, _fault(unit, cap)) for unit, cap in caps.items())
    return {unit: fault for unit, fault in found if fault is not None}


def _cap(unit: str, cap: Any) -> int | float | Usd:
    if unit == "usd":
        return Usd.of(cap)
    return int(cap) if unit in _WHOLE else cap


def _fault(unit: str, cap: object) -> str | None:
    if unit not in UNITS:
        hint = did_you_mean(unit, UNITS) or f" Caps: {', '.join(UNITS)}."
        return f"no cap is called {unit!r}.{hint}"
    must = "it must be a number above 0."
    if unit == "usd":
        try:
            return None if Usd.of(cap) else f"the cap in usd is {cap}; {must}"
        except InvalidInputError as fault:
            return f"the cap in usd cannot be kept: {fault}"
    if isinstance(cap, bool) or not isinstance(cap, int | float) or not 0 < cap < math.inf:
        return f"the cap in {unit} is {told(cap)}; {must}"
    if unit in _WHOLE and not (cap == int(cap) and cap <= _MOST[unit]):
        most = f"{_MOST[unit]:,}"
        return f"the cap in {unit} is {told(cap)}; it must be a whole number up to {most}."
    return (
        None if cap <= _MOST[unit] else f"the cap in {unit} is {told(cap)}; it must be below 1e12."
    )
