"""
Autopack: event-sourced runs of LLM agents over batches of work.

Everything is loaded when it is first used, so that importing the package costs next to nothing.
"""

from autopack.values.lazy import TYPE_CHECKING, loaded, shown_by

if TYPE_CHECKING:
    from autopack.api.accounts import open_account as open_account
    from autopack.api.advice import advise_models as advise_models
    from autopack.api.amendments import amend_usage as amend_usage
    from autopack.api.backtests import backtest as backtest
    from autopack.api.batches import abatch as abatch
    from autopack.api.batches import batch as batch
    from autopack.api.bundles import write_bundle as write_bundle
    from autopack.api.caps import decide_cap as decide_cap
    from autopack.api.caps import get_caps as get_caps
    from autopack.api.caps import list_caps as list_caps
    from autopack.api.caps import set_caps as set_caps
    from autopack.api.comparisons import compare as compare
    from autopack.api.copies import copy_log as copy_log
    from autopack.api.copies import upgrade_log as upgrade_log
    from autopack.api.doctor.doctor import diagnose as diagnose
    from autopack.api.drain_replays import replay_drain as replay_drain
    from autopack.api.drain_requests import pause_drain as pause_drain
    from autopack.api.drain_requests import resume_drain as resume_drain
    from autopack.api.drain_requests import set_drain as set_drain
    from autopack.api.drain_summaries import list_drains as list_drains
    from autopack.api.drains import attempt as attempt
    from autopack.api.drains import drain as drain
    from autopack.api.drains import probe as probe
    from autopack.api.estimates import calibrate as calibrate
    from autopack.api.estimates import estimate as estimate
    from autopack.api.estimates import list_samples as list_samples
    from autopack.api.forecasts import forecast as forecast
    from autopack.api.forks import fork_run as fork_run
    from autopack.api.log_status import status as status
    from autopack.api.logs import create_log as create_log
    from autopack.api.logs import export_history as export_history
    from autopack.api.logs import find_histories as find_histories
    from autopack.api.logs import import_history as import_history
    from autopack.api.logs import open_log as open_log
    from autopack.api.logs import read_table as read_table
    from autopack.api.own_queue import next_attempts as next_attempts
    from autopack.api.phase_choices import get_choice as get_choice
    from autopack.api.phase_texts import list_texts as list_texts
    from autopack.api.phase_texts import read_text as read_text
    from autopack.api.prices import read_prices as read_prices
    from autopack.api.proposals import apply as apply
    from autopack.api.proposals import calibration_history as calibration_history
    from autopack.api.proposals import propose as propose
    from autopack.api.proposals import reject as reject
    from autopack.api.proposals import rollback as rollback
    from autopack.api.prune import prune_artifacts as prune_artifacts
    from autopack.api.reports import evaluate as evaluate
    from autopack.api.reports import write_report as write_report
    from autopack.api.restore import restore_log as restore_log
    from autopack.api.run_reports import report_runs as report_runs
    from autopack.api.run_reports import send_report as send_report
    from autopack.api.runs import cancel as cancel
    from autopack.api.runs import create_run as create_run
    from autopack.api.runs import decide_gate as decide_gate
    from autopack.api.runs import pause_run as pause_run
    from autopack.api.runs import queue_phases as queue_phases
    from autopack.api.runs import requeue as requeue
    from autopack.api.runs import resume_run as resume_run
    from autopack.api.runs import skip as skip
    from autopack.api.scaling import scale as scale
    from autopack.api.signatures import sign_head as sign_head
    from autopack.api.simulations import simulate as simulate
    from autopack.api.usage_table import usage as usage
    from autopack.api.verdicts import checks as checks
    from autopack.api.verdicts import judge_phase as judge_phase
    from autopack.api.verdicts import recheck as recheck
    from autopack.api.views import areplay as areplay
    from autopack.api.views import diff as diff
    from autopack.api.views import get_phase as get_phase
    from autopack.api.views import history as history
    from autopack.api.views import list_phases as list_phases
    from autopack.api.views import replay as replay
    from autopack.api.views import view as view
    from autopack.api.workspaces import list_workspaces as list_workspaces
    from autopack.api.workspaces import sweep_workspaces as sweep_workspaces
    from autopack.cli.demo_run import run_demo as run_demo
    from autopack.draining.attempts.escalation import Escalation as Escalation
    from autopack.draining.engine.drain_report import DrainReport as DrainReport
    from autopack.draining.engine.engine import Drain as Drain
    from autopack.draining.executors.command import CommandExecutor as CommandExecutor
    from autopack.draining.executors.recorded import RecordedExecutor as RecordedExecutor
    from autopack.draining.simulation.synthetic import synthetic_backlog as synthetic_backlog
    from autopack.draining.strategies.cascade import Cascade as Cascade
    from autopack.errors import AutopackError as AutopackError
    from autopack.events import event as event
    from autopack.exchange.run_files import parse_run as parse_run
    from autopack.exchange.run_files import read_run_file as read_run_file
    from autopack.log.log import Log as Log
    from autopack.plugins.discovery import load_plugins as load_plugins
    from autopack.plugins.hookspecs import hookimpl as hookimpl
    from autopack.plugins.scaffold import create_plugin as create_plugin
    from autopack.ports.attempt import Attempt as Attempt
    from autopack.ports.drain import Ask as Ask
    from autopack.ports.drain import Choose as Choose
    from autopack.ports.drain import DrainView as DrainView
    from autopack.ports.drain import GiveUp as GiveUp
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
    from autopack.ports.work import Completed as Completed
    from autopack.ports.work import Failed as Failed
    from autopack.ports.work import NeedsPerson as NeedsPerson
    from autopack.ports.work import Pending as Pending
    from autopack.ports.work import PhaseView as PhaseView
    from autopack.ports.work import Prepared as Prepared
    from autopack.values.ids import PhaseRef as PhaseRef

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
    """List the public names, loaded or not, and what Python itself puts there."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
