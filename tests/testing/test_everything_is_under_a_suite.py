"""Whatever the library and its plugin packages register is tested by the suite of its kind."""

import importlib.util
import inspect
from pathlib import Path

import pytest

from autopack import load_plugins
from autopack.plugins.registry import KINDS
from autopack.testing.backends import BackendContract
from autopack.testing.calibrators import CalibratorContract
from autopack.testing.checks import CheckContract
from autopack.testing.estimators import EstimatorContract
from autopack.testing.executors import ExecutorContract
from autopack.testing.importers import ImporterContract
from autopack.testing.launchers import LauncherContract
from autopack.testing.projections import ProjectionContract
from autopack.testing.strategies import StrategyContract
from autopack.testing.workspaces import WorkspaceContract

ROOT = Path(__file__).resolve().parents[2]
TESTS = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/test_*.py")]
SUITES = {
    "strategy": StrategyContract,
    "executor": ExecutorContract,
    "estimator": EstimatorContract,
    "calibrator": CalibratorContract,
    "projection": ProjectionContract,
    "importer": ImporterContract,
    "backend": BackendContract,
    "workspace": WorkspaceContract,
    "launcher": LauncherContract,
    "check": CheckContract,
}
IN_A_FOLDER = ("backend", "workspace", "launcher")
"""The kinds whose suites make them in a folder."""
WITHOUT_A_SUITE = {
    "exporter": "its importer reads what it wrote, and that importer is under a suite",
    "preset": "what a client prints is its own: each reader is held to recorded outputs of it",
    "prices": "what a model costs is data: each source is held to the one that it is filled from",
    "command": "a click command may do anything, so there is nothing that all of them promise",
}


def sort_of(thing):
    """Return what tells one implementation from another: its name, its function, or its class."""
    if isinstance(thing, type) or inspect.isfunction(thing):
        return thing
    return thing.name if hasattr(thing, "types") else type(thing)


ON_A_SERVER = {"postgresql"}
"""Schemes whose tests start a server of their own, under the same suite."""


@pytest.fixture(scope="module")
def cases():
    """Return every subclass of a suite that the tests collect."""
    found = []
    for number, path in enumerate(TESTS):
        if "Contract)" in path.read_text(encoding="utf-8"):
            spec = importlib.util.spec_from_file_location(f"looked_at_{number}", path)
            module = importlib.util.module_from_spec(spec)
            with pytest.MonkeyPatch.context() as patch:  # where a plugin's tests have their kit
                patch.syspath_prepend(path.parent)
                spec.loader.exec_module(module)
            found += [c for c in vars(module).values() if getattr(c, "__module__", "") == spec.name]
    return [case for case in found if isinstance(case, type)]


@pytest.fixture
def backends(tmp_path):
    """Return a new log of each scheme that needs no server."""
    openers = load_plugins().known("backend")
    made = {
        scheme: openers[scheme].create(str(tmp_path / scheme))
        for scheme in openers.keys() - ON_A_SERVER
    }
    yield made
    for backend in made.values():
        backend.close()


@pytest.mark.parametrize("kind", SUITES)
def test_what_is_registered_is_under_its_suite(kind, cases, backends, tmp_path_factory):
    """A test class subclasses the suite of its kind, and makes it."""
    suite, tested = SUITES[kind], set()
    for case in (case for case in cases if issubclass(case, suite)):
        needs = [tmp_path_factory.mktemp("made")] if kind in IN_A_FOLDER else []
        made = case().make(*needs)
        tested.add(sort_of(made))
        if kind == "backend":
            made.close()
    registered = backends if kind == "backend" else load_plugins().known(kind)
    missing = [name for name, thing in registered.items() if sort_of(thing) not in tested]

    assert [] == missing, f"write a test class that subclasses {suite.__name__} and makes it"


def test_every_kind_has_a_suite_or_a_reason():
    """A new kind of plugin is not forgotten."""
    assert sorted(KINDS) == sorted([*SUITES, *WITHOUT_A_SUITE])
