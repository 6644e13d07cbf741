"""Phases through ``autopack-openai`` on a bad day: refused, failed and cut calls, counted twice."""

import random
from pathlib import Path

import attrs
from tests.loopback_models import CUT, Asked, Reply, serving

import autopack
from autopack import PhaseSpec
from autopack_openai import OpenAIExecutor

_BUSY = {"retry-after-ms": "20"}


class BadDay:
    """
    An endpoint that refuses, fails and cuts calls by chance, and counts the tokens of the others.

    A call is cut before its first word or after it; it is never told what that used.
    """

    def __init__(self, seed: int, *, busy: float, failing: float, cut: float) -> None:
        self._draw, self._shares = random.Random(seed), (busy, failing, cut)
        self.tokens = [0, 0]
        self.kinds: dict[str, int] = {}

    def answer(self, asked: Asked) -> Reply:
        """Answer one request, one at a time."""
        kind = self._kind()
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if kind == "429":
            error = {"message": "slow down", "type": "rate_limit_error"}
            return Reply(status=429, headers=_BUSY, body={"error": error})
        if kind == "500":
            return Reply(status=500, body={"error": {"message": "oh", "type": "server_error"}})
        given, written = self._draw.randint(5, 900), self._draw.randint(1, 300)
        call = f"chatcmpl-{asked.number:020}"
        words = [_chunk(call, {"content": "word "}) for _ in range(3)]
        if kind == "cut":
            return Reply(events=[*words[: self._draw.randint(0, 3)], CUT])
        self.tokens[0] += given
        self.tokens[1] += written
        usage = {
            "prompt_tokens": given,
            "completion_tokens": written,
            "total_tokens": given + written,
        }
        last = {"id": call, "object": "chat.completion.chunk", "model": "m", "choices": []}
        return Reply(events=[*words, _chunk(call, {}, "stop"), {**last, "usage": usage}])

    def _kind(self) -> str:
        drawn = self._draw.random()
        for kind, share in zip(("429", "500", "cut"), self._shares, strict=True):
            if drawn < share:
                return kind
            drawn -= share
        return "answered"


@attrs.frozen(kw_only=True)
class BadDayTold:
    """What a drain on a bad day came to, and what the endpoint says of it."""

    phases: int
    completed: int
    calls: int
    unknown: int
    unreadable: int
    tokens: tuple[int, int]
    endpoint_tokens: tuple[int, int]
    kinds: dict[str, int]

    def __str__(self) -> str:
        """Say it in a line."""
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(self.kinds.items()))
        given, written = self.tokens
        return (
            f"{self.completed} of {self.phases} phases complete; {kinds}; {given:,} tokens in and "
            f"{written:,} out, as the endpoint counted; {self.unknown} calls of unknown use"
        )


def bad_day(folder: Path, *, phases: int, workers: int, seed: int) -> BadDayTold:
    """Drain phases through an endpoint of which 10 % is busy, 5 % fails and 2 % is cut."""
    day = BadDay(seed, busy=0.10, failing=0.05, cut=0.02)
    given = {"category": "docs", "complexity": "low", "goal": "Say a word", "model": "m"}
    with serving(day.answer) as provider, autopack.create_log(folder / "day.db") as log:
        autopack.create_run(log, "r", [PhaseSpec(f"p{n}", **given) for n in range(phases)])
        report = autopack.drain(
            log,
            executor=OpenAIExecutor(base_url=f"{provider.url}/v1"),
            workers=workers,
            backoff_base_s=0.01,
        )
        calls = [r.event for r in log.read_all() if r.type == "llm.usage_recorded"]
    return BadDayTold(
        phases=phases,
        completed=report.completed,
        calls=len(calls),
        unknown=sum(call.total_tokens is None for call in calls),
        unreadable=report.unreadable,
        tokens=(
            sum(call.input_tokens or 0 for call in calls),
            sum(call.output_tokens or 0 for call in calls),
        ),
        endpoint_tokens=(day.tokens[0], day.tokens[1]),
        kinds=day.kinds,
    )


def check(told: BadDayTold) -> None:
    """
    Return if nothing was lost, and nothing counted otherwise.

    Raises:
        AssertionError: Something was.
    """
    cut = told.kinds.get("cut", 0)
    assert told.phases == told.completed, f"{told.completed} of {told.phases} complete"
    assert told.endpoint_tokens == told.tokens, f"{told.tokens}, not {told.endpoint_tokens}"
    assert (cut, cut) == (told.unknown, told.unreadable), f"{cut} cut, {told.unknown} unknown"
    assert told.calls == told.phases + cut, f"{told.calls} calls"


def _chunk(call: str, delta: dict[str, str], reason: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": call, "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
