"""A freeze is set, holds for everybody, and is lifted; all of it is in the log."""

import threading

import pytest
from click.testing import CliRunner

import autopack
from autopack import Completed, PhaseSpec, load_plugins
from autopack.cli.main import autopack as command
from autopack.errors import DrainRefusedError, InvalidInputError
from autopack_freeze import FREEZES, freeze, freezes, lift


@pytest.fixture
def log(tmp_path):
    with autopack.create_log(tmp_path / "work.db") as log:
        autopack.create_run(log, "r", [PhaseSpec("p1", category="docs", complexity="low")])
        yield log


def drained(log):
    return autopack.drain(log, executor=lambda phase, attempt: Completed()).completed


def call(log, *words):
    done = CliRunner().invoke(command, ["--log", log.target, "freeze", *words])
    return done.exit_code, done.stdout, done.stderr


def test_it_is_found_by_its_entry_point():
    """Installed means events, a projection, a guard and a command, without a fault."""
    (info,) = [i for i in load_plugins().infos if i.distribution == "autopack-freeze"]

    assert () == info.faults
    assert {
        "event freeze.set",
        "event freeze.lifted",
        "projection freezes",
        "hook autopack_guard_drain",
        "command freeze",
    } == set(info.provides)


def test_a_freeze_refuses_a_drain_until_it_is_lifted(log):
    """It says who set it, and why; nothing was written."""
    freeze(log, "outage", why="529", actor="ann")
    before = log.head()
    with pytest.raises(DrainRefusedError, match=r"outage by ann since .*Z: 529\)\. Lift it with"):
        drained(log)

    assert before == log.head()
    lift(log, "outage", why="it is back")
    assert 1 == drained(log)


def test_each_freeze_is_lifted_by_itself(log):
    """A drain begins when the last one is gone; the oldest is named first."""
    freeze(log, "b", why="first")
    freeze(log, "a", why="second")
    lift(log, "b", why="done")

    assert ["a"] == [one.name for one in freezes(log)]
    with pytest.raises(DrainRefusedError, match="second"):
        drained(log)


def test_a_repeat_records_nothing(log):
    """The first reason stays; what does not hold cannot be lifted, and what does is listed."""
    freeze(log, "outage", why="529")

    assert [] == freeze(log, "outage", why="again")
    assert ["529"] == [one.why for one in freezes(log)]
    with pytest.raises(InvalidInputError, match=r"No freeze 'outgae' holds\. .*: outage"):
        lift(log, "outgae", why="x")


def test_any_moment_can_be_asked_for(log):
    """The projection replays, and agrees with what is read of the stream."""
    (first,) = freeze(log, "outage", why="529")
    lift(log, "outage", why="back")
    freeze(log, "release", why="1.4")

    assert ["outage"] == list(autopack.replay(log, "freezes", until=first.position).rows)
    assert freezes(log) == list(autopack.replay(log, FREEZES).rows.values())


def test_two_who_are_as_fast_agree(log):
    """Set by many at once, it is recorded once."""
    start = threading.Barrier(6)
    recorded = []

    def at_once():
        start.wait()
        recorded.extend(freeze(log, "outage", why="529"))

    threads = [threading.Thread(target=at_once) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == len(recorded)


def test_without_the_plugin_its_events_are_kept(log, monkeypatch):
    """They are verified as they are, and stop nobody."""
    freeze(log, "outage", why="529")
    monkeypatch.setenv("AUTOPACK_DISABLE_PLUGINS", "1")
    with autopack.open_log(log.target) as plain:
        assert "freeze.set" == list(plain.read_all())[-1].type
        assert plain.verify().is_clean
        assert 1 == drained(plain)


def test_the_command_line_sets_lists_and_lifts(log):
    """With its words for people, and JSON for others."""
    nothing, said = call(log, "list"), call(log, "set", "outage", "--why", "529", "--by", "ann")
    again, listed = call(log, "set", "outage", "--why", "x"), call(log, "list")
    told = call(log, "list", "--json")
    lifted, wrong = call(log, "lift", "outage", "--why", "y"), call(log, "lift", "b", "--why", "y")

    assert (0, "Nothing is frozen.\n") == nothing[:2]
    assert (0, "Freeze outage holds\n") == said[:2]
    assert (0, "Freeze outage holds; it did before\n") == again[:2]
    assert "outage  ann  " in listed[1]
    assert '"why": "529"' in told[1]
    assert (0, "Freeze outage is lifted\n") == lifted[:2]
    assert (2, "") == wrong[:2]
    assert "No freeze 'b' holds. Those that do: none." in wrong[2]
