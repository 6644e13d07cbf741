"""The figures that a phase, or a drain, may be asked for with."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from autopack.errors import InvalidInputError
from autopack.errors.base import told

YEAR_S: Final = 366 * 86_400.0
"""The longest time that anything is waited for; what ends later has no place in a calendar."""
DAY_S: Final = 86_400.0
"""The longest lease: so long a dead worker's phases stay with it."""

WORKERS_MOST: Final = 10_000
"""How many phases one process may be at at once."""

_MOST: Final = 2**53

_FIGURES: Final[dict[str, tuple[type | tuple[type, ...], Callable[[Any], bool], str]]] = {
    "timeout_s": (
        (int, float),
        lambda s: 0 < s <= YEAR_S,
        f"a number of seconds above 0, at most {YEAR_S:,.0f} (a year)",
    ),
    "max_attempts": (int, lambda n: 1 <= n <= _MOST, "a whole number, at least 1"),
    "max_tokens": (int, lambda n: 1 <= n <= _MOST, "a whole number, at least 1"),
    "max_usd": (Decimal, lambda usd: usd > 0, "an amount above 0"),
    "prompt_tokens": (int, lambda n: 0 <= n <= _MOST, "a whole number, at least 0"),
    "priority": (int, lambda n: -_MOST <= n <= _MOST, f"a whole number, at most {_MOST:,}"),
}


_WORDS: Final = ("category", "complexity", "model", "tier")
_MAY_BE_NONE: Final = ("timeout_s", "max_tokens", "max_usd", "prompt_tokens")


def check_seconds(name: str, value: object, *, most: float, least: float | None = None) -> None:
    """
    Return if a setting is a time that can be waited for.

    Args:
        least: The shortest; above 0 without it.

    Raises:
        InvalidInputError: It is no number, or out of range; names the setting and the range.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        is_long_enough = value > 0 if least is None else value >= least
        if is_long_enough and value <= most:
            return
    lowest = "above 0" if least is None else f"from {least:g}"
    raise InvalidInputError(
        f"{name} is {told(value)}; give seconds, {lowest}, at most {most:,.0f}.",
        name=name,
        value=value,
    )


def check_lease(lease_s: object) -> None:
    """Return if a lease can be of that length: a shorter one ends before it can be renewed."""
    check_seconds("lease_s", lease_s, least=0.01, most=DAY_S)


def check_amount(name: str, value: Any) -> None:
    """
    Return if a limit leaves anything to be done.

    Raises:
        InvalidInputError: It is no number above 0, or one that nothing comes to.
    """
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    is_one = is_number and not (isinstance(value, Decimal) and value.is_nan())
    if not (is_one and 0 < value <= _MOST):
        raise InvalidInputError(
            f"{name} is {told(value)}; a limit must be a number above 0.", name=name, value=value
        )


def check_count(name: str, value: object, *, most: int) -> None:
    """
    Return if a setting is a number of things.

    Raises:
        InvalidInputError: It is no whole number, or out of range; names the setting and the range.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        must = f"give a whole number from 1 to {most:,}"
        raise InvalidInputError(f"{name} is {told(value)}; {must}.", name=name, value=value)


def check_figures(spec: Any) -> None:
    """
    Return if the figures of a ``PhaseSpec`` can be what a phase is asked for with.

    Raises:
        InvalidInputError: One is of another kind, or out of range; names phase and field.
    """
    for name in _WORDS:
        if isinstance(word := getattr(spec, name), str) and not word.strip():
            raise InvalidInputError(
                f"{name} is empty; leave it out, or say which.",
                name=name,
                value=word,
                whose=f"Phase {spec.id!r}",
            )
    for name, (kinds, is_in_range, must) in _FIGURES.items():
        value = getattr(spec, name)
        if value is None and name in _MAY_BE_NONE:
            continue
        if isinstance(value, bool) or not isinstance(value, kinds) or not is_in_range(value):
            raise InvalidInputError(
                f"{name} is {told(value)}; it must be {must}.",
                name=name,
                value=value,
                whose=f"Phase {spec.id!r}",
            )
