"""
US dollars, exact: decimal, to a millionth of a millionth, and with one text for each amount.

Binary floats stop here: one that a caller, a provider or a plugin gives is what it prints as.
"""

import re
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Any, ClassVar, Final, Self, TypeAlias

from autopack.errors import InvalidInputError
from autopack.errors.base import told

PLACES: Final = 12
"""Decimal places of an amount: it is a whole number of pico-dollars."""
PICO: Final = 10**PLACES
"""How many pico-dollars a dollar has."""

_EXACT: Final = Context(prec=100, rounding=ROUND_HALF_EVEN)
_STEP: Final = Decimal(1).scaleb(-PLACES)
_CANONICAL: Final = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{0,11}[1-9])?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_LONGEST: Final = 100

UsdLike: TypeAlias = Decimal | float | int | str
"""US dollars as people and providers give them."""


class Usd(Decimal):
    """
    An amount of US dollars, 0 or more, as events hold it.

    Its text is canonical: no exponent, no sign, no zeros at the end, so that equal amounts are
    hashed alike. Sums and differences are exact, whatever the thread's own decimal context says.
    """

    __slots__ = ()

    MOST: ClassVar[Decimal] = Decimal(2**63 - 1).scaleb(-PLACES, context=_EXACT)
    """The largest amount: in pico-dollars it still is a signed 64-bit integer."""

    @classmethod
    def of(cls, given: Any) -> Self:
        """
        Return an amount that somebody gave as a Decimal, a number or a text.

        A float is what its shortest text says, rounded half-even to pico-dollars; all else must be
        exact.

        Raises:
            InvalidInputError: It is no amount, below 0, too large, or finer than pico-dollars.
        """
        amount = cls._checked(given)
        if type(given) is cls:
            return given
        rounded = amount.quantize(_STEP, context=_EXACT)
        if rounded != amount and not isinstance(given, float):
            raise InvalidInputError(
                f"{told(given)} US dollars cannot be kept exactly: an amount has at most "
                f"{PLACES} decimals. Round it first.",
                name="usd",
                value=given,
            )
        return cls(_text(rounded))

    @classmethod
    def computed(cls, given: Any) -> Self:
        """
        Return what a calculation gave, rounded half-even to pico-dollars.

        Raises:
            InvalidInputError: It is no amount, below 0, or too large.
        """
        return cls(_text(cls._checked(given).quantize(_STEP, context=_EXACT)))

    @classmethod
    def of_pico(cls, amount: int) -> Self:
        """Return the amount that is so many pico-dollars; a sum may be any, also below 0."""
        return cls(_text(Decimal(amount).scaleb(-PLACES, context=_EXACT)))

    @classmethod
    def stored(cls, text: Any) -> Self:
        """
        Return an amount from a stored event.

        Raises:
            ValueError: It is no text, not the canonical one, or too large.
        """
        if not isinstance(text, str):
            raise ValueError(f"{told(text)} is no canonical text of US dollars")
        amount = _stored(text)
        if amount > cls.MOST:
            raise ValueError(f"{text} US dollars are above {cls.MOST}, the most there can be")
        return amount if type(amount) is cls else cls(amount)

    @property
    def pico(self) -> int:
        """The amount in pico-dollars."""
        return pico(self)

    def __add__(self, other: Decimal | int, /) -> "Usd":
        return _exactly(_EXACT.add, self, other)

    def __radd__(self, other: Decimal | int, /) -> "Usd":
        return _exactly(_EXACT.add, other, self)

    def __sub__(self, other: Decimal | int, /) -> "Usd":
        return _exactly(_EXACT.subtract, self, other)

    def __rsub__(self, other: Decimal | int, /) -> "Usd":
        return _exactly(_EXACT.subtract, other, self)

    def __str__(self) -> str:
        return _text(self)

    def __format__(self, spec: str, _context: object = None, /) -> str:
        return format(Decimal(self), spec) if spec else _text(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{_text(self)}')"

    @classmethod
    def _checked(cls, given: Any) -> Decimal:
        amount = _decimal(given)
        if amount is None or not amount.is_finite():
            raise InvalidInputError(
                f"{told(given)} is no amount of US dollars: give a finite number, as a Decimal, "
                "a text of digits, an int or a float.",
                name="usd",
                value=given,
            )
        if amount < 0:
            raise InvalidInputError(
                f"{told(given)} US dollars are below 0.", name="usd", value=given
            )
        if amount > cls.MOST:
            raise InvalidInputError(
                f"{told(given)} US dollars are above {cls.MOST}, the most there can be.",
                name="usd",
                value=given,
            )
        return amount


class UsdSum(Usd):
    """A sum of amounts, as events hold it; it may be larger than any one of them."""

    __slots__ = ()

    MOST: ClassVar[Decimal] = Decimal(10**15 - 1)


@lru_cache(maxsize=8192)  # many calls cost the same, and reading an amount is most of reading them
def _stored(text: str) -> Usd:
    if not _CANONICAL.fullmatch(text):
        raise ValueError(f"{told(text)} is no canonical text of US dollars")
    return Usd(text)


ZERO: Final = Usd()
"""No dollars at all."""


def as_sum(amount: Usd | None) -> UsdSum | None:
    """Return an amount as an event holds sums; None stays None."""
    return None if amount is None else UsdSum.of(amount)


def pico(amount: Decimal | None) -> int:
    """Return an amount in pico-dollars; 0 for one that nobody knows."""
    return 0 if amount is None else int(amount.scaleb(PLACES, context=_EXACT))


def total(amounts: Iterable[Decimal | None]) -> Usd:
    """Return the sum of amounts; what nobody knows adds nothing."""
    return Usd.of_pico(sum(map(pico, amounts)))


def share(amount: Decimal, parts: int, of: int) -> Usd:
    """Return *parts* of *of* equal parts of an amount, rounded half-even to pico-dollars."""
    scaled = _EXACT.divide(_EXACT.multiply(amount, Decimal(parts)), Decimal(of))
    return Usd(_text(scaled.quantize(_STEP, context=_EXACT)))


def _exactly(operation: Callable[[Decimal, Decimal], Decimal], one: object, other: object) -> Usd:
    if not isinstance(one, Decimal | int) or not isinstance(other, Decimal | int):
        return NotImplemented  # type: ignore[no-any-return]
    return Usd(_text(operation(Decimal(one), Decimal(other))))


def _decimal(given: Any) -> Decimal | None:
    """Return what was given digit by digit, or None; a text of digits is no word or expression."""
    match given:
        case bool():
            return None
        case Decimal() | int():
            return Decimal(given)
        case float():
            return Decimal(float.__repr__(given))
        case str() if len(given) <= _LONGEST and _NUMBER.fullmatch(given):
            return Decimal(given)
    return None


def _text(amount: Decimal) -> str:
    text = format(Decimal(amount), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
