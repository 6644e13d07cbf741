"""What is measured in a process of its own, because memory is: one function, one JSON answer."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import peak_mb

from autopack.log.log import journal_of


def replay(path: str, share: str) -> dict[str, Any]:
    """Replay a share of a log with envelopes."""
    from tests.benchmarks.replaying import output_in_order

    from autopack import open_log
    from autopack.log import views

    with open_log(Path(path)) as log:
        until = int(log.head().position * float(share))
        views.replay(journal_of(log), output_in_order, until=until)
    return {"peak_mb": peak_mb()}


def calibrate(name: str, n_samples: str) -> dict[str, Any]:
    """Fit a calibrator to samples that come one by one."""
    from autopack.prediction.calibration.calibrator_fold import run_calibrator

    calibrator = _calibrator(name)
    began = time.process_time()
    proposal = run_calibrator(calibrator, samples(int(n_samples)))
    assert proposal.samples_used == int(n_samples)
    return {"took_s": time.process_time() - began, "peak_mb": peak_mb()}


def ask_and_learn(name: str, n_samples: str) -> dict[str, Any]:
    """Ask a calibrator for each sample at one share before it learns it, as a backtest does."""
    calibrator, began = _calibrator(name), time.process_time()
    state = calibrator.initial()
    for sample in samples(int(n_samples)):
        calibrator.predict(state, sample.question(), 0.9)
        state = calibrator.update(state, sample)
    return {"took_s": time.process_time() - began, "peak_mb": peak_mb()}


def _calibrator(name: str) -> Any:
    from autopack.prediction.calibration.median_ratio import MedianRatio
    from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
    from autopack.prediction.mixture.calibrator import Mixture

    return {one.name: one for one in (MedianRatio, ShrinkageQuantile, Mixture)}[name]()


def samples(n: int) -> Iterator[Any]:
    """Yield samples of nine groups and three models, with prompts of all sizes."""
    from autopack.ports.prediction import Sample

    for number in range(n):
        yield Sample(
            log="l",
            position=2 * number + 1,
            ended_position=2 * number + 2,
            run_id="r",
            phase_id=f"p{number}",
            attempt=1,
            category=("docs", "tests", "implementation")[number % 3],
            complexity=("low", "medium", "high")[number % 7 % 3],
            predicted_output_tokens=1000,
            actual_output_tokens=600 + number * 7919 % 900,
            estimator="deliverables",
            estimator_version="1",
            success=True,
            features={"model": f"m{number % 5 % 3}", "prompt_tokens": number * 104729 % 20_011},
        )


FUNCTIONS = {"replay": replay, "calibrate": calibrate, "ask_and_learn": ask_and_learn}


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps(FUNCTIONS[name](*arguments)))
