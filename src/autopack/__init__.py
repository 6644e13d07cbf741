"""
Autopack: event-sourced runs of LLM agents over batches of work.

Everything is loaded when it is first used, so that importing the package costs next to nothing.
"""

from autopack.lazy import TYPE_CHECKING, loaded, shown_by

if TYPE_CHECKING:
    from autopack.api.amending import amend_usage as amend_usage
    from autopack.api.backtesting import backtest as backtest
    from autopack.api.calibrating import calibrate as calibrate
    from autopack.api.calibrating import estimate as estimate
    from autopack.api.calibrating import list_samples as list_samples
    from autopack.api.capping import get_caps as get_caps
    from autopack.api.capping import set_caps as set_caps
    from autopack.api.deciding import apply as apply
    from autopack.api.deciding import calibration_history as calibration_history
    from autopack.api.deciding import propose as propose
    from autopack.api.deciding import reject as reject
    from autopack.api.deciding import rollback as rollback
    from autopack.api.doctoring import diagnose as diagnose
    from autopack.api.forecasting import forecast as forecast
    from autopack.api.logs import create_log as create_log
    from autopack.api.logs import export_history as export_history
    from autopack.api.logs import import_history as import_history
    from autopack.api.logs import open_log as open_log
    from autopack.api.pruning import prune_artifacts as prune_artifacts
    from autopack.api.reading import areplay as areplay
    from autopack.api.reading import diff as diff
    from autopack.api.reading import get_phase as get_phase
    from autopack.api.reading import history as history
    from autopack.api.reading import list_phases as list_phases
    from autopack.api.reading import replay as replay
    from autopack.api.reading import view as view
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
    from autopack.api.texts import list_texts as list_texts
    from autopack.api.texts import read_text as read_text
    from autopack.api.work import attempt as attempt
    from autopack.api.work import drain as drain
    from autopack.api.work import probe as probe
    from autopack.demo import run_demo as run_demo
    from autopack.draining.engine import Drain as Drain
    from autopack.draining.escalation import Escalation as Escalation
    from autopack.draining.executors.command import CommandExecutor as CommandExecutor
    from autopack.draining.executors.recorded import RecordedExecutor as RecordedExecutor
    from autopack.draining.report import DrainReport as DrainReport
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
    from autopack.runfiles import parse_run as parse_run
    from autopack.runfiles import read_run_file as read_run_file
    from autopack.scaffold import create_plugin as create_plugin

    __version__: str

_HOMES = shown_by(__spec__)

__all__ = [*_HOMES, "__version__"]

if not TYPE_CHECKING:  # a type checker would take it for a name of any kind

    def __getattr__(name):
        """Load a public name from its module when it is first asked for (PEP 562)."""
        if name == "__version__":
            from importlib.metadata import version

            return version("autopack")
        return loaded(name, _HOMES, globals())


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
