"""Shares as people say them: of ten outputs nine fit, of a hundred between two figures."""

from typing import Final

_ONES: Final = tuple(
    "none one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "  # noqa: SIM905
    "sixteen seventeen eighteen nineteen".split()
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def fitting(least: float, most: float) -> str:
    """Return how many outputs fit where their share lies between two, in words."""
    low, high = round(100 * least), round(100 * most)
    of = "ten" if low == high and low % 10 == 0 else "a hundred"
    if low == high:
        n = low // 10 if of == "ten" else low
        told = "all" if low == 100 else _words(n)
        return f"of {of} outputs {told} {'fits' if n == 1 else 'fit'}"
    end = "all" if high == 100 else _words(high)
    return f"of a hundred outputs {_words(low)} to {end} fit"


def _words(n: int) -> str:
    if n < len(_ONES):
        return _ONES[n]
    if n == 100:
        return "a hundred"
    tens, ones = divmod(n, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")
