"""Which of the known names was probably meant."""

import re
from collections.abc import Iterable
from typing import Final

_LISTED_MOST: Final = 10


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """
    Return the known name that is spelled most like *name*, or None if none is near.

    Args:
        likeness: From 0 to 1, for a name spelled the same: what counts as near.
    """
    import difflib  # only where something is wrong

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """Return a sentence with the nearest known name, a space before it; empty if none is near."""
    close = nearest(name, known, likeness=likeness)
    return "" if close is None else f" Did you mean {close!r}?"


def listed(known: Iterable[str]) -> str:
    """Return the first known names in order, ``p2`` before ``p10``, and how many more there are."""
    names = sorted(known, key=_in_order)
    more = len(names) - _LISTED_MOST
    return ", ".join(names[:_LISTED_MOST]) + (f", … and {more:,} more" if more > 0 else "")


def _in_order(name: str) -> list[tuple[int, str]]:
    """Return a key that orders numbers in names by their value, however long they are."""
    keys = []
    for part in re.findall("[0-9]+|[^0-9]+", name):
        number = part.lstrip("0")
        keys.append((len(number), number) if part[0] in "0123456789" else (-1, part))
    return keys
