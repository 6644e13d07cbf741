"""How long Hypothesis looks in a contract suite."""

from typing import Final

from hypothesis import HealthCheck, settings

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
"""A few seconds a suite, whatever the machine; no test of a suite asserts a time."""

THOROUGH: Final = settings(PATIENT, max_examples=60)
"""For what is asked one small question at a time: rare views are met more often."""
