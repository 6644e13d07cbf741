"""Draining with an executor that does nothing, attempts in a loop of one's own, calibrating."""

import contextlib
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.benchmarks.filling import filled_log
from tests.benchmarks.measuring import Row, Work, best_of, in_child, in_turns, most_row

from autopack import attempt, create_log, create_run, drain, open_log
from autopack.log.log import Log
from autopack.ports.prediction import PhaseSpec
from autopack.ports.work import Completed

_SMALL: Final = 100
_TURNS: Final = 10
_GROWTH_MOST: Final = 1.5


def drain_row(folder: Path, *, n_phases: int, drained: int) -> Row:
    """Measure a drain of some phases of a run, durable, per phase, once its modules are loaded."""
    with create_log(folder / f"drain-{n_phases}.db") as log:
        create_run(log, "r", _specs(n_phases + 1))
        drain(log, executor=_nothing, max_phases=1)  # which also persists the views
        took_s = best_of(1, lambda: drain(log, executor=_nothing, max_phases=drained))
    return most_row(
        f"drain overhead a phase, {n_phases:,} in the run",
        took_s / drained * 1000,
        "ms",
        most=2.5,
        beside=f"{drained:,} drained, durable",
    )


def attempt_row(folder: Path, n_events: int) -> Row:
    """Measure an attempt with one recorded call in a small log and a large one, in turns."""
    with contextlib.ExitStack() as opened:
        works: dict[str, Work] = {}
        for size in (_SMALL, n_events):
            path = filled_log(folder / f"attempts-{size}.db", size)
            log = opened.enter_context(open_log(path))
            create_run(log, "own", _specs(_TURNS + 1))
            _attempt(log, _TURNS)  # what is folded once for an open log is not of the loop
            works[f"{size:,}"] = _attempts(log)
        took = in_turns(works, _TURNS)
    small_s, large_s = (median(times) for times in took.values())
    grown = median(large / small for small, large in zip(*took.values(), strict=True))
    return Row(
        what=f"attempt with one recorded call, {n_events:,} events in the log",
        ours=f"{large_s * 1000:.3g} ms",
        beside=f"{grown:.2f} x one with {_SMALL} events ({small_s * 1000:.3g} ms), durable",
        to_reach=f"< {_GROWTH_MOST:g} x",
        holds=grown < _GROWTH_MOST,
    )


def calibrate_rows(n_samples: int) -> list[Row]:
    """Measure calibrations from many samples at once, each in a process of its own."""
    beside, rows = f"{n_samples:,} samples", []
    for name in ("median-ratio", "shrinkage-quantile"):
        found = in_child("calibrate", name, n_samples)
        what = f"calibrate {name}"
        rows += [
            most_row(f"{what}, time", found["took_s"], "s", most=5, beside=beside),
            most_row(f"{what}, memory", found["peak_mb"], "MB", most=500, beside=beside),
        ]
    return rows


def learn_rows(n_samples: int) -> list[Row]:
    """Measure the mixture, asked for each sample before it learns it, in a process of its own."""
    names = ("shrinkage-quantile", "mixture")
    few = max(n_samples // 100, 100)
    turns = [[in_child("ask_and_learn", name, few)["took_s"] for name in names] for _ in range(3)]
    times = median(ours / tree for tree, ours in turns)
    found = in_child("ask_and_learn", "mixture", n_samples)
    beside = f"{n_samples:,} samples, {times:.2f} x shrinkage-quantile for {few:,} in turns"
    return [
        most_row(
            "mixture, asked and taught a sample",
            found["took_s"] / n_samples * 1e6,
            "us",
            most=300,
            beside=beside,
        ),
        most_row(
            "mixture, memory", found["peak_mb"], "MB", most=500, beside=f"{n_samples:,} samples"
        ),
    ]


def _specs(n: int) -> list[PhaseSpec]:
    return [
        PhaseSpec(f"p{index:05}", category="docs", complexity="low", deliverables=("a.md",))
        for index in range(n)
    ]


def _attempts(log: Log) -> Work:
    return lambda turn: _attempt(log, turn)


def _attempt(log: Log, number: int) -> None:
    with attempt(log, ("own", f"p{number:05}")) as work:
        work.record_usage(output_tokens=900, input_tokens=800, model="m")


def _nothing(phase: Any, attempt: Any) -> Completed:
    return Completed()
