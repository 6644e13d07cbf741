"""The functions that ``import autopack`` offers; the command line calls nothing else."""

from autopack.api.backtesting import backtest
from autopack.api.calibrating import calibrate, estimate, samples
from autopack.api.deciding import apply, calibration_history, propose, reject, rollback
from autopack.api.doctoring import doctor
from autopack.api.forecasting import forecast
from autopack.api.logs import create_log, export_history, import_history, open_log, tail
from autopack.api.pruning import prune_artifacts
from autopack.api.reading import (
    Change,
    diff,
    history,
    phase_board,
    phase_counts,
    phase_of,
    phases_of,
    replay,
    run_board,
)
from autopack.api.reporting import evaluate, write_report
from autopack.api.restoring import restore_log
from autopack.api.runs import (
    cancel,
    create_run,
    decide_gate,
    pause_run,
    queue_phases,
    requeue,
    resume_run,
    skip,
)
from autopack.api.simulating import simulate
from autopack.api.standing import status
from autopack.api.work import attempt, drain, probe

__all__ = [
    "Change",
    "apply",
    "attempt",
    "backtest",
    "calibrate",
    "calibration_history",
    "cancel",
    "create_log",
    "create_run",
    "decide_gate",
    "diff",
    "doctor",
    "drain",
    "estimate",
    "evaluate",
    "export_history",
    "forecast",
    "history",
    "import_history",
    "open_log",
    "pause_run",
    "phase_board",
    "phase_counts",
    "phase_of",
    "phases_of",
    "probe",
    "propose",
    "prune_artifacts",
    "queue_phases",
    "reject",
    "replay",
    "requeue",
    "restore_log",
    "resume_run",
    "rollback",
    "run_board",
    "samples",
    "simulate",
    "skip",
    "status",
    "tail",
    "write_report",
]
