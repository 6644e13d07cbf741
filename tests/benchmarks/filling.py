"""Logs of any size to measure on: runs of 500 phases, six events a phase."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from autopack import create_log
from autopack.events import (
    LlmUsageRecorded,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseQueued,
    PhaseStarted,
    RunCreated,
)
from autopack.log.log import Log
from autopack.ports.log import ANY

PHASES_A_RUN = 500
_CATEGORIES = ("implementation", "tests", "docs", "refactoring", "config")
_COMPLEXITIES = ("low", "medium", "high")


def filled_log(path: Path, n_events: int, *, with_views: bool = True) -> Path:
    """Make a log of about *n_events* events at *path*, its views fresh."""
    with create_log(path) as log:
        events = _history()
        for start in range(0, n_events, 10_000):
            _append(log, list(islice(events, min(10_000, n_events - start))))
        if with_views:
            log.refresh_views()
    return path


def _append(log: Log, events: list[tuple[str, Any]]) -> None:
    log.append_batch([(stream, [event], ANY) for stream, event in events])


def history(n_events: int) -> Iterator[tuple[str, Any]]:
    """Yield the first *n_events* events of a log without end, each with its stream."""
    return islice(_history(), n_events)


def _history() -> Iterator[tuple[str, Any]]:
    number = 0
    while True:
        run = f"run-{number:06}"
        yield f"run-{run}", RunCreated(run_id=run, goal="measure", labels={"team": "a"})
        for index in range(PHASES_A_RUN):
            yield from phase_events(run, index)
        number += 1


def phase_events(run: str, index: int) -> Iterator[tuple[str, Any]]:
    """Yield one phase's history with its streams: queued, tried once, measured, done."""
    phase, token = f"p{index:05}", f"{run}-{index}-lease"
    stream = f"phase-{run}/{phase}"
    named = {"run_id": run, "phase_id": phase}
    category = _CATEGORIES[index % 5]
    complexity = _COMPLEXITIES[index % 3]
    yield (
        f"run-{run}",
        PhaseQueued(
            **named,
            index=index,
            category=category,
            complexity=complexity,
            deliverables=(f"src/module_{index}.py", f"tests/test_module_{index}.py"),
            goal="write the module and its tests",
        ),
    )
    yield (
        stream,
        PhaseEstimated(
            **named,
            attempt=1,
            estimator="deliverables",
            estimator_version="1",
            predicted_output_tokens=1000 + index,
            budget_tokens=2000 + index,
            features={"category": category, "complexity": complexity, "prompt_tokens": 800},
        ),
    )
    claimed = {"attempt": 1, "lease_token": token}
    yield stream, PhaseClaimed(**named, **claimed, worker="w1", drain="d1")
    yield stream, PhaseStarted(**named, **claimed)
    yield (
        stream,
        LlmUsageRecorded(
            **named,
            **claimed,
            call_id=f"{run}/{phase}-1",
            provider="local",
            request_model="m-large",
            input_tokens=800,
            output_tokens=900 + index,
            total_tokens=1700 + index,
            stop_reason="end_turn",
            duration_s=3.5,
            cost_usd=(3 * 800 + 15 * (900 + index)) / 1_000_000,
            cost_source="reported",
        ),
    )
    yield stream, PhaseCompleted(**named, **claimed, summary="done", duration_s=4.25)
