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


def calibrate(n_samples: str) -> dict[str, Any]:
    """Fit the default calibrator to samples that come one by one."""
    from autopack.ports.prediction import Sample
    from autopack.prediction.calibration.calibrator_fold import run_calibrator
    from autopack.prediction.calibration.median_ratio import MedianRatio

    def samples() -> Iterator[Sample]:
        for number in range(int(n_samples)):
            yield Sample(
                log="l",
                position=number + 1,
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
            )

    began = time.process_time()
    proposal = run_calibrator(MedianRatio(), samples())
    assert proposal.samples_used == int(n_samples)
    return {"took_s": time.process_time() - began, "peak_mb": peak_mb()}


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps({"replay": replay, "calibrate": calibrate}[name](*arguments)))
