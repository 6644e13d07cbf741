"""
Many drains on one log, some of them killed: a harness that counts what it must not find.

``python -m tests.long drains`` runs the whole of it. It starts processes that share a run, its
executor failing in a tenth of the attempts and running out of time in a twentieth, and kills some
with SIGKILL at random. First under a cap in tokens, until the cap ends every drain; then without
one, until every phase has ended. Its faults are a phase that was lost, or executed under two live
leases, usage that was lost or counted twice, a cap that was exceeded by more than the calls in
flight, and leases that are left.
"""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from autopack import Log, PhaseSpec, create_log, create_run, open_log, replay
from autopack.draining.attempts.lease_keys import phase_key
from autopack.log.log import journal_of
from autopack.ports.states import FINAL

MAIN = "import sys; from autopack.cli.main import main; main()"
MOST_TOKENS = 900  # of one call
LEASE_S = 2.0
TIMEOUT_S = 0.5
MANY = "100000"

EXECUTOR = '''\
"""Fails a tenth of the attempts, hangs in a twentieth, and writes down each call it made."""

import hashlib
import os
import random
import time
from pathlib import Path

from autopack import Failed

MARKS = Path({folder!r}) / f"calls-{{os.getpid()}}.txt"


def execute(phase, attempt):
    key = f"{seed}/{{phase.key}}/{{attempt.number}}".encode()
    draw = random.Random(hashlib.sha256(key).digest())
    kind = draw.random()
    for _ in range(draw.randint(1, 3)):
        time.sleep(draw.uniform(0.0, 0.02))
        tokens = draw.randint(50, {most} // 2)
        usage = attempt.record_usage(model="m", input_tokens=tokens, output_tokens=tokens)
        with MARKS.open("a", encoding="utf-8") as marks:
            marks.write(usage.event.call_id + "\\n")
    if kind < 0.05:
        while not attempt.cancelled:
            time.sleep(0.01)
        return None
    if kind < 0.10:
        return Failed("overloaded", "the provider answered 529")
    if kind < 0.15:
        return Failed("tests_failed", f"{{draw.randint(2, 9)}} tests failed")
    return None
'''


@attrs.frozen(kw_only=True)
class Plan:
    """How many of everything."""

    phases: int = 2000
    processes: int = 4
    workers: int = 4
    kills: int = 12
    cap_tokens: int | None = None
    seed: int = 0


@attrs.define
class Seen:
    """What a run of the harness saw."""

    states: dict[str, int] = attrs.Factory(dict)
    attempts: int = 0
    calls: int = 0
    late_calls: int = 0
    kills: int = 0
    reclaims: int = 0
    capped_at: int = 0
    cap: int = 0
    seconds: float = 0.0
    faults: list[str] = attrs.Factory(list)


