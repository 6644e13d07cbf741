"""
Autopack: event-sourced runs of LLM agents over batches of work.

Everything is loaded when it is first used, so that importing the package costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack.api.amending import amend_usage as amend_usage
    from autopack.api.backtesting import backtest as backtest
    from autopack.api.calibrating import calibrate as calibrate
    from autopack.api.calibrating import estimate as estimate
    from autopack.api.calibrating import samples as samples
    from autopack.api.capping import CapUse as CapUse
    from autopack.api.capping import caps_of as caps_of
    from autopack.api.capping import set_caps as set_caps
    from autopack.api.deciding import apply as apply
    from autopack.api.deciding import calibration_history as calibration_history
    from autopack.api.deciding import propose as propose
    from autopack.api.deciding import reject as reject
    from autopack.api.deciding import rollback as rollback
    from autopack.api.doctoring import doctor as doctor
    from autopack.api.forecasting import forecast as forecast
    from autopack.api.logs import create_log as create_log
    from autopack.api.logs import export_history as export_history
    from autopack.api.logs import import_history as import_history
    from autopack.api.logs import open_log as open_log
    from autopack.api.logs import tail as tail
    from autopack.api.pruning import prune_artifacts as prune_artifacts
    from autopack.api.reading import Change as Change
    from autopack.api.reading import diff as diff
    from autopack.api.reading import history as history
    from autopack.api.reading import phase_board as phase_board
    from autopack.api.reading import phase_counts as phase_counts
    from autopack.api.reading import phase_of as phase_of
    from autopack.api.reading import phases_of as phases_of
    from autopack.api.reading import replay as replay
    from autopack.api.reading import run_board as run_board
    from autopack.api.reporting import evaluate as evaluate
    from autopack.api.reporting import write_report as write_report
    from autopack.api.restoring import restore_log as restore_log
    from autopack.api.runs import cancel as cancel
    from autopack.api.runs import create_run as create_run
    from autopack.api.runs import decide_gate as decide_gate
    from autopack.api.runs import pause_run as pause_run
    from autopack.api.runs import queue_phases as queue_phases
    from autopack.api.runs import requeue as requeue
    from autopack.api.runs import resume_run as resume_run
    from autopack.api.runs import skip as skip
    from autopack.api.simulating import simulate as simulate
    from autopack.api.standing import status as status
    from autopack.api.texts import PhaseText as PhaseText
    from autopack.api.texts import text_of as text_of
    from autopack.api.texts import texts_of as texts_of
    from autopack.api.work import attempt as attempt
    from autopack.api.work import drain as drain
    from autopack.api.work import probe as probe
    from autopack.demo import run_demo as run_demo
    from autopack.draining.engine import Drain as Drain
    from autopack.draining.escalation import Escalation as Escalation
    from autopack.draining.executors.command import CommandExecutor as CommandExecutor
    from autopack.draining.executors.recorded import RecordedExecutor as RecordedExecutor
    from autopack.draining.report import DrainReport as DrainReport
    from autopack.draining.simulation import Simulated as Simulated
    from autopack.draining.synthetic import synthetic_backlog as synthetic_backlog
    from autopack.errors import AutopackError as AutopackError
    from autopack.events import event as event
    from autopack.hookspecs import hookimpl as hookimpl
    from autopack.ids import PhaseRef as PhaseRef
    from autopack.log import Log as Log
    from autopack.plugins import load_plugins as load_plugins
    from autopack.ports.drain import Choose as Choose
    from autopack.ports.drain import DrainView as DrainView
    from autopack.ports.drain import Retry as Retry
    from autopack.ports.drain import Stop as Stop
    from autopack.ports.drain import Wait as Wait
    from autopack.ports.log import ANY as ANY
    from autopack.ports.log import Cursor as Cursor
    from autopack.ports.log import NewEvent as NewEvent
    from autopack.ports.log import Recorded as Recorded
    from autopack.ports.log import UnrecognisedEvent as UnrecognisedEvent
    from autopack.ports.prediction import PhaseSpec as PhaseSpec
    from autopack.ports.prediction import Prediction as Prediction
    from autopack.ports.prediction import Proposal as Proposal
    from autopack.ports.prediction import Sample as Sample
    from autopack.ports.projection import projection as projection
    from autopack.ports.work import Attempt as Attempt
    from autopack.ports.work import Completed as Completed
    from autopack.ports.work import Failed as Failed
    from autopack.ports.work import NeedsPerson as NeedsPerson
    from autopack.ports.work import PhaseView as PhaseView
    from autopack.ports.work import Prepared as Prepared
    from autopack.runfiles import RunFile as RunFile
    from autopack.runfiles import read_run_file as read_run_file
    from autopack.runfiles import run_from as run_from
    from autopack.scaffold import new_plugin as new_plugin

_HOMES = {
    "autopack.api.amending": """
        amend_usage
    """,
    "autopack.api.backtesting": """
        backtest
    """,
    "autopack.api.calibrating": """
        calibrate
        estimate
        samples
    """,
    "autopack.api.capping": """
        CapUse
        caps_of
        set_caps
    """,
    "autopack.api.deciding": """
        apply
        calibration_history
        propose
        reject
        rollback
    """,
    "autopack.api.doctoring": """
        doctor
    """,
    "autopack.api.forecasting": """
        forecast
    """,
    "autopack.api.logs": """
        create_log
        export_history
        import_history
        open_log
        tail
    """,
    "autopack.api.pruning": """
        prune_artifacts
    """,
    "autopack.api.reading": """
        Change
        diff
        history
        phase_board
        phase_counts
        phase_of
        phases_of
        replay
        run_board
    """,
    "autopack.api.reporting": """
        evaluate
        write_report
    """,
    "autopack.api.restoring": """
        restore_log
    """,
    "autopack.api.runs": """
        cancel
        create_run
        decide_gate
        pause_run
        queue_phases
        requeue
        resume_run
        skip
    """,
    "autopack.api.simulating": """
        simulate
    """,
    "autopack.api.standing": """
        status
    """,
    "autopack.api.texts": """
        PhaseText
        text_of
        texts_of
    """,
    "autopack.api.work": """
        attempt
        drain
        probe
    """,
    "autopack.demo": """
        run_demo
    """,
    "autopack.draining.engine": """
        Drain
    """,
    "autopack.draining.executors.command": """
        CommandExecutor
    """,
    "autopack.draining.escalation": """
        Escalation
    """,
    "autopack.draining.executors.recorded": """
        RecordedExecutor
    """,
    "autopack.draining.report": """
        DrainReport
    """,
    "autopack.draining.simulation": """
        Simulated
    """,
    "autopack.draining.synthetic": """
        synthetic_backlog
    """,
    "autopack.errors": """
        AutopackError
    """,
    "autopack.events": """
        event
    """,
    "autopack.hookspecs": """
        hookimpl
    """,
    "autopack.ids": """
        PhaseRef
    """,
    "autopack.log": """
        Log
    """,
    "autopack.plugins": """
        load_plugins
    """,
    "autopack.runfiles": """
        RunFile
        read_run_file
        run_from
    """,
    "autopack.scaffold": """
        new_plugin
    """,
    "autopack.ports.drain": """
        Choose
        DrainView
        Retry
        Stop
        Wait
    """,
    "autopack.ports.log": """
        ANY
        Cursor
        NewEvent
        Recorded
        UnrecognisedEvent
    """,
    "autopack.ports.prediction": """
        PhaseSpec
        Prediction
        Proposal
        Sample
    """,
    "autopack.ports.projection": """
        projection
    """,
    "autopack.ports.work": """
        Attempt
        Completed
        Failed
        NeedsPerson
        PhaseView
        Prepared
    """,
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [*_HOME_OF, "__version__"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first asked for (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("autopack")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'autopack' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(set(globals()) | set(__all__))
