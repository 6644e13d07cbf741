"""Servers that the tests of one process share: each is made once, and removed as they end."""

import atexit
from collections.abc import Callable

_removals: list[Callable[[], None]] = []


def remove_at_the_end(remove: Callable[[], None]) -> None:
    """Have it called as the tests end, or else with the process."""
    _removals.append(remove)


@atexit.register
def remove_all() -> None:
    """Leave none behind; one process of several is ended before what it has for its exit."""
    while _removals:
        _removals.pop()()
