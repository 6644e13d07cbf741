"""What a type checker refuses: each line is wrong, and mypy fails where one is not found to be."""

from datetime import datetime

import autopack
from autopack import Failed, Log, PhaseRef, PhaseSpec, Recorded
from autopack.events import RunCreated


def wrong(log: Log, ref: PhaseRef, recorded: Recorded[RunCreated]) -> None:
    """Use the surface in ways that its types exclude."""
    autopack.cancel(log, ref)  # type: ignore[call-arg]
    autopack.cancel(log, 5, why="x")  # type: ignore[arg-type]
    autopack.skip(log, ("r1", "a", "b"), why="x")  # type: ignore[arg-type]
    autopack.history(log, "r1", ("r1", "a"))  # type: ignore[arg-type]
    autopack.attempt(log, "r1", "a")  # type: ignore[call-arg]
    autopack.create_run(log, 5)  # type: ignore[arg-type]
    autopack.replay(log, "phases", until="noon")  # type: ignore[arg-type]
    autopack.drain("work.db", executor="recorded")  # type: ignore[arg-type]
    log.append("run-r1", [])  # type: ignore[call-arg]
    log.append("run-r1", [], expected_version="0")  # type: ignore[arg-type]
    PhaseSpec("a", category="tests")  # type: ignore[call-arg]
    Failed("code")  # type: ignore[call-arg]
    RunCreated("r1")  # type: ignore[call-arg]
    RunCreated(run_id="r1", goal=5)  # type: ignore[arg-type]
    recorded.event.run_id = "r2"  # type: ignore[misc]
    recorded.position = 5  # type: ignore[misc]
    moment: datetime = recorded.position  # type: ignore[assignment]
    print(recorded.event.nothing, moment)  # type: ignore[attr-defined]
