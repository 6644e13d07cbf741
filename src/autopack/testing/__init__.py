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
``backends``, ``executors``, ``strategies``, ``estimators``, ``calibrators``, ``projections``,
``importers``
    Contract suites: classes to subclass, with the one method ``make``.
``mutants``
    Broken plugins, each of which fails its suite in a named test.
"""

from autopack.testing.clock import VirtualClock
from autopack.testing.scenarios import Given, When, given

__all__ = ["Given", "VirtualClock", "When", "given"]
