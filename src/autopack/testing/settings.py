"""How long Hypothesis looks in a contract suite."""

from collections.abc import Callable
from typing import Final, TypeVar

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

PATIENT: Final = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[
        HealthCheck.differing_executors,  # a suite is run by every class that subclasses it
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
"""Seconds a suite, not minutes; no test of a suite asserts a time."""

THOROUGH: Final = settings(PATIENT, max_examples=60)
"""For what is asked one small question at a time: rare views are met more often."""

_SEARCH: Final = settings(
    PATIENT, max_examples=300, phases=[Phase.generate], derandomize=True, database=None
)


def is_ever(drawn: SearchStrategy[T], condition: Callable[[T], bool]) -> bool:
    """
    Tell whether something that can be drawn meets a condition; what raises meets none.

    A promise about what a plugin does is kept by one that does nothing. So each suite asks
    whether it does anything at all.
    """

    def is_met(value: T) -> bool:
        try:
            return condition(value)
        except Exception:  # another test says what is wrong with it
            return False

    try:
        find(drawn, is_met, settings=_SEARCH)
    except NoSuchExample:
        return False
    return True
