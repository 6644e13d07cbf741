"""Draining with an executor that does nothing, and calibrating from many samples."""

from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Row, best_of, in_child, most_row

from autopack import create_log, create_run, drain
from autopack.ports.prediction import PhaseSpec
from autopack.ports.work import Completed


def drain_row(folder: Path, *, n_phases: int, drained: int) -> Row:
    """Measure a drain of some phases of a run, durable, per phase."""
    specs = [
        PhaseSpec(f"p{index:05}", category="docs", complexity="low", deliverables=("a.md",))
        for index in range(n_phases)
    ]
    with create_log(folder / f"drain-{n_phases}.db") as log:
        create_run(log, "r", specs)
        log.refresh_views()
        took_s = best_of(1, lambda: drain(log, executor=_nothing, max_phases=drained))
    return most_row(
        f"drain overhead a phase, {n_phases:,} in the run",
        took_s / drained * 1000,
        "ms",
        most=5,
        beside=f"{drained:,} drained, durable",
    )


def calibrate_rows(n_samples: int) -> list[Row]:
    """Measure a calibration from many samples, in a process of its own."""
    found = in_child("calibrate", n_samples)
    beside = f"{n_samples:,} samples"
    return [
        most_row("calibrate, time", found["took_s"], "s", most=5, beside=beside),
        most_row("calibrate, memory", found["peak_mb"], "MB", most=500, beside=beside),
    ]


def _nothing(phase: Any, attempt: Any) -> Completed:
    return Completed()
