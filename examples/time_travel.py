"""Why did this phase fail on Tuesday? The log answers for any moment, long after it was mended."""

from datetime import UTC, datetime
from pathlib import Path

import autopack
from autopack import Completed, Failed, PhaseSpec
from autopack.testing.clock import VirtualClock

TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


def broken(phase, attempt):
    """Fail as the service did on Tuesday."""
    return Failed("schema_error", "missing required field 'owner' in team.yaml", retryable=False)


def mended(phase, attempt):
    """Do it, now that the file is complete."""
    attempt.record_usage(call_id="call-1", model="m-1", input_tokens=800, output_tokens=350)
    return Completed(summary="report written")


def main(path: Path) -> None:
    """Live through a week in a moment, then look back."""
    phase, clock = "weekly/report", VirtualClock(TUESDAY)
    with autopack.create_log(path, clock=clock) as log:
        spec = PhaseSpec("report", category="docs", complexity="low", deliverables="report.md")
        autopack.create_run(log, "weekly", [spec])
        autopack.drain(log, executor=broken)
        clock.now = THURSDAY
        autopack.requeue(log, phase, why="team.yaml has an owner now")
        autopack.drain(log, executor=mended)

        now = autopack.replay(log, "phases").rows[phase]
        print("now:       ", now.status)
        then = autopack.replay(log, "phases", until=TUESDAY).rows[phase]
        print("on Tuesday:", then.status, "-", then.reason)
        for change in autopack.diff(log, "phases", at=TUESDAY):
            print(f"since then: {change.before.attempts} -> {change.after.attempts} attempts")
        for recorded in autopack.history(log, phase):
            print(recorded.recorded_at.strftime("%a %H:%M"), recorded.type)


if __name__ == "__main__":
    main(Path("time_travel.db"))
