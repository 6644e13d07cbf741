"""A made-up night: three workers, two runs, failures, a gate and a cap, with some still at work."""

import contextlib
import heapq
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import autopack
from autopack import Log, NeedsPerson, PhaseSpec
from autopack.testing.clock import VirtualClock

_BEGAN: Final = datetime(2026, 3, 2, 22, 4, tzinfo=UTC)
_KINDS: Final = (("tests", "medium"), ("docs", "low"), ("implementation", "high"))
_FAULTS: Final = (
    "3 of 41 tests failed: test_prices, test_caps, test_zone",
    "the answer was cut off at 4096 tokens",
    "error: patch does not apply to src/report.py",
)


class NightClock(VirtualClock):
    """A clock by which attempts last as long as they are said to."""

    def steady_s(self) -> float:
        """Return its own seconds."""
        return self()


@contextlib.contextmanager
def night(path: Path, *, phases: int = 48, left: int = 9, seed: int = 4) -> Iterator[Log]:
    """Make the log of a night, of which some phases are left, three of them at work."""
    draw, clock = random.Random(seed), NightClock(_BEGAN)
    log = autopack.create_log(path, clock=clock)
    _run(log, "weekly", 14, draw)
    _work(log, clock, "weekly", until_left=0, draw=draw)
    clock.advance(timedelta(minutes=25))
    _run(log, "nightly", phases, draw, caps={"usd": "14.00", "tokens": 3_000_000})
    gated = PhaseSpec("release-notes", category="docs", goal="Say what is new")
    autopack.queue_phases(log, "nightly", [gated])
    _ask(log)
    with log, contextlib.ExitStack() as at_work:
        for block in _work(log, clock, "nightly", until_left=left, draw=draw):
            at_work.push(block)
        yield log


def _run(log: Log, run_id: str, n: int, draw: random.Random, **given: Any) -> None:
    specs = [
        PhaseSpec(
            f"{category}-{number:02}",
            category=category,
            complexity=complexity,
            deliverables=tuple(f"{category}/{number}_{k}" for k in range(draw.randint(1, 3))),
            goal=f"Bring {category} of part {number} up to date",
            max_attempts=2,
        )
        for number in range(n)
        for category, complexity in [draw.choice(_KINDS)]
    ]
    autopack.create_run(log, run_id, specs, goal="Keep the house in order", **given)


def _ask(log: Log) -> None:
    def execute(_phase: object, attempt: Any) -> NeedsPerson:
        attempt.attach("notes.diff", "--- a/NEWS\n+++ b/NEWS\n@@ -1 +1,2 @@\n-old\n+new\n+newer\n")
        return NeedsPerson("May the notes be published as they are?", summary="two entries")

    autopack.drain(
        log,
        executor=execute,
        run_id="nightly",
        phase_id="release-notes",
        drain="evening",
        assume_usd_per_call="0.01",
    )


def _work(
    log: Log, clock: VirtualClock, run_id: str, *, until_left: int, draw: random.Random
) -> list[Any]:
    """Let three workers take phases, each for as long as it takes; return those left in work."""
    ends: list[tuple[datetime, str, Any, Any]] = []
    idle = ["worker-1", "worker-2", "worker-3"]
    while True:
        queued = [
            row.phase_id
            for row in autopack.list_phases(log, run_id)
            if row.status.value == "QUEUED"
        ]
        while idle and queued:
            worker, phase_id = idle.pop(0), queued.pop(0)
            block = autopack.attempt(
                log, (run_id, phase_id), worker=worker, assume_usd_per_call="0.05"
            )
            minutes = timedelta(minutes=draw.lognormvariate(1.2, 0.7))
            heapq.heappush(ends, (clock.now + minutes, worker, block, block.__enter__()))
            clock.advance(timedelta(seconds=draw.uniform(1, 9)))
        if not ends or len(queued) + len(ends) <= until_left:
            return [block for _at, _worker, block, _attempt in ends]
        at, worker, block, attempt = heapq.heappop(ends)
        clock.now = max(clock.now, at)
        for call in range(draw.randint(1, 4)):
            attempt.record_usage(
                call_id=f"{attempt.ref}-{attempt.number}-{call}",
                provider="example",
                model=draw.choice(("large-2", "large-2", "small-1")),
                input_tokens=draw.randint(3_000, 30_000),
                cache_read_tokens=draw.randint(0, 2_500),
                output_tokens=draw.randint(300, 4_000),
                cost_usd=f"{draw.uniform(0.01, 0.16):.4f}",
            )
        _end(block, draw)
        idle.append(worker)


def _end(block: Any, draw: random.Random) -> None:
    if draw.random() > 0.22:
        block.__exit__(None, None, None)
        return
    fault = RuntimeError(draw.choice(_FAULTS))
    with contextlib.suppress(RuntimeError):
        block.__exit__(RuntimeError, fault, None)
