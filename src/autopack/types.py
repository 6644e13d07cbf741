"""
The types of what calls take and give back, and of what plugins implement, for annotations.

All of them are here; those of everyday use are in ``autopack`` too. Nothing is loaded before it is
asked for, as there.
"""

from autopack.values.lazy import TYPE_CHECKING, loaded, shown_by

if TYPE_CHECKING:
    from autopack.aggregates.order import Stuck as Stuck
    from autopack.api.batch_rows import BatchResult as BatchResult
    from autopack.api.bundles import Bundle as Bundle
    from autopack.api.caps import CapUse as CapUse
    from autopack.api.caps import ScopedCaps as ScopedCaps
    from autopack.api.drain_requests import DrainAnswers as DrainAnswers
    from autopack.api.logs import Durability as Durability
    from autopack.api.phase_choices import PhaseChoice as PhaseChoice
    from autopack.api.phase_texts import PhaseText as PhaseText
    from autopack.api.prune import Pruned as Pruned
    from autopack.api.reports import EvaluationSettings as EvaluationSettings
    from autopack.api.scaling import Scaled as Scaled
    from autopack.api.usage_table import UsageTable as UsageTable
    from autopack.api.views import Change as Change
    from autopack.draining.attempts.escalation import Escalation as Escalation
    from autopack.draining.attempts.escalation import EscalationLike as EscalationLike
    from autopack.draining.attempts.escalation import EscalationPolicy as EscalationPolicy
    from autopack.draining.checks.check_figures import CheckFigures as CheckFigures
    from autopack.draining.checks.check_figures import ErrorShare as ErrorShare
    from autopack.draining.checks.rechecks import Rechecked as Rechecked
    from autopack.draining.engine.drain_report import DrainReport as DrainReport
    from autopack.draining.engine.local_launcher import LocalLauncher as LocalLauncher
    from autopack.draining.engine.probe_checks import ProbeCheck as ProbeCheck
    from autopack.draining.engine.probes import ProbeReport as ProbeReport
    from autopack.draining.executors.command import CommandExecutor as CommandExecutor
    from autopack.draining.executors.json_lines import Preset as Preset
    from autopack.draining.executors.json_lines import ProgramReader as ProgramReader
    from autopack.draining.executors.recorded import RecordedAnswer as RecordedAnswer
    from autopack.draining.executors.session_calls import Surroundings as Surroundings
    from autopack.draining.queue.rate_limits import Rate as Rate
    from autopack.draining.settings.parameters import AttemptSettings as AttemptSettings
    from autopack.draining.settings.parameters import DrainChanges as DrainChanges
    from autopack.draining.settings.parameters import DrainLimits as DrainLimits
    from autopack.draining.settings.parameters import DrainSettings as DrainSettings
    from autopack.draining.simulation.backlogs import Backlog as Backlog
    from autopack.draining.simulation.other_path import OtherPath as OtherPath
    from autopack.draining.simulation.other_path import PathStep as PathStep
    from autopack.draining.simulation.other_path import PathSum as PathSum
    from autopack.draining.simulation.plans import Plan as Plan
    from autopack.draining.simulation.plans import Planned as Planned
    from autopack.draining.simulation.replayed_choices import DrainReplay as DrainReplay
    from autopack.draining.simulation.replayed_choices import ReplayedChoice as ReplayedChoice
    from autopack.draining.simulation.replayed_choices import StrategyAnswer as StrategyAnswer
    from autopack.draining.simulation.simulated_drain import Answer as Answer
    from autopack.draining.simulation.simulation import Simulated as Simulated
    from autopack.events.usage import CostSource as CostSource
    from autopack.events.usage import Split as Split
    from autopack.exchange.run_files import RunFile as RunFile
    from autopack.log.artifacts import Artifacts as Artifacts
    from autopack.log.log import Log as Log
    from autopack.log.sql_cursors import SqlCursors as SqlCursors
    from autopack.log.thread_pool import Block as Block
    from autopack.log.verification import Fault as Fault
    from autopack.log.verification import Verification as Verification
    from autopack.log.views.projection_fold import ViewAt as ViewAt
    from autopack.plugins.hook_functions import HookOptions as HookOptions
    from autopack.plugins.hookspecs import Register as Register
    from autopack.plugins.hookspecs import RegisterEvent as RegisterEvent
    from autopack.plugins.observers import ObserverFaults as ObserverFaults
    from autopack.plugins.registry import PluginInfo as PluginInfo
    from autopack.plugins.registry import Registry as Registry
    from autopack.ports.attempt import Attempt as Attempt
    from autopack.ports.attempt import AttemptCheckpoint as AttemptCheckpoint
    from autopack.ports.attempt import OwnAttempt as OwnAttempt
    from autopack.ports.backend import Backend as Backend
    from autopack.ports.backend import Checkpoint as Checkpoint
    from autopack.ports.backend import ClockHold as ClockHold
    from autopack.ports.backend import Head as Head
    from autopack.ports.backend import Lease as Lease
    from autopack.ports.backend import LogIdentity as LogIdentity
    from autopack.ports.backend import Reader as Reader
    from autopack.ports.backend import Transaction as Transaction
    from autopack.ports.calibrator_protocol import BulkCalibrator as BulkCalibrator
    from autopack.ports.calibrator_protocol import Calibrator as Calibrator
    from autopack.ports.calibrator_protocol import CalibratorLike as CalibratorLike
    from autopack.ports.check_specs import CheckLike as CheckLike
    from autopack.ports.check_specs import CheckSpec as CheckSpec
    from autopack.ports.checks import Check as Check
    from autopack.ports.checks import CheckAnswer as CheckAnswer
    from autopack.ports.checks import CheckedWork as CheckedWork
    from autopack.ports.checks import CheckResult as CheckResult
    from autopack.ports.drain import Ask as Ask
    from autopack.ports.drain import Choice as Choice
    from autopack.ports.drain import Choose as Choose
    from autopack.ports.drain import DrainView as DrainView
    from autopack.ports.drain import GiveUp as GiveUp
    from autopack.ports.drain import GroupEvidence as GroupEvidence
    from autopack.ports.drain import PastAttempt as PastAttempt
    from autopack.ports.drain import Retry as Retry
    from autopack.ports.drain import RunHistory as RunHistory
    from autopack.ports.drain import Stop as Stop
    from autopack.ports.drain import Strategy as Strategy
    from autopack.ports.drain import StrategyLike as StrategyLike
    from autopack.ports.drain import Wait as Wait
    from autopack.ports.exporting import Cell as Cell
    from autopack.ports.exporting import Column as Column
    from autopack.ports.exporting import ExportSource as ExportSource
    from autopack.ports.exporting import FileExporter as FileExporter
    from autopack.ports.exporting import ViewTable as ViewTable
    from autopack.ports.importing import Exporter as Exporter
    from autopack.ports.importing import ExporterLike as ExporterLike
    from autopack.ports.importing import FoundHistory as FoundHistory
    from autopack.ports.importing import Importer as Importer
    from autopack.ports.importing import ImporterLike as ImporterLike
    from autopack.ports.importing import ImportReport as ImportReport
    from autopack.ports.importing import ImportSource as ImportSource
    from autopack.ports.launchers import Launched as Launched
    from autopack.ports.launchers import Launcher as Launcher
    from autopack.ports.launchers import LauncherLike as LauncherLike
    from autopack.ports.launchers import WorkerOrder as WorkerOrder
    from autopack.ports.log import Body as Body
    from autopack.ports.log import Cursor as Cursor
    from autopack.ports.log import Entry as Entry
    from autopack.ports.log import EventClass as EventClass
    from autopack.ports.log import ExpectedVersion as ExpectedVersion
    from autopack.ports.log import NewEvent as NewEvent
    from autopack.ports.log import Recorded as Recorded
    from autopack.ports.log import Row as Row
    from autopack.ports.measures import Expected as Expected
    from autopack.ports.prediction import Coefficients as Coefficients
    from autopack.ports.prediction import Estimate as Estimate
    from autopack.ports.prediction import Estimator as Estimator
    from autopack.ports.prediction import EstimatorLike as EstimatorLike
    from autopack.ports.prediction import Features as Features
    from autopack.ports.prediction import Group as Group
    from autopack.ports.prediction import Part as Part
    from autopack.ports.prediction import PhaseSpec as PhaseSpec
    from autopack.ports.prediction import Prediction as Prediction
    from autopack.ports.prediction import Proposal as Proposal
    from autopack.ports.prediction import Sample as Sample
    from autopack.ports.projection import FunctionProjection as FunctionProjection
    from autopack.ports.projection import KeyedProjection as KeyedProjection
    from autopack.ports.projection import Projection as Projection
    from autopack.ports.projection import ProjectionLike as ProjectionLike
    from autopack.ports.projection import WholeProjection as WholeProjection
    from autopack.ports.read_models import CursorStore as CursorStore
    from autopack.ports.read_models import ReadUpTo as ReadUpTo
    from autopack.ports.states import GateDecision as GateDecision
    from autopack.ports.states import PhaseStatus as PhaseStatus
    from autopack.ports.usage import AmendedFigures as AmendedFigures
    from autopack.ports.usage import UsageFigures as UsageFigures
    from autopack.ports.work import Classed as Classed
    from autopack.ports.work import Collects as Collects
    from autopack.ports.work import Completed as Completed
    from autopack.ports.work import Executor as Executor
    from autopack.ports.work import ExecutorLike as ExecutorLike
    from autopack.ports.work import Failed as Failed
    from autopack.ports.work import NeedsPerson as NeedsPerson
    from autopack.ports.work import Outcome as Outcome
    from autopack.ports.work import Pending as Pending
    from autopack.ports.work import PhaseView as PhaseView
    from autopack.ports.work import Prepared as Prepared
    from autopack.ports.work import Result as Result
    from autopack.ports.work import RunView as RunView
    from autopack.ports.workspaces import CheckAt as CheckAt
    from autopack.ports.workspaces import Ended as Ended
    from autopack.ports.workspaces import Opened as Opened
    from autopack.ports.workspaces import Swept as Swept
    from autopack.ports.workspaces import WorkspaceAttempt as WorkspaceAttempt
    from autopack.ports.workspaces import WorkspaceLike as WorkspaceLike
    from autopack.ports.workspaces import WorkspaceLog as WorkspaceLog
    from autopack.ports.workspaces import WorkspaceRow as WorkspaceRow
    from autopack.ports.workspaces import Workspaces as Workspaces
    from autopack.prediction.calibration.backtesting import Backtest as Backtest
    from autopack.prediction.calibration.forecast_intervals import Forecast as Forecast
    from autopack.prediction.calibration.forecast_intervals import PhaseForecast as PhaseForecast
    from autopack.prediction.calibration.forecast_intervals import Range as Range
    from autopack.prediction.calibration.forecast_intervals import Total as Total
    from autopack.prediction.calibration.forecast_intervals import UsdRange as UsdRange
    from autopack.prediction.calibration.guarantees import NoPromise as NoPromise
    from autopack.prediction.calibration.guarantees import Promise as Promise
    from autopack.prediction.calibration.options import CalibratorOptions as CalibratorOptions
    from autopack.prediction.calibration.price_entry import LongInputPrice as LongInputPrice
    from autopack.prediction.calibration.price_entry import PriceEntry as PriceEntry
    from autopack.prediction.calibration.price_table import PricedCall as PricedCall
    from autopack.prediction.calibration.price_table import PriceSource as PriceSource
    from autopack.prediction.calibration.price_table import PriceTable as PriceTable
    from autopack.prediction.calibration.price_table import Quote as Quote
    from autopack.prediction.calibration.repricing import PriceDifference as PriceDifference
    from autopack.prediction.calibration.repricing import RepricedRow as RepricedRow
    from autopack.prediction.calibration.repricing import Repricing as Repricing
    from autopack.prediction.calibration.scores import Score as Score
    from autopack.prediction.cascades.advice import AdviceFigures as AdviceFigures
    from autopack.prediction.cascades.advice import ChainValue as ChainValue
    from autopack.prediction.cascades.advice import ModelAdvice as ModelAdvice
    from autopack.prediction.cascades.chain_judging import ChainComparison as ChainComparison
    from autopack.prediction.cascades.chain_judging import ChainFigure as ChainFigure
    from autopack.prediction.cascades.check_rates import CheckRate as CheckRate
    from autopack.prediction.cascades.check_rates import CheckRates as CheckRates
    from autopack.prediction.replayed_budgets import BudgetSums as BudgetSums
    from autopack.prediction.replayed_budgets import ReplayedBudget as ReplayedBudget
    from autopack.prediction.replayed_budgets import ReplayedBudgets as ReplayedBudgets
    from autopack.prediction.running.alarm_scores import AlarmScore as AlarmScore
    from autopack.prediction.running.remaining_use import RemainingUse as RemainingUse
    from autopack.projections.call_use import Call as Call
    from autopack.projections.call_use import Use as Use
    from autopack.projections.use_groups import UsageKey as UsageKey
    from autopack.projections.use_groups import UsageRow as UsageRow
    from autopack.report.account_text import LaneWait as LaneWait
    from autopack.report.account_text import WindowUse as WindowUse
    from autopack.report.doctor_findings import Diagnosis as Diagnosis
    from autopack.report.doctor_findings import DoctorCheck as DoctorCheck
    from autopack.report.drain_summary import DrainSummary as DrainSummary
    from autopack.report.failure_kinds import FailureKind as FailureKind
    from autopack.report.run_comparison import PhaseDifference as PhaseDifference
    from autopack.report.run_comparison import RunComparison as RunComparison
    from autopack.report.run_comparison import RunSide as RunSide
    from autopack.report.run_comparison import WorkSide as WorkSide
    from autopack.report.run_report import CapLine as CapLine
    from autopack.report.run_report import RunLine as RunLine
    from autopack.report.run_report import RunsReport as RunsReport
    from autopack.report.status import FailureGroup as FailureGroup
    from autopack.report.status import Halted as Halted
    from autopack.report.status import LiveWorker as LiveWorker
    from autopack.report.status import Pace as Pace
    from autopack.report.status import Status as Status
    from autopack.values.ids import EventId as EventId
    from autopack.values.ids import PhaseId as PhaseId
    from autopack.values.ids import PhaseName as PhaseName
    from autopack.values.ids import PhaseRef as PhaseRef
    from autopack.values.ids import RunId as RunId
    from autopack.values.money import Usd as Usd

_HOMES = shown_by(__spec__)

__all__ = [*_HOMES]

if not TYPE_CHECKING:  # a type checker would take it for a name of any kind

    def __getattr__(name):
        """Load a public name from its module when it is first asked for (PEP 562)."""
        return loaded(name, _HOMES, globals())


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
