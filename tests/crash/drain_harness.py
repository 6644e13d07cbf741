"""
Many drains on one log, some of them killed: a harness that counts what it must not find.

``python -m tests.long drains`` runs the whole of it. It starts processes that share a run, its
executor failing in a tenth of the attempts and running out of time in a twentieth, and kills some
with SIGKILL at random. First under a cap in tokens, until the cap ends every drain; then without
one, until every phase has ended. Its faults are a phase that was lost, or executed under two live
leases, usage that was lost or counted twice, a cap that was exceeded by more than the calls in
flight, leases that are left, a drain that ends by anything but its queue or its cap, an attempt
that fails by anything but its executor's choice or the cap, and an answer of a strategy that a
replay of its drain does not give, or another strategy's that is not of all that the drain was.

``--server postgres`` has the log on a PostgreSQL server, which is restarted meanwhile: every other
time as if it had crashed.
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
from tests.postgres_server import PostgresServer

from autopack import Log, PhaseSpec, create_log, create_run, open_log, replay, replay_drain
from autopack.draining.attempts.lease_keys import phase_key
from autopack.log.log import journal_of
from autopack.ports.states import FINAL

MAIN = "import sys; from autopack.cli.main import main; main()"
MOST_TOKENS = 900  # of one call
LEASE_S = 2.0
TIMEOUT_S = 0.5
MANY = "100000"
REFUSED = 2
CODES = ("overloaded", "tests_failed", "cap_reached", "lease_lost")

EXECUTOR = '''\
"""Fails a tenth of the attempts, hangs in a twentieth, and writes down each call it made."""

import hashlib
import os
import random
import time
import uuid
from pathlib import Path

from autopack import Failed

MARKS = Path({folder!r}) / f"calls-{{os.getpid()}}.txt"


def mark(what, name, tokens):
    with MARKS.open("a", encoding="utf-8") as marks:
        marks.write(f"{{what}} {{name}} {{2 * tokens}}\\n")


def execute(phase, attempt):
    key = f"{seed}/{{phase.key}}/{{attempt.number}}".encode()
    draw = random.Random(hashlib.sha256(key).digest())
    kind = draw.random()
    for _ in range(draw.randint(1, 3)):
        time.sleep(draw.uniform(0.0, 0.02))
        tokens, name = draw.randint(50, {most} // 2), uuid.uuid4().hex
        mark("made", name, tokens)
        attempt.record_usage(model="m", input_tokens=tokens, output_tokens=tokens, call_id=name)
        mark("told", name, tokens)
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


STRATEGY = '''\
"""Takes the middle one, and says of some failures what comes next: a function of what it sees."""

from autopack import Choose, GiveUp, Retry, Wait


class Middle:
    def __call__(self, view):
        if not view.ready:
            return Wait("nothing is ready", until=view.next_ready_at)
        tried = view.attempts(view.ready[0].ref) if view.ready[0].attempts else ()
        at = (len(view.ready) + len(tried) + view.zero_streak + len(view.in_work)) // 2
        return Choose(view.ready[at % len(view.ready)].ref, f"{at} of {len(view.ready)}")

    def after_failure(self, phase, attempts):
        last = attempts[-1]
        if last.ending == "timed_out":
            return Retry(phase.ref, f"it made {last.calls} calls by then")
        if len(attempts) > 1 and last.reason_code == "tests_failed":
            return GiveUp(phase.ref, f"{sum(one.output_tokens for one in attempts)} tokens")
        return None
'''


@attrs.frozen(kw_only=True)
class Plan:
    """How many of everything."""

    phases: int = 2000
    processes: int = 4
    workers: int = 4
    kills: int = 12
    restarts: int = 2
    cap_tokens: int | None = None
    seed: int = 0


@attrs.define
class Seen:
    """What a run of the harness saw."""

    states: dict[str, int] = attrs.Factory(dict)
    attempts: int = 0
    calls: int = 0
    late_calls: int = 0
    processes: int = 0
    killed: list[int] = attrs.Factory(list)
    restarts: int = 0
    refused: int = 0
    reclaims: int = 0
    choices: int = 0
    afterwards: int = 0
    capped_at: int = 0
    cap: int = 0
    seconds: float = 0.0
    faults: list[str] = attrs.Factory(list)


def run(plan: Plan, folder: Path, server: PostgresServer | None = None) -> Seen:
    """
    Drain under a cap, then to the end, killing at random; return what was seen.

    Args:
        server: Where the log is, restarted meanwhile; without, it is in a file.
    """
    target = server.url("drained") if server else str(folder / "log.db")
    executor = folder / "executor.py"
    executor.write_text(
        EXECUTOR.format(folder=str(folder), seed=plan.seed, most=MOST_TOKENS), encoding="utf-8"
    )
    (folder / "strategy.py").write_text(STRATEGY, encoding="utf-8")
    seen, began = Seen(), time.monotonic()
    specs = [
        PhaseSpec(f"p{n}", category="docs", complexity="low", timeout_s=TIMEOUT_S)
        for n in range(plan.phases)
    ]
    with create_log(target) as log:
        create_run(log, "r", specs)
    seen.cap = plan.cap_tokens or plan.phases * MOST_TOKENS // 4
    drains = _Drains(plan, target, folder, server, seen)
    drains.run(True, ("--drain", "capped", "--max-tokens", str(seen.cap)))
    with open_log(target) as log:
        seen.capped_at = replay(log, "attempts").total.all.use.total_tokens
        in_flight = plan.processes * plan.workers * MOST_TOKENS
        if seen.capped_at > seen.cap + in_flight:
            seen.faults.append(f"cap {seen.cap} exceeded: {seen.capped_at} tokens were used")
    strategy = f"{folder / 'strategy.py'}:Middle"
    drains.run(False, ("--drain", "rest", "--strategy", strategy))
    seen.seconds = time.monotonic() - began
    with open_log(target) as log:
        _judge(log, folder, seen)
    return seen


class _Drains:
    """Processes that drain one log, some of them killed, while its server is restarted."""

    def __init__(
        self, plan: Plan, target: str, folder: Path, server: PostgresServer | None, seen: Seen
    ) -> None:
        self._plan, self._target, self._folder = plan, target, folder
        self._server, self._seen = server, seen
        self._draw = random.Random(plan.seed)

    def run(self, is_first: bool, more: tuple[str, ...]) -> None:
        """Keep the processes going until they end by themselves; each half has half the faults."""
        kills, restarts = self._half(self._plan.kills, is_first), 0
        if self._server is not None:
            restarts = self._half(self._plan.restarts, is_first)
        alive = [self._start(more) for _ in range(self._plan.processes)]
        while alive:
            time.sleep(self._draw.uniform(0.3, 0.9))
            alive = self._still(alive, more)
            at_work = self._at_work(alive) if kills or restarts else []
            if at_work and kills:
                alive.remove(self._kill(self._draw.choice(at_work)))
                alive.append(self._start(more))
                kills -= 1
            if at_work and restarts:
                self._restart()
                restarts -= 1

    def _still(
        self, alive: list["subprocess.Popen[bytes]"], more: tuple[str, ...]
    ) -> list["subprocess.Popen[bytes]"]:
        """Return those at work; who found no server to open the log on is begun anew."""
        refused = [process for process in alive if process.poll() == REFUSED]
        self._seen.refused += len(refused)
        assert self._seen.refused <= self._plan.processes * self._seen.restarts, (
            "drains are refused"
        )
        at_work = [process for process in alive if process.poll() is None]
        return [*at_work, *(self._start(more) for _ in refused)]

    def _half(self, n: int, is_first: bool) -> int:
        return n // 2 if is_first else n - n // 2

    def _kill(self, doomed: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
        doomed.kill()
        doomed.wait()
        self._seen.killed.append(doomed.pid)
        return doomed

    def _restart(self) -> None:
        assert self._server is not None
        self._server.stop("fast" if self._seen.restarts % 2 else "immediate")
        self._server.start()
        self._seen.restarts += 1

    def _start(self, more: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        call = [
            sys.executable, "-c", MAIN, "--log", self._target, "drain",
            "--executor", f"{self._folder / 'executor.py'}:execute",
            "--workers", str(self._plan.workers), "--lease-s", str(LEASE_S),
            "--max-fingerprint-repeats", MANY, *more,
        ]  # fmt: skip
        self._seen.processes += 1
        with (self._folder / "said.txt").open("ab") as said:
            return subprocess.Popen(call, stdout=said, stderr=said)

    def _at_work(self, alive: list["subprocess.Popen[bytes]"]) -> list["subprocess.Popen[bytes]"]:
        with open_log(self._target) as log:
            holders = " ".join(lease.worker for lease in _phase_leases(log))
        return [process for process in alive if f"-{process.pid}-" in holders]


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
    seen.faults += _ends(events, seen)
    seen.faults += _caps(log, events)
    seen.faults += _answers(log, seen)
    kinds = Counter(type(event).TYPE for event in events)
    seen.attempts, seen.reclaims = kinds["phase.claimed"], kinds["phase.reclaimed"]


def _answers(log: Log, seen: Seen) -> Iterator[str]:
    """Yield each answer that its strategy does not give again, and what another one leaves out."""
    attempts = replay(log, "attempts").rows.values()
    for drain_id, other in (("capped", "triage"), ("rest", "fifo")):
        found = replay_drain(log, drain_id)
        yield from (f"drain {drain_id}: {one}" for one in found.answers if one.differs)
        yield from (f"drain {drain_id}: {one.why_not}" for one in found.answers if one.why_not)
        parted = replay_drain(log, drain_id, strategy=other, calibrator="median-ratio")
        made = [row for row in attempts if row.drain == drain_id]
        if not len(made) == len(found.choices) == parted.n_asked:
            yield f"drain {drain_id}: {len(made)} attempts, {len(found.choices)} choices"
        budgets, path = parted.budgets, parted.path
        if len(budgets.budgets) + sum(budgets.left_out.values()) != len(made):
            yield f"drain {drain_id}: {len(budgets.budgets)} of {len(made)} budgets"
        if (path is None) != (parted.parted is None):
            yield f"drain {drain_id}: it parts at {parted.parted}, and its path is {path}"
        seen.choices += len(found.choices)
        seen.afterwards += len(found.afterwards)


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
    """Yield each call that the log lacks, holds twice or with other tokens, or that nobody made."""
    recorded = [e for e in events if type(e).TYPE == "llm.usage_recorded"]
    calls = {e.call_id: e.input_tokens + e.output_tokens for e in recorded}
    files = {file: file.read_text("utf-8").splitlines() for file in folder.glob("calls-*.txt")}
    marks = [line.split() for lines in files.values() for line in lines]
    made = {name: int(tokens) for what, name, tokens in marks if what == "made"}
    usage = replay(log, "attempts").total.all.use
    seen.calls, seen.late_calls = usage.calls, usage.late_calls
    # Whoever was killed may have made a call of which nobody was told.
    killed = {folder / f"calls-{pid}.txt" for pid in seen.killed}
    sure = [line.split() for file in files.keys() - killed for line in files[file]]
    sure += [mark for mark in marks if mark[0] == "told"]
    yield from {f"call {name} was lost" for _what, name, _tokens in sure if name not in calls}
    yield from (f"call {name} was not made" for name in calls.items() - made.items())
    if not usage.calls == len(calls) == len(recorded):
        yield f"{usage.calls} calls are counted, {len(calls)} are recorded, {len(recorded)} times"
    if usage.total_tokens != sum(calls.values()):
        yield f"{usage.total_tokens} tokens are counted, {sum(calls.values())} were used"


def _ends(events: list[Any], seen: Seen) -> Iterator[str]:
    """Yield each end of a drain or of an attempt that nobody meant."""
    reasons = Counter(e.reason for e in events if type(e).TYPE == "drain.stopped")
    ended = seen.processes - len(seen.killed) - seen.refused
    if reasons.total() != ended or set(reasons) - {"limit", "empty"}:
        yield f"{ended} drains ended, and say {dict(reasons)}"
    for event in events:
        if type(event).TYPE == "phase.failed" and event.code not in CODES:
            yield f"phase {event.phase_id} failed: {event.code}: {event.message}"


def _caps(log: Log, events: list[Any]) -> Iterator[str]:
    """Yield each attempt of which the cap's stream does not end with exactly what it used."""
    from autopack.log.command_handler import Handler

    state = Handler(journal_of(log)).cap_state("drain-capped")
    by_token: dict[str, list[Any]] = {}
    for event in events:
        by_token.setdefault(getattr(event, "lease_token", None) or "", []).append(event)
    for token, amount in state.settled.items():
        used, known = _used(by_token[token]), amount.tokens
        if used != known:
            told = ", ".join(type(event).TYPE for event in by_token[token])
            yield f"attempt {token} used {used} under its cap, which has {known}: {told}"
    if state.held or state.spent.tokens != sum(one.tokens for one in state.settled.values()):
        yield f"the cap's stream has {state.spent.tokens} spent and {state.reserved.tokens} held"


def _used(events: list[Any]) -> int:
    """Return what an attempt used; what it set aside, if it was cut short before it told of any."""
    calls = [e for e in events if type(e).TYPE == "llm.usage_recorded"]
    ends = {type(e).TYPE for e in events}
    if not calls and ends & {"phase.reclaimed", "phase.timed_out", "phase.failed"}:
        return int(next(e.reserved_tokens for e in events if type(e).TYPE == "phase.claimed"))
    return sum(e.input_tokens + e.output_tokens for e in calls)
