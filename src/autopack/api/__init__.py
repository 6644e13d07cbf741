"""The functions that ``import autopack`` offers; the command line calls nothing else."""

from autopack.api.backtesting import backtest
from autopack.api.calibrating import (
    apply,
    calibrate,
    calibration_history,
    estimate,
    propose,
    reject,
    samples,
)
from autopack.api.doctoring import doctor
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
from autopack.api.standing import status
from autopack.api.work import attempt, drain

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
    "export_history",
    "history",
    "import_history",
    "open_log",
    "pause_run",
    "phase_board",
    "phase_counts",
    "phase_of",
    "phases_of",
    "propose",
    "prune_artifacts",
    "queue_phases",
    "reject",
    "replay",
    "requeue",
    "restore_log",
    "resume_run",
    "run_board",
    "samples",
    "skip",
    "status",
    "tail",
]
