"""
For people who test what they build on the library: scenarios, ready logs, suites and mutants.

Install it with ``autopack[testing]``. Nothing here is imported by the rest of the library, and
pytest and Hypothesis are loaded by the modules that need them:

``given`` and ``VirtualClock``, here
    A decision from facts alone, and a log whose time is moved by hand.
``fixtures``
    Ready logs for pytest; take them with ``pytest_plugins = ["autopack.testing.fixtures"]``.
``facts``
    Small events with sensible fields.
``generators`` and ``histories``
    Hypothesis strategies of events, runs, drain views, features, samples and whole histories.
``backends``, ``checks``, ``events``, ``executors``, ``strategies``, ``estimators``,
``calibrators``, ``experts``, ``projections``, ``importers``, ``launchers``, ``workspaces``
    Contract suites: classes to subclass, with the one method ``make``.
``mutants``
    Broken plugins, each of which fails its suite in a named test.
"""

import sys
from typing import Final

from autopack.testing.clock import VirtualClock
from autopack.testing.scenarios import Given, When, given

_SUITES: Final = tuple(
    f"autopack.testing.{name}"
    for name in (
        "backends",
        "calibrators",
        "checks",
        "events",
        "estimators",
        "executors",
        "experts",
        "importers",
        "launchers",
        "projections",
        "strategies",
        "workspaces",
    )
)

if "pytest" in sys.modules:  # so that a suite's plain asserts say which values differ
    sys.modules["pytest"].register_assert_rewrite(*_SUITES)

__all__ = ["Given", "VirtualClock", "When", "given"]
