"""Numbers of options: finite, and such as a log can be asked for."""

import re
from decimal import Decimal
from typing import Any, Final

import click

from autopack.ports.figures import WORKERS_MOST

_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_SPAN: Final = re.compile(r"(?P<figure>\d{1,9}(?:\.\d{1,6})?) ?(?P<unit>s|m|min|h|d)")

_MOST: Final = 2**53


class Whole(click.IntRange):
    """A whole number, from its least to its most, or to what every reader of JSON can hold."""

    name = "whole number"

    def __init__(self, least: int, most: int = _MOST) -> None:
        super().__init__(min=least, max=most)
        self._least, self._most = least, most

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Return what help shows in its place."""
        return "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number that was typed."""
        try:
            number = int(value)
        except (ValueError, TypeError):
            self.fail(f"{value!r} is no whole number.", param, ctx)
        if number < self._least:
            self.fail(f"{number} is below {self._least}.", param, ctx)
        if number > self._most:
            self.fail(f"{number} is above {self._most}.", param, ctx)
        return number

    def _describe_range(self) -> str:
        return ""  # in lists of options it is longer than what they are for


POSITION: Final = Whole(0)
"""A place in a log."""

WORKERS: Final = Whole(0, WORKERS_MOST)
"""How many workers there may be on all machines."""

COUNT: Final = Whole(1)
"""How many of something, at least one."""

SIZE: Final = Whole(0)
"""How large something is, in bytes."""


class Finite(click.FloatRange):
    """A number within a range; what is none, or has no end, is refused."""

    name = "number"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Return what help shows in its place."""
        return "N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number that was typed."""
        try:
            number = float(value)
        except (ValueError, TypeError):
            self.fail(f"{value!r} is no number.", param, ctx)
        if not abs(number) < float("inf"):
            self.fail(f"{value!r} is no finite number.", param, ctx)
        if not self._holds(number):
            self.fail(f"{value} is not {self._range()}.", param, ctx)
        return number

    def _describe_range(self) -> str:
        return ""

    def _holds(self, number: float) -> bool:
        low, high = self.min, self.max
        is_above = low is None or number > low or (number == low and not self.min_open)
        return is_above and (
            high is None or number < high or (number == high and not self.max_open)
        )

    def _range(self) -> str:
        low = "above" if self.min_open else "at least"
        high = "below" if self.max_open else "at most"
        ends = ((low, self.min), (high, self.max))
        return " and ".join(f"{side} {end:g}" for side, end in ends if end is not None)


AMOUNT: Final = Finite(min=0, min_open=True)
"""A number above 0."""

SHARE: Final = Finite(min=0, max=1, min_open=True, max_open=True)
"""A share, above 0 and below 1."""


class Percentage(Finite):
    """A share that may be typed as one of a hundred: ``10%`` is 0.1."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the share that was typed."""
        if isinstance(value, str) and value.strip().endswith("%"):
            return super().convert(_hundredth(value.strip()[:-1]), param, ctx)
        return super().convert(value, param, ctx)


PART: Final = Percentage(min=0, max=1, min_open=True, max_open=True)
"""A share, above 0 and below 1, or a percentage."""


class Duration(Finite):
    """A span of time in seconds, or with its unit: ``90``, ``30s``, ``15min``, ``2h``, ``1d``."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds that were typed."""
        found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            return super().convert(value, param, ctx)
        return super().convert(float(found["figure"]) * _UNITS[found["unit"]], param, ctx)


SPAN: Final = Duration(min=0, max=10**9, min_open=True)
"""A span of time above 0, in seconds."""

DAYS: Final = Finite(min=0, max=36_500)
"""A time before now, in days."""


def _hundredth(typed: str) -> str:
    """Return a hundredth of a typed number; what is none is left to who reads numbers."""
    try:
        return str(float(typed) / 100)
    except ValueError:
        return typed


def dollars(_context: Any, _option: Any, given: str | None) -> Decimal | None:
    """Return an amount of USD above 0, digit by digit; a callback of options."""
    from autopack.errors import InvalidInputError
    from autopack.values.money import Usd

    try:
        amount = None if given is None else Usd.of(given)
    except InvalidInputError as fault:
        raise click.BadParameter(str(fault)) from fault
    if amount is not None and not amount:
        raise click.BadParameter(f"{given} is not above 0.")
    return amount


_DIGITS_MOST: Final = 12


def resources(
    _ctx: click.Context, parameter: click.Parameter | None, given: tuple[str, ...]
) -> dict[str, float | list[str]] | None:
    """Return ``NAME=N`` as an amount, and ``NAME=WORD``, which may be repeated, as words."""
    found: dict[str, float | list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        before = found.get(name)
        try:
            amount = float(value)
        except ValueError:
            amount = None
        is_twice = before is not None and not (amount is None and isinstance(before, list))
        if not (name and equals and value) or is_twice:
            what = "is told twice" if name and is_twice else "is not NAME=N or NAME=WORD"
            raise click.BadParameter(f"{text!r} {what}.", param=parameter)
        if amount is not None:
            found[name] = int(value) if value.isdecimal() else amount
        elif isinstance(before, list):
            before.append(value)
        else:
            found[name] = [value]
    return found or None


def rates(
    _ctx: click.Context, parameter: click.Parameter | None, given: tuple[str, ...]
) -> int | dict[str, int] | None:
    """Return ``N`` as one rate for all, or ``MODEL=N`` as rates by model."""
    found: dict[str, int] = {}
    for text in given:
        model, equals, number = text.rpartition("=")
        is_number = number.isdecimal() and len(number) <= _DIGITS_MOST
        if not is_number or int(number) < 1 or (equals and not model):
            raise click.BadParameter(f"{text!r} is not N or MODEL=N, N from 1.", param=parameter)
        found[model or "*"] = int(number)
    return found.get("*") if set(found) == {"*"} else found or None
