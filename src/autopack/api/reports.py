"""Calibration reports: what a log says of its estimates, as values and as files."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Unpack

from autopack.api.backtests import DEFAULT_CALIBRATORS, backtest
from autopack.api.estimates import DEFAULT_CALIBRATOR, DEFAULT_ESTIMATOR, calibrate, list_samples
from autopack.api.proposals import calibration_history
from autopack.errors import InvalidInputError
from autopack.log.log import Log, registry_of
from autopack.ports.calibrator_protocol import CalibratorLike
from autopack.ports.measures import MEASURES, OUTPUT
from autopack.ports.prediction import EstimatorLike
from autopack.prediction.calibration.estimator_state import fold_proposals, fold_taught
from autopack.prediction.calibration.options import CalibratorOptions
from autopack.prediction.calibrators import DEFAULT_QUANTILES
from autopack.report.evaluation import Evaluation, evaluation_json

ENDINGS: Final = (".html", ".md", ".json")


def evaluate(
    log: Log,
    *,
    estimator: EstimatorLike = DEFAULT_ESTIMATOR,
    calibrator: CalibratorLike = DEFAULT_CALIBRATOR,
    calibrators: Sequence[CalibratorLike] = DEFAULT_CALIBRATORS,
    tau: float = 0.9,
    at: datetime | None = None,
    **options: Unpack[CalibratorOptions],
) -> dict[str, Any]:
    """
    Return what a log says of its estimates: faults, waste, groups, calibrators, history.

    Args:
        calibrator: Which one proposes.
        calibrators: Which ones are judged, as ``backtest`` takes them.
        tau: The share of outputs that predictions are to hold.
        at: The report's moment; now, if it is not given.
        options: The proposing calibrator's own.
    """
    chosen = registry_of(log).resolve("estimator", estimator)
    events = calibration_history(log, chosen)
    proposal = calibrate(log, calibrator=calibrator, estimator=chosen, **options)
    if not proposal.samples_used and "imported_without_version" in proposal.samples_set_aside:
        # Nothing but imports: what they say is shown, though no multiplier is drawn from them.
        options["include_imported"] = True
        proposal = calibrate(log, calibrator=calibrator, estimator=chosen, **options)
    measures = (
        backtest(log, calibrators=[DEFAULT_QUANTILES], tau=tau, estimator=chosen, by=by)
        for by in MEASURES
        if by != OUTPUT
    )
    head = log.head()
    found = Evaluation(
        target=log.target,
        log_id=head.log_id,
        position=head.position,
        made_at=at or datetime.fromtimestamp(time.time(), UTC),
        estimator=chosen.name,
        samples=list_samples(log),
        proposal=proposal,
        taught=fold_taught(chosen.name, chosen.base_version, (one.event for one in events)),
        proposals=fold_proposals(events),
        backtest=backtest(log, calibrators=calibrators, tau=tau, estimator=chosen),
        measures=[one for one in measures if one.rows],
    )
    return evaluation_json(found)


class EvaluationSettings(CalibratorOptions, total=False):
    """What :func:`evaluate` takes, by name and type."""

    estimator: EstimatorLike
    calibrator: CalibratorLike
    calibrators: Sequence[CalibratorLike]
    tau: float
    at: datetime | None


def write_report(
    log: Log,
    out: Path | str,
    *,
    replace: bool = False,
    **given: Unpack[EvaluationSettings],
) -> Path:
    """
    Write a calibration report as HTML, Markdown or JSON, by the file's ending; return its path.

    The page is one file that fetches nothing, its pictures within it.

    Args:
        replace: Whether a file that is there is written over.
        given: As for ``evaluate``.

    Raises:
        InvalidInputError: Another ending, a file that is there, or no folder.
    """
    path = Path(out)
    if path.suffix.lower() not in ENDINGS:
        raise InvalidInputError(
            f"{path} must end in {', '.join(ENDINGS)}: that says the kind.", name="out", value=path
        )
    if not path.parent.is_dir():
        raise InvalidInputError(
            f"There is no folder {path.parent} to write {path.name} in.", name="out", value=path
        )
    if path.exists() and not replace:
        raise InvalidInputError(
            f"{path} is there already and was left as it is. Choose another name, or insist with",
            do="replace=True.",
            typed="--replace.",
            name="out",
            value=path,
        )
    text = _text(evaluate(log, **given), path.suffix.lower())
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
    return path


def _text(data: dict[str, Any], ending: str) -> str:
    if ending == ".json":
        return json.dumps(data, indent=2) + "\n"
    if ending == ".md":
        from autopack.report.evaluation_summary import summary

        return summary(data)
    from autopack.report.evaluation_page import page

    return page(data)
