"""A made-up night: three workers, failures, a gate, a cap, a limit; and some are still at work."""

import contextlib
import heapq
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import autopack
from autopack import Log, PhaseSpec
from autopack.events import LaneRested
from autopack.testing.clock import VirtualClock

_BEGAN: Final = datetime(2026, 3, 2, 20, 40, tzinfo=UTC)
_KINDS: Final = (("tests", "medium"), ("docs", "low"), ("implementation", "high"))
_FAULTS: Final = (
    "3 of 41 tests failed: test_prices, test_caps, test_zone",
    "the answer was cut off at 4096 tokens",
    "error: patch does not apply to src/report.py",
)


_STEPS: Final = ("the tests are written", "2 of 3 files are done", "reads the sources")
_REST: Final = timedelta(minutes=9)


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
    clock.advance(timedelta(minutes=90))
    _run(log, "nightly", phases, draw, caps={"usd": "14.00", "tokens": 3_000_000})
    gated = PhaseSpec("release-notes", category="docs", goal="Say what is new")
    dear = PhaseSpec(
        "move-prices",
        category="implementation",
        complexity="high",
        deliverables=("src/prices.py", "tests/test_prices.py"),
        goal="Read the prices from one file",
        max_attempts=2,
    )
    autopack.queue_phases(log, "nightly", [gated, dear])
    _ask(log, clock)
    for number, fault in enumerate((_FAULTS[1], _FAULTS[0])):
        _fail(log, clock, "nightly/move-prices", number, fault)
    with log, contextlib.ExitStack() as at_work:
        work = _work(log, clock, "nightly", until_left=left, draw=draw, rests_after=24)
        for (block, attempt), step in zip(work, _STEPS, strict=False):
            at_work.push(block)
            attempt.progress(step)
            _call(attempt, 0, draw)
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


def _ask(log: Log, clock: VirtualClock) -> None:
    with autopack.attempt(
        log, ("nightly", "release-notes"), worker="worker-1", assume_usd_per_call="0.01"
    ) as attempt:
        attempt.attach("notes.diff", "--- a/NEWS\n+++ b/NEWS\n@@ -1 +1,2 @@\n-old\n+new\n+newer\n")
        clock.advance(timedelta(minutes=2))
        attempt.needs_person("May the notes be published as they are?", summary="two entries")


def _fail(log: Log, clock: VirtualClock, phase: str, number: int, fault: str) -> None:
    """Fail at the phase that costs most of all, for a reason of its own each time."""
    with (
        contextlib.suppress(RuntimeError),
        autopack.attempt(log, phase, worker="worker-2", assume_usd_per_call="0.05") as attempt,
    ):
        clock.advance(timedelta(minutes=4 + 3 * number))
        attempt.record_usage(
            call_id=f"{phase}-{number}",
            provider="example",
            model="large-2",
            input_tokens=41_300,
            output_tokens=4_096 + 3_704 * number,
            cost_usd="0.6240",
        )
        raise RuntimeError(fault)


def _rest(log: Log, at: datetime) -> datetime:
    """Let the account rest, as a drain does that was refused; return until when."""
    until = at + _REST
    rested = LaneRested(
        account="plan",
        cause="usage_limit",
        until=until,
        wait_s=_REST.total_seconds(),
        closed_at=at,
    )
    log.append("account-plan", [rested], expected_version=autopack.ANY)
    return until


def _work(
    log: Log,
    clock: VirtualClock,
    run_id: str,
    *,
    until_left: int,
    draw: random.Random,
    rests_after: int = -1,
) -> list[tuple[Any, Any]]:
    """
    Let three workers take phases, each for as long as it takes; return those left in work.

    Args:
        rests_after: After how many attempts the account's limit is met, and nobody begins.
    """
    done, rests_until = 0, clock.now
    ends: list[tuple[datetime, str, Any, Any]] = []
    idle = ["worker-1", "worker-2", "worker-3"]
    while True:
        queued = [
            row.phase_id
            for row in autopack.list_phases(log, run_id)
            if row.status.value == "QUEUED"
        ]
        if done == rests_after and rests_until <= clock.now:
            done, rests_until = done + 1, _rest(log, clock.now)
        if not ends and queued:
            clock.now = max(clock.now, rests_until)
        while idle and queued and rests_until <= clock.now:
            worker, phase_id = idle.pop(0), queued.pop(0)
            block = autopack.attempt(
                log, (run_id, phase_id), worker=worker, assume_usd_per_call="0.05"
            )
            minutes = timedelta(minutes=draw.lognormvariate(1.2, 0.7))
            heapq.heappush(ends, (clock.now + minutes, worker, block, block.__enter__()))
            clock.advance(timedelta(seconds=draw.uniform(1, 9)))
        if not ends or len(queued) + len(ends) <= until_left:
            return [(block, attempt) for _at, _worker, block, attempt in ends]
        at, worker, block, attempt = heapq.heappop(ends)
        clock.now = max(clock.now, at)
        for call in range(draw.randint(1, 4)):
            _call(attempt, call, draw)
        _end(block, draw)
        done += 1
        idle.append(worker)


def _call(attempt: Any, number: int, draw: random.Random) -> None:
    attempt.record_usage(
        call_id=f"{attempt.ref}-{attempt.number}-{number}",
        provider="example",
        model=draw.choice(("large-2", "large-2", "small-1")),
        input_tokens=draw.randint(3_000, 30_000),
        cache_read_tokens=draw.randint(0, 2_500),
        output_tokens=draw.randint(300, 4_000),
        cost_usd=f"{draw.uniform(0.01, 0.16):.4f}",
    )


def _end(block: Any, draw: random.Random) -> None:
    if draw.random() > 0.22:
        block.__exit__(None, None, None)
        return
    fault = RuntimeError(draw.choice(_FAULTS))
    with contextlib.suppress(RuntimeError):
        block.__exit__(RuntimeError, fault, None)
