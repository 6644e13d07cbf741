"""Folders of attempts by function: as they stand, as they stood, and a sweep."""

import pytest

import autopack
from autopack import Completed, PhaseSpec
from autopack.errors import InvalidInputError, RunMissingError
from autopack.events import WorkspaceClosed
from autopack.testing.mutants.workspaces import Copies


@pytest.fixture
def keeper():
    return Copies()


@pytest.fixture
def log(keeper):
    with autopack.create_log("memory:") as log:
        for name in ("a", "b"):
            autopack.create_run(log, name, [PhaseSpec("p")])
        autopack.drain(log, executor=lambda _phase, _attempt: Completed(), workspace=keeper)
        yield log


def test_those_of_a_run_are_listed(log):
    """The oldest first; of all runs, without a name."""
    assert ["a/p", "b/p"] == [row.ref for row in autopack.list_workspaces(log)]
    assert ["b/p"] == [row.ref for row in autopack.list_workspaces(log, "b")]
    with pytest.raises(RunMissingError):
        autopack.list_workspaces(log, "c")


def test_they_are_listed_as_they_stood(log):
    """Before the second was opened, there was one."""
    second = autopack.list_workspaces(log)[1].position

    assert ["a/p"] == [row.ref for row in autopack.list_workspaces(log.as_of(second - 1))]


def test_a_sweep_is_what_a_drain_does(log, keeper):
    """What is done is taken away, once."""
    closed = len(list(log.read_all(types=[WorkspaceClosed])))

    assert 2 == closed + autopack.sweep_workspaces(log, keeper).removed
    assert 0 == autopack.sweep_workspaces(log, keeper).removed


def test_a_folder_has_nobody_who_sweeps(log, tmp_path):
    """It is somebody's own."""
    with pytest.raises(InvalidInputError, match="is a folder, which nobody keeps"):
        autopack.sweep_workspaces(log, tmp_path)
