"""
Autopack: event-sourced runs of LLM agents over batches of work.

Everything is loaded when it is first used, so that importing the package costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack.api import apply as apply
    from autopack.api import attempt as attempt
    from autopack.api import backtest as backtest
    from autopack.api import calibrate as calibrate
    from autopack.api import calibration_history as calibration_history
    from autopack.api import cancel as cancel
    from autopack.api import create_log as create_log
    from autopack.api import create_run as create_run
    from autopack.api import decide_gate as decide_gate
    from autopack.api import diff as diff
    from autopack.api import doctor as doctor
    from autopack.api import drain as drain
    from autopack.api import estimate as estimate
    from autopack.api import evaluate as evaluate
    from autopack.api import export_history as export_history
    from autopack.api import forecast as forecast
    from autopack.api import history as history
    from autopack.api import import_history as import_history
    from autopack.api import open_log as open_log
    from autopack.api import pause_run as pause_run
    from autopack.api import phase_board as phase_board
    from autopack.api import phase_counts as phase_counts
    from autopack.api import phase_of as phase_of
    from autopack.api import phases_of as phases_of
    from autopack.api import probe as probe
    from autopack.api import propose as propose
    from autopack.api import prune_artifacts as prune_artifacts
    from autopack.api import queue_phases as queue_phases
    from autopack.api import reject as reject
    from autopack.api import replay as replay
    from autopack.api import requeue as requeue
    from autopack.api import restore_log as restore_log
    from autopack.api import resume_run as resume_run
    from autopack.api import rollback as rollback
    from autopack.api import run_board as run_board
    from autopack.api import samples as samples
    from autopack.api import simulate as simulate
    from autopack.api import skip as skip
    from autopack.api import status as status
    from autopack.api import tail as tail
    from autopack.api import write_report as write_report
    from autopack.demo import run_demo as run_demo
    from autopack.draining.engine import Drain as Drain
    from autopack.draining.executors.command import CommandExecutor as CommandExecutor
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
    from autopack.scaffold import new_plugin as new_plugin

_HOMES = {
    "autopack.api": """
        apply
        attempt
        backtest
        calibrate
        calibration_history
        cancel
        create_log
        create_run
        decide_gate
        diff
        doctor
        drain
        estimate
        evaluate
        export_history
        forecast
        history
        import_history
        open_log
        pause_run
        phase_board
        phase_counts
        phase_of
        phases_of
        probe
        propose
        prune_artifacts
        queue_phases
        reject
        replay
        requeue
        restore_log
        resume_run
        rollback
        run_board
        samples
        simulate
        skip
        status
        tail
        write_report
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
