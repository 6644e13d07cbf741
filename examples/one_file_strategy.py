"""
A strategy in one file, without packaging. Use it as it stands:

autopack --log work.db drain --executor NAME --strategy one_file_strategy.py:quick_wins
"""

from pathlib import Path

import autopack
from autopack import Choose, PhaseSpec, RecordedExecutor, Stop, Wait

MOST_FAILURES = 5


def quick_wins(view):
    """Take what predicts the least first; stop when too much goes wrong."""
    if sum(view.failures.values()) >= MOST_FAILURES:
        return Stop(f"{MOST_FAILURES} failures: something is wrong with more than one phase")
    if not view.ready:
        return Wait("nothing is ready", until=view.next_ready_at)
    order = {"low": 0, "medium": 1, "high": 2}
    phase = min(view.ready, key=lambda phase: order.get(phase.complexity, 1))
    return Choose(phase.ref, f"{phase.complexity} complexity comes first")


def main(path: Path) -> None:
    """Drain a small run with it, and show why each phase was chosen."""
    with autopack.create_log(path) as log:
        phases = [
            PhaseSpec(f"{size}-{n}", category="implementation", complexity=size)
            for n in (1, 2)
            for size in ("high", "low")
        ]
        autopack.create_run(log, "mixed", phases)
        executor = RecordedExecutor(failure_share=0, truncated_share=0, latency_scale=0)
        autopack.drain(log, executor=executor, strategy=quick_wins)
        for recorded in log.read_all(types=[autopack.events.DrainPhaseSelected]):
            print(recorded.event.phase_id, "-", recorded.event.reason)


if __name__ == "__main__":
    main(Path("one_file_strategy.db"))
