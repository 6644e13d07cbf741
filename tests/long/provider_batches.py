"""Phases through a provider's batches on a bad day, by drains that are killed at any moment."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import attrs
from tests.openai_batches import Batches, answered, batching

import autopack
from autopack import PhaseSpec

_DRAIN: Final = """
import os, sys, autopack
from autopack_openai import OpenAIExecutor
os.environ["OPENAI_API_KEY"] = "sk-test"
executor = OpenAIExecutor(model="m", base_url=sys.argv[2], batch=True, poll_after_s=0.1)
with autopack.open_log(sys.argv[1]) as log:
    autopack.drain(log, executor=executor, workers=25, lease_s=1, backoff_base_s=0.05)
"""
_LONGEST_S: Final = 120


class BadBatches(Batches):
    """
    A provider that refuses, fails and loses its answer by chance, and answers what it took.

    A batch is over after a few looks at it.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.line, self._draw = self._answer, random.Random(seed)
        self.kinds: dict[str, int] = {}
        self.tokens: dict[str, tuple[int, int]] = {}

    def take(self, method: str, path: str, kind: str, body: bytes) -> tuple[int, Any, dict]:
        """Answer a request, or not."""
        drawn = self._draw.random()
        if drawn < 0.10:
            return self._refused(429, "429")
        if drawn < 0.15:
            return self._refused(500, "500")
        self.over = self._draw.random() < 0.3
        found = super().take(method, path, kind, body)
        if (method, path) == ("POST", "/v1/batches") and drawn < 0.45:
            return self._refused(500, "lost")  # it was taken, and nobody was told
        return found

    def _refused(self, status: int, kind: str) -> tuple[int, Any, dict]:
        with self.lock:
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
        error = {"message": "not now", "type": "x", "code": None, "param": None}
        return status, {"error": error}, {"retry-after-ms": "20"}

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        given, written = self._draw.randint(5, 900), self._draw.randint(1, 300)
        self.tokens[request["custom_id"]] = given, written
        return answered(request, given=given, written=written)


@attrs.frozen(kw_only=True)
class BatchesTold:
    """What drains by batches came to, and what the provider says of it."""

    phases: int
    completed: int
    kills: int
    requests: int
    batches: int
    calls: int
    tokens: tuple[int, int]
    provider_tokens: tuple[int, int]
    kinds: dict[str, int]

    def __str__(self) -> str:
        """Say it in a line."""
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(self.kinds.items()))
        return (
            f"by batches {self.completed} of {self.phases} complete, each paid once: "
            f"{self.batches} batches, {self.kills} kills, {kinds}; {self.tokens[0]:,} tokens in "
            f"and {self.tokens[1]:,} out, as the provider counted"
        )


def bad_day(folder: Path, *, phases: int, kills: int, seed: int) -> BatchesTold:
    """Drain phases by batches; the first drains are killed, wherever they are by then."""
    provider, draw, killed = BadBatches(seed), random.Random(seed), 0
    given = {"category": "docs", "complexity": "low", "goal": "Say a word"}
    path = folder / "batches.db"
    with batching(provider), autopack.create_log(path) as log:
        autopack.create_run(log, "r", [PhaseSpec(f"p{n}", **given) for n in range(phases)])
        line = [sys.executable, "-c", _DRAIN, str(path), f"{provider.url}/v1"]
        while killed < kills and _left(log):
            drain = subprocess.Popen(line)
            time.sleep(1.0 + draw.random() * 2)
            if drain.poll() is None:
                drain.send_signal(signal.SIGKILL)
                killed += 1
            drain.wait()
        ends = time.monotonic() + _LONGEST_S
        while _left(log) and time.monotonic() < ends:
            subprocess.run(line, check=True, timeout=_LONGEST_S)
        rows = autopack.replay(log, "phases").rows.values()
        calls = [r.event for r in log.read_all() if r.type == "llm.usage_recorded"]
    used = list(provider.tokens.values())
    return BatchesTold(
        phases=phases,
        completed=sum(row.status == "COMPLETE" for row in rows),
        kills=killed,
        requests=sum(len(provider.lines(one)) for one in provider.batches),
        batches=len(provider.batches),
        calls=len(calls),
        tokens=(
            sum(call.input_tokens or 0 for call in calls),
            sum(call.output_tokens or 0 for call in calls),
        ),
        provider_tokens=(sum(given for given, _ in used), sum(out for _, out in used)),
        kinds=provider.kinds,
    )


def check(told: BatchesTold) -> None:
    """
    Return if each phase was answered, and paid once.

    Raises:
        AssertionError: Something was lost, or paid twice.
    """
    assert told.phases == told.completed, f"{told.completed} of {told.phases} complete"
    assert told.phases == told.requests, f"{told.requests} requests for {told.phases} phases"
    assert told.phases == told.calls, f"{told.calls} calls"
    assert told.provider_tokens == told.tokens, f"{told.tokens}, not {told.provider_tokens}"


def _left(log: autopack.Log) -> bool:
    rows = autopack.replay(log, "phases").rows.values()
    return any(row.status != "COMPLETE" for row in rows)
