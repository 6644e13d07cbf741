"""Whom a run names keeps its folders, unless the drain names somebody."""

import pytest

import autopack
from autopack import Completed, PhaseRef, PhaseSpec, hookimpl, load_plugins
from autopack.errors import InvalidInputError, UnknownNameError
from autopack.testing.mutants.workspaces import Copies


class Named(Copies):
    """Copies under a name, that say which option they were made with."""

    made = 0

    def __init__(self, *, option: int = 0) -> None:
        super().__init__()
        type(self).made += 1
        self.option = option


class Plugin:
    @hookimpl
    def autopack_register_workspaces(self, register):
        register("copies", Named)


@pytest.fixture
def log():
    Named.made = 0
    with autopack.create_log("memory:", plugins=load_plugins(extra=[Plugin()])) as log:
        yield log


def folders(log, **settings):
    """Drain and return the folder that each run's phase had."""
    seen = {}

    def work(phase, attempt):
        seen[phase.run_id] = attempt.workspace
        return Completed()

    autopack.drain(log, executor=work, **settings)
    return seen


def test_a_run_names_who_keeps_its_folders(log):
    """By name or with options; runs that name nobody have none."""
    autopack.create_run(log, "one", [PhaseSpec("p")], workspace="copies")
    autopack.create_run(log, "two", [PhaseSpec("p")], workspace={"name": "copies", "option": 3})
    autopack.create_run(log, "none", [PhaseSpec("p")])
    seen = folders(log)

    assert seen["one"].parent != seen["two"].parent
    assert seen["none"] is None


def test_runs_that_name_the_same_share_it(log):
    """It is made once."""
    for name in ("one", "two"):
        autopack.create_run(log, name, [PhaseSpec("p")], workspace="copies")
    seen = folders(log)

    assert (1, seen["one"].parent) == (Named.made, seen["two"].parent)


def test_what_a_drain_names_wins(log, tmp_path):
    """Also where it is one folder for all."""
    autopack.create_run(log, "one", [PhaseSpec("p")], workspace="copies")

    assert tmp_path.resolve() == folders(log, workspace=tmp_path)["one"]
    assert 0 == Named.made


def test_what_is_not_registered_is_refused_before_anything_is_written(log):
    """A file neither: a log may be somebody else's, and runs nothing of its own."""
    for name in ("copys", "evil.py:keeper"):
        autopack.create_run(log, name, [PhaseSpec("p")], workspace=name)
    before = log.head()
    for name in ("copys", "evil.py:keeper"):
        with pytest.raises(UnknownNameError, match="copies"):
            folders(log, run_id=name)

    assert before == log.head()
    assert "QUEUED" == autopack.get_phase(log, PhaseRef("copys", "p")).status


@pytest.mark.parametrize("wanted", [3, "", {"integrate": "rebase"}, ["copies"]])
def test_what_names_nobody_is_refused(log, wanted):
    """When the run is created, and in a file."""
    with pytest.raises(InvalidInputError, match="workspace is"):
        autopack.create_run(log, "r", [PhaseSpec("p")], workspace=wanted)
    with pytest.raises(InvalidInputError, match="workspace"):
        autopack.parse_run({"phases": [{"id": "p"}], "workspace": wanted}, source="run.toml")


def test_a_file_names_it():
    """As a text, or as a table."""
    for wanted in ("worktree", {"name": "worktree", "integrate": "rebase"}):
        file = autopack.parse_run({"phases": [{"id": "p"}], "workspace": wanted}, source="f")

        assert wanted == file.workspace


def swept(log, *, is_plugin_there=True):
    """Approve the phase of a run that names its folders' keeper, drain, and return the sweeps."""
    seen = []

    class Sweeping(Named):
        def sweep(self, log):
            seen.append([row.ref for row in log.folders()])
            return super().sweep(log)

    class Again:
        @hookimpl
        def autopack_register_workspaces(self, register):
            register("copies", Sweeping)

    plugins = load_plugins(extra=[Again()] if is_plugin_there else [])
    with autopack.open_log(log, plugins=plugins) as again:
        report = autopack.drain(again, executor=lambda _phase, _attempt: None)
    return seen, report


@pytest.fixture
def approved(tmp_path):
    """A run whose only phase waited for a person, who has approved it."""
    path = tmp_path / "log.db"
    spec = PhaseSpec("p", labels={"gate": "Good?"})
    with autopack.create_log(path, plugins=load_plugins(extra=[Plugin()])) as log:
        autopack.create_run(log, "r", [spec], workspace="copies")
        autopack.drain(log, executor=lambda _phase, _attempt: None)
        autopack.decide_gate(log, PhaseRef("r", "p"), decision="approve", actor="ann", why="good")
    return path


def test_an_ended_run_is_looked_after_while_something_is_left(approved):
    """Its approval ended it, and its work may be waiting."""
    seen, _ = swept(approved)

    assert ["r/p"] == seen[0]


def test_an_ended_run_whose_keeper_is_gone_stops_nobody(approved):
    """A drain of other work begins, and ends, as ever."""
    seen, report = swept(approved, is_plugin_there=False)

    assert ([], "empty") == (seen, report.reason)
