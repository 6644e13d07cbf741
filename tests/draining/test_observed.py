"""A drain that is watched: whatever observers and callbacks raise, its work goes on."""

import asyncio

import pytest
from structlog.testing import capture_logs

import autopack
from autopack import create_run, drain, hookimpl, load_plugins
from autopack.log.log import journal_of
from autopack.report.drain_text import drain_text
from drains import found, specs, states, works

RAISED = [
    ValueError("x"), BrokenPipeError(32, "gone"), SystemExit(3), KeyboardInterrupt(),
    GeneratorExit(), asyncio.CancelledError(),
]  # fmt: skip


def raising(fault, at):
    """An observer that raises at one type of events."""

    def observe(recorded):
        if recorded.type == at:
            raise fault

    return observe


@pytest.mark.parametrize("at", ["phase.claimed", "llm.usage_recorded", "phase.completed"])
@pytest.mark.parametrize("fault", RAISED, ids=lambda fault: type(fault).__name__)
def test_a_drain_goes_on_whatever_its_callback_raises(log, fault, at):
    """Every phase is done once; the report says what the callback raised, once a kind."""
    with capture_logs():
        report = drain(log, executor=works, on_event=raising(fault, at))

    assert ({"p1": "COMPLETE", "p2": "COMPLETE"}, 2) == (states(log), report.attempts)
    assert [2] == list(report.observer_faults.values())
    assert f"2 x raising.<locals>.observe: {type(fault).__name__}" in drain_text(report)
    assert [] == journal_of(log).backend.leases()


@pytest.mark.parametrize("fault", RAISED, ids=lambda fault: type(fault).__name__)
def test_a_plugin_that_observes_ends_no_drain(log_path, fault):
    """An observer plugin that calls ``sys.exit()`` costs no phase its attempt."""

    class Watching:
        @hookimpl
        def autopack_event_recorded(self, recorded):
            raise fault

        @hookimpl
        def autopack_drain_stopped(self, report):
            raise fault

    registry = load_plugins(extra=[Watching()])
    with capture_logs() as logged, autopack.open_log(log_path, plugins=registry) as log:
        create_run(log, "r", specs("p1"))
        report = drain(log, executor=works)

        assert ({"p1": "COMPLETE"}, "empty") == (states(log), report.reason)
        assert {f"plugin Watching: {type(fault).__name__}"} == set(report.observer_faults)
    assert 1 == len([one for one in logged if one["event"] == "observer failed"])


@pytest.mark.parametrize("hook", ["autopack_classify_failure", "autopack_gate_phase"])
@pytest.mark.parametrize("fault", [SystemExit(3), KeyboardInterrupt()])
def test_a_plugin_that_decides_ends_no_drain(log_path, hook, fault):
    """What a hook raises is its error, and no reason to stop the process."""

    def decide(phase=None, outcome=None, log=None, code=None, message=None):
        raise fault

    plugin = type("Deciding", (), {hook: staticmethod(hookimpl(decide))})()
    with capture_logs(), autopack.open_log(log_path, plugins=load_plugins(extra=[plugin])) as log:
        create_run(log, "r", specs("p1"))
        report = drain(log, executor=works)

        assert ("empty", 1) == (report.reason, len(found(log, "phase.claimed")))
