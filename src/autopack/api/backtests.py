"""Calibrators judged on history, before they are trusted with money."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from autopack.api.estimates import DEFAULT_ESTIMATOR, observed
from autopack.errors import InvalidInputError
from autopack.exchange.trace_files import records_of
from autopack.log.log import Log, registry_of
from autopack.plugins.discovery import load_plugins
from autopack.plugins.registry import Registry
from autopack.ports.calibrator_protocol import CalibratorLike
from autopack.ports.measures import OUTPUT, Measure, measure_of
from autopack.ports.prediction import Coefficients, EstimatorLike, Features
from autopack.prediction.calibration.backtesting import Backtest, judged, kept_from, rows_of
from autopack.prediction.calibration.measure_calibrator import usual_in
from autopack.prediction.calibration.prequential import Row
from autopack.prediction.calibration.trace_rows import needed_for, trace_of
from autopack.prediction.calibrators import calibrator_of
from autopack.prediction.running.alarm_scores import AlarmReplay, AlarmScore
from autopack.projections.attempts import ATTEMPTS

DEFAULT_CALIBRATORS: Final = (
    "median-ratio",
    "median-ratio:buffer=1.2",
    "median-ratio:buffer=2",
    "shrinkage-quantile",
    "mixture",
)
"""Those to budget by, and two rules of thumb to beat: the median times 1.2, and times 2."""

_ALARMS_OF: Final = 500_000
"""How many of a log's newest events alarms are raised in: 40 microseconds each."""

CAN_BE_KEPT_BACK: Final = ("model", "prompt_tokens", "tasks")


def backtest(
    source: Log | Sequence[Log] | Path | str,
    *,
    calibrators: Sequence[CalibratorLike] = DEFAULT_CALIBRATORS,
    tau: float = 0.9,
    estimator: EstimatorLike = DEFAULT_ESTIMATOR,
    without: Sequence[Literal["model", "prompt_tokens", "tasks"]] = (),
    columns: Mapping[str, str] | None = None,
    registry: Registry | None = None,
    by: str = OUTPUT,
) -> Backtest:
    """
    Judge calibrators prequentially: each row is predicted before it is learned.

    Args:
        source: A log, several logs, or the path of a trace (JSON lines or CSV, also ``.gz``).
        calibrators: Names, names with options (``"shrinkage-quantile:window=200"``), classes or
            calibrators.
        tau: The share of outputs that predictions are to hold, between 0 and 1.
        estimator: Whose predictions are corrected; of a trace without any, its figure is used.
        without: Features to keep back: ``prompt_tokens``, ``model``, ``tasks``.
        columns: Columns of the trace by field, where they have unusual names.
        by: The measure to predict: ``output_tokens`` of an attempt, or what a phase takes in all
            its attempts: ``total_tokens``, ``cost_usd`` or ``calls``. Phases that did not tell it
            are set aside as ``no_measurement``.

    Raises:
        InvalidInputError: A wrong tau, measure, feature, option or trace.
    """
    measure = measure_of(by)
    if not 0 < tau < 1:
        raise InvalidInputError(
            f"tau is {tau:g}; give a number between 0 and 1.", name="tau", value=tau
        )
    unknown = sorted(set(without) - set(CAN_BE_KEPT_BACK))
    if unknown:
        raise InvalidInputError(
            f"{', '.join(unknown)} cannot be kept back; give {' or '.join(CAN_BE_KEPT_BACK)}.",
            name="without",
            value=tuple(unknown),
        )
    logs = _logs(source)
    plugins = registry or (registry_of(logs[0]) if logs else load_plugins())
    target = plugins.resolve("estimator", estimator)
    made_ones = _calibrators(plugins, calibrators, {"tau": tau, "estimator": target.name}, measure)
    if logs:
        rows, aside, notes = _of_logs(logs, measure)
        named = ", ".join(log.head().log_id for log in logs)
    else:
        assert isinstance(source, Path | str)
        rows, aside, notes = _of_trace(Path(source), target, columns or {}, measure)
        named = Path(source).name
    rows = kept_from(rows, without)
    found = judged(rows, made_ones, tau, measure)
    return Backtest(
        source=named,
        by=measure,
        tau=tau,
        rows=len(rows),
        set_aside=aside,
        without=tuple(without),
        scores=found.scores,
        notes=(*notes, *found.notes),
        guarantees=found.guarantees,
        without_guarantee=found.without_guarantee,
        courses=found.courses,
        alarms=_alarms(logs) if measure == OUTPUT else (),
    )


def _alarms(logs: Sequence[Log]) -> tuple[AlarmScore, ...]:
    """Return what alarms would have done in the newest events of logs, where any was raised."""
    replay = AlarmReplay()
    scores: tuple[AlarmScore, ...] = ()
    for log in logs:
        after = max(0, log.head().position - _ALARMS_OF)
        scores = replay.scores(log.read_all(after=after, types=ATTEMPTS.types))
    return tuple(score for score in scores if score.judged)


Rows = tuple[list[Row], Mapping[str, int], tuple[str, ...]]


def _logs(source: Any) -> list[Log]:
    if isinstance(source, Log):
        return [source]
    return list(source) if isinstance(source, list | tuple) else []


def _of_logs(logs: Sequence[Log], by: Measure) -> Rows:
    """Return the rows of logs, one log after the other: each has a clock of its own."""
    rows: list[Row] = []
    aside: dict[str, int] = {}
    for log in logs:
        found, reasons = rows_of(observed(log, by))
        start = max((row.known_at for row in rows), default=0.0)
        rows += [_later(row, start) for row in found]
        for reason, count in reasons.items():
            aside[reason] = aside.get(reason, 0) + count
    return rows, aside, ()


def _later(row: Row, start: float) -> Row:
    return Row(
        at=start + row.at, known_at=start + row.known_at, features=row.features, sample=row.sample
    )


def _of_trace(path: Path, estimator: Any, columns: Mapping[str, str], by: Measure) -> Rows:
    base = Coefficients(estimator=estimator.name, version=estimator.base_version)

    def predict(features: Features) -> int:
        return int(estimator.estimate(features, base).predicted_output_tokens)

    lines: Counter[str] = Counter()
    records = records_of(path, needed=needed_for(by), set_aside=lines)
    trace = trace_of(records, columns=columns, estimator=estimator.name, predict=predict, by=by)
    return list(trace.rows), {**lines, **trace.set_aside}, trace.notes


def _calibrators(
    plugins: Registry, wanted: Iterable[Any], usual: Mapping[str, Any], by: Measure
) -> dict[str, Any]:
    usual = {**usual, "include_imported": True, **usual_in(by)}
    found: dict[str, Any] = {}
    for one in wanted:
        chosen = calibrator_of(plugins, one, usual)
        label = one if isinstance(one, str) else str(chosen.name)
        if label in found:
            raise InvalidInputError(
                f"Calibrator {label!r} is named twice.", name="calibrators", value=label
            )
        found[label] = chosen
    if not found:
        raise InvalidInputError(
            "No calibrator is named; give one or more.", name="calibrators", value=()
        )
    return found
