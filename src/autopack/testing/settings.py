"""How long Hypothesis looks in a contract suite, and how what it finds is told."""

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from autopack.testing.short_failures import shortened

T = TypeVar("T")

PATIENT: Final = settings(
    max_examples=15,
    deadline=None,
    report_multiple_bugs=False,
    # Not to explain: it takes longer than all the rest where Python has no sys.monitoring.
    phases=[phase for phase in settings().phases if phase is not Phase.explain],
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

Test = Callable[..., None]


def patiently(**drawn: SearchStrategy[Any]) -> Callable[[Test], Test]:
    """Ask a test of a suite of some examples; what is broken is said in a few lines."""
    return functools.partial(_asked, PATIENT, drawn)


def thoroughly(**drawn: SearchStrategy[Any]) -> Callable[[Test], Test]:
    """Ask a test of a suite of many examples; what is broken is said in a few lines."""
    return functools.partial(_asked, THOROUGH, drawn)


def _asked(how: settings, drawn: dict[str, SearchStrategy[Any]], test: Test) -> Test:
    shown: dict[str, Any] = {}

    @functools.wraps(test)
    def kept(*of: Any, **named: Any) -> None:
        shown.update((name, named[name]) for name in drawn)
        test(*of, **named)

    examined = how(given(**drawn)(kept))

    @functools.wraps(examined)
    def run(*of: Any, **named: Any) -> None:
        __tracebackhide__ = True
        try:
            examined(*of, **named)
        except Exception as fault:
            raise shortened(fault, shown, __file__) from None

    return run


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
