"""US dollars, exact: decimal, to a millionth of a millionth, and with one text for each amount."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Any, Final, Self, TypeAlias

from autopack.errors import InvalidInputError

PICO: Final = 10**12
"""How many pico-dollars a dollar has; amounts are whole numbers of them."""
MOST: Final = (2**63 - 1) // PICO
"""The most dollars of one amount: in pico-dollars it still is a signed 64-bit integer."""

_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
_STEP: Final = Decimal(1).scaleb(-12)
_CANONICAL: Final = re.compile(r"(0|[1-9][0-9]{0,6})(\.[0-9]{0,11}[1-9])?", re.ASCII)


Amount: TypeAlias = Decimal | float | int | str
"""US dollars as people and providers give them."""


class Usd(Decimal):
    """
    An amount of US dollars, 0 or more, as events hold it.

    Its text is canonical: no exponent, no sign, no zeros at the end, so that equal amounts are
    hashed alike.
    """

    __slots__ = ()

    @classmethod
    def of(cls, given: Any) -> Self:
        """
        Return an amount that somebody gave as a Decimal, a number or a text.

        A float is what its shortest text says, rounded to pico-dollars; a decimal must be exact.

        Raises:
            InvalidInputError: It is no amount, below 0, too large, or finer than pico-dollars.
        """
        if type(given) is cls:
            return given
        amount = _decimal(given)
        if amount is None or not amount.is_finite():
            raise InvalidInputError(f"{given!r} is no amount of US dollars: give a number.")
        if amount < 0 or amount > MOST:
            raise InvalidInputError(
                f"{given!r} US dollars cannot be kept: an amount is from 0 to {MOST}."
            )
        rounded = amount.quantize(_STEP, context=_EXACT)
        if rounded != amount and not isinstance(given, float):
            raise InvalidInputError(
                f"{given!r} US dollars cannot be kept exactly: an amount has at most 12 decimals."
            )
        return cls(_text(rounded))

    @classmethod
    def of_pico(cls, amount: int) -> Self:
        """Return the amount that is so many pico-dollars; a sum may be any, also below 0."""
        return cls(_text(Decimal(amount).scaleb(-12, context=_EXACT)))

    @classmethod
    def stored(cls, text: Any) -> "Usd":
        """
        Return an amount from a stored event.

        Raises:
            ValueError: It is no text, or not the canonical one.
        """
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is no canonical amount of US dollars")
        return _stored(text)

    @property
    def pico(self) -> int:
        """The amount in pico-dollars."""
        return pico(self)

    def __str__(self) -> str:
        return _text(self)

    def __format__(self, spec: str, _context: object = None, /) -> str:
        return format(Decimal(self), spec) if spec else _text(self)

    def __repr__(self) -> str:
        return f"Usd('{_text(self)}')"


@lru_cache(maxsize=8192)  # many calls cost the same, and reading an amount is most of reading them
def _stored(text: str) -> Usd:
    if not _CANONICAL.fullmatch(text):
        raise ValueError(f"{text!r} is no canonical amount of US dollars")
    return Usd(text)


def pico(amount: Decimal | None) -> int:
    """Return an amount in pico-dollars; 0 for one that nobody knows."""
    return 0 if amount is None else int(amount.scaleb(12, context=_EXACT))


def _decimal(given: Any) -> Decimal | None:
    if isinstance(given, bool) or not isinstance(given, Decimal | int | float | str):
        return None
    try:
        return Decimal(repr(given) if isinstance(given, float) else given)
    except ArithmeticError:
        return None


def _text(amount: Decimal) -> str:
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
