"""The figures that a phase may be asked for with."""

from collections.abc import Callable
from typing import Any, Final

from autopack.errors import InvalidInputError

_MOST_S: Final = 1e12
_MOST: Final = 2**53

_FIGURES: Final[dict[str, tuple[type | tuple[type, ...], Callable[[Any], bool], str]]] = {
    "timeout_s": ((int, float), lambda s: 0 < s <= _MOST_S, "a number of seconds above 0"),
    "max_attempts": (int, lambda n: 1 <= n <= _MOST, "a whole number, at least 1"),
    "prompt_tokens": (int, lambda n: 0 <= n <= _MOST, "a whole number, at least 0"),
    "priority": (int, lambda n: -_MOST <= n <= _MOST, "a whole number"),
}


def check_figures(spec: Any) -> None:
    """
    Return if the figures of a ``PhaseSpec`` can be what a phase is asked for with.

    Raises:
        InvalidInputError: One is of another kind, or out of range; names phase and field.
    """
    for name, (kinds, is_in_range, must) in _FIGURES.items():
        value = getattr(spec, name)
        if value is None and name in ("timeout_s", "prompt_tokens"):
            continue
        if isinstance(value, bool) or not isinstance(value, kinds) or not is_in_range(value):
            raise InvalidInputError(f"Phase {spec.id!r}: {name} is {value!r}; it must be {must}.")
