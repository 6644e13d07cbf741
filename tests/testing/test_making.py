"""A slip in ``make()`` is said in words, by every suite, and nothing hangs because of it."""

import threading

import pytest

from autopack import create_log
from autopack.log.log import journal_of
from autopack.testing.backends import BackendContract
from autopack.testing.backends.sharing import together
from autopack.testing.calibrators import CalibratorContract
from autopack.testing.estimators import EstimatorContract
from autopack.testing.executors import ExecutorContract
from autopack.testing.importers import ImporterContract
from autopack.testing.making import checked
from autopack.testing.mutants.calibrators import Mean
from autopack.testing.mutants.estimators import Counts
from autopack.testing.mutants.executors import Once
from autopack.testing.mutants.importers import Runs
from autopack.testing.mutants.projections import EventsOfRuns
from autopack.testing.mutants.strategies import Remembers, first
from autopack.testing.projections import ProjectionContract
from autopack.testing.strategies import StrategyContract

SUITES = {
    StrategyContract: Remembers,
    ExecutorContract: Once,
    EstimatorContract: Counts,
    CalibratorContract: Mean,
    ImporterContract: Runs,
    ProjectionContract: EventsOfRuns,
}


def making(suite, given):
    """Return a test class that makes something."""
    return type("Mine", (suite,), {"make": lambda self: given})()


@pytest.mark.parametrize(("suite", "kind"), SUITES.items())
def test_a_class_in_place_of_an_object_is_named(suite, kind):
    """It is said what to return; one of it is taken."""
    with pytest.raises(AssertionError, match=rf"the class {kind.__name__}\. Return one of it"):
        making(suite, kind)._made()

    assert isinstance(making(suite, kind())._made(), kind)


@pytest.mark.parametrize("suite", SUITES)
def test_what_is_of_another_kind_is_named(suite):
    """With what it lacks."""
    with pytest.raises(AssertionError, match=r"make\(\) returned 5: no \w+, it lacks \w+"):
        making(suite, 5)._made()


@pytest.mark.parametrize("suite", [*SUITES, BackendContract])
def test_a_suite_without_make_says_what_to_write(suite):
    """The method by name, and what it returns."""
    made = type("Mine", (suite,), {}).make

    with pytest.raises(NotImplementedError, match=r"Write make\(\w*\) in your test class: return"):
        made(None, *([None] if suite is BackendContract else []))


def test_a_log_is_no_backend():
    """The likeliest slip of all: its attribute is one."""
    needs = [name for name in dir(BackendContract.make.__annotations__["return"]) if name[0] != "_"]
    with create_log("memory:") as log:
        assert journal_of(log).backend is checked(journal_of(log).backend, "backend", needs)
        with pytest.raises(AssertionError, match="no backend, it lacks"):
            checked(log, "backend", needs)


def test_functions_and_objects_are_strategies():
    """Whatever can be called."""
    assert first is making(StrategyContract, first)._made()


def test_what_fails_in_one_thread_ends_the_others():
    """Its error is the test's, and who waited for it waits no longer."""
    waiting = threading.Event()

    def fail():
        waiting.set()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        together(fail, lambda: waiting.wait(20))
