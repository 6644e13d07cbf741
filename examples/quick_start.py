"""A run of two phases, drained by a function, and what the log holds afterwards."""

from pathlib import Path

import autopack
from autopack import Completed, Failed, PhaseSpec


def execute(phase, attempt):
    """Do one phase; a real one would call a model here and record what it answers."""
    if phase.category == "tests":
        return Failed("tests_failed", "2 of 14 tests failed", retryable=False)
    attempt.record_usage(
        call_id=f"{phase.phase_id}-{attempt.number}",
        model="m-1",
        input_tokens=1200,
        output_tokens=640,
    )
    return Completed(outputs={"notes.md": "# Notes\n"}, summary="one file written")


def main(path: Path) -> None:
    """Create a log, drain it, and look at it."""
    with autopack.create_log(path) as log:
        phases = [
            PhaseSpec("notes", category="docs", complexity="low", deliverables="docs/notes.md"),
            PhaseSpec("checks", category="tests", complexity="low", after="notes"),
        ]
        autopack.create_run(log, "first", phases, goal="See how it works")
        report = autopack.drain(log, executor=execute)
        print(f"{report.completed} completed, {report.failed} failed")
        for recorded in autopack.history(log, "first", "checks"):
            print(f"{recorded.position:3} {recorded.type}")
        board = autopack.replay(log, "phases")
        for phase in board.rows.values():
            print(phase.phase_id, phase.status, phase.reason or "")


if __name__ == "__main__":
    main(Path("quick_start.db"))