def run(plan: Plan, folder: Path) -> Seen:
    """Drain under a cap, then to the end, killing at random; return what was seen."""
    executor = folder / "executor.py"
    executor.write_text(
        EXECUTOR.format(folder=str(folder), seed=plan.seed, most=MOST_TOKENS), encoding="utf-8"
    )
    path, seen, began = folder / "log.db", Seen(), time.monotonic()
    specs = [
        PhaseSpec(f"p{n}", category="docs", complexity="low", timeout_s=TIMEOUT_S)
        for n in range(plan.phases)
    ]
    with create_log(path) as log:
        create_run(log, "r", specs)
    seen.cap = plan.cap_tokens or plan.phases * MOST_TOKENS // 4
    draw = random.Random(plan.seed)
    capped = ("--drain", "capped", "--max-tokens", str(seen.cap))
    _drain(plan, path, executor, draw, seen, plan.kills // 2, capped)
    with open_log(path) as log:
        seen.capped_at = replay(log, "attempts").total.all.use.total_tokens
        in_flight = plan.processes * plan.workers * MOST_TOKENS
        if seen.capped_at > seen.cap + in_flight:
            seen.faults.append(f"cap {seen.cap} exceeded: {seen.capped_at} tokens were used")
    _drain(plan, path, executor, draw, seen, plan.kills - plan.kills // 2, ("--drain", "rest"))
    seen.seconds = time.monotonic() - began
    with open_log(path) as log:
        _judge(log, folder, seen)
    return seen


def _drain(
    plan: Plan, path: Path, executor: Path, draw: random.Random, seen: Seen, kills: int,
    more: tuple[str, ...],
) -> None:  # fmt: skip
    """Keep the processes going until they end by themselves, with so many killed on the way."""
    alive = [_start(plan, path, executor, more) for _ in range(plan.processes)]
    while alive:
        time.sleep(draw.uniform(0.3, 0.9))
        alive = [process for process in alive if process.poll() is None]
        if kills and alive and _n_claims(path):
            doomed = draw.choice(alive)
            doomed.kill()
            doomed.wait()
            alive.remove(doomed)
            alive.append(_start(plan, path, executor, more))
            kills, seen.kills = kills - 1, seen.kills + 1


def _start(
    plan: Plan, path: Path, executor: Path, more: tuple[str, ...]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [
            sys.executable, "-c", MAIN, "--log", str(path), "drain", "--executor",
            f"{executor}:execute", "--workers", str(plan.workers), "--lease-s", str(LEASE_S),
            "--max-fingerprint-repeats", MANY, *more,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _n_claims(path: Path) -> int:
    with open_log(path) as log:
        return len(
            journal_of(log).backend.page(after=0, until=2**62, limit=1, types=["phase.claimed"])
        )


def _judge(log: Log, folder: Path, seen: Seen) -> None:
    board = replay(log, "phases")
    seen.states = {str(state): n for state, n in board.total.by_state().items()}
    seen.faults += [
        f"phase {key} is {row.status}" for key, row in board.rows.items() if row.status not in FINAL
    ]
    seen.faults += [f"verify: {fault}" for fault in log.verify().faults]
    seen.faults += [f"lease row {lease.key} is left" for lease in _phase_leases(log)]
    events = [recorded.event for recorded in log.read_all()]
    seen.faults += _two_leases(events)
    seen.faults += _usage(log, events, folder, seen)
    seen.faults += _caps(log, events)
    kinds = Counter(type(event).TYPE for event in events)
    seen.attempts, seen.reclaims = kinds["phase.claimed"], kinds["phase.reclaimed"]


def _phase_leases(log: Log) -> Iterator[Any]:
    return (
        lease for lease in journal_of(log).backend.leases() if lease.key.startswith(phase_key("r/"))
    )


def _two_leases(events: list[Any]) -> Iterator[str]:
    """Yield each claim of a phase that another lease still held."""
    ends = {
        "phase.completed", "phase.failed", "phase.timed_out", "phase.gated", "phase.released",
        "phase.reclaimed",
    }  # fmt: skip
    held: dict[str, str] = {}
    for event in events:
        kind = type(event).TYPE
        if kind == "phase.claimed":
            if event.phase_id in held:
                yield f"phase {event.phase_id} was claimed while {held[event.phase_id]} held it"
            held[event.phase_id] = event.lease_token
        elif kind in ends and held.get(event.phase_id) == event.lease_token:
            del held[event.phase_id]


def _usage(log: Log, events: list[Any], folder: Path, seen: Seen) -> Iterator[str]:
    """Yield each call that a worker made and the log lacks, or that the log holds twice."""
    calls = Counter(e.call_id for e in events if type(e).TYPE == "llm.usage_recorded")
    made = [line for file in folder.glob("calls-*.txt") for line in file.read_text("utf-8").split()]
    usage = replay(log, "attempts").total.all.use
    seen.calls, seen.late_calls = usage.calls, usage.late_calls
    yield from (f"call {name} was lost" for name in made if name not in calls)
    yield from (f"call {name} is recorded {n} times" for name, n in calls.items() if n > 1)
    if usage.calls != len(calls):
        yield f"{usage.calls} calls are counted, {len(calls)} are recorded"


def _untold(events: list[Any], tokens: set[str]) -> Iterator[int]:
    """Yield what stands for attempts that were killed before they told of a call."""
    told = {e.lease_token for e in events if type(e).TYPE == "llm.usage_recorded"}
    gone = {e.lease_token for e in events if type(e).TYPE == "phase.reclaimed"}
    for event in events:
        if type(event).TYPE == "phase.claimed" and event.lease_token in tokens & gone - told:
            yield event.reserved_tokens or 0


def _caps(log: Log, events: list[Any]) -> Iterator[str]:
    """Yield it if the cap's stream does not end with exactly what its drain used."""
    from autopack.log.command_handler import Handler

    state = Handler(journal_of(log)).cap_state("drain-capped")
    tokens = {e.lease_token for e in events if getattr(e, "drain", None) == "capped"}
    used = sum(
        e.input_tokens + e.output_tokens
        for e in events
        if type(e).TYPE == "llm.usage_recorded" and e.lease_token in tokens
    )
    used += sum(_untold(events, tokens))
    if state.held or state.spent.tokens != used:
        left = state.reserved.tokens
        yield f"the cap's stream has {state.spent.tokens} spent and {left} held; {used} were used"
