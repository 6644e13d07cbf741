"""Executor ``recorded``: answers from a seeded distribution or a recorded history; calls nobody."""

import hashlib
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.ports.attempt import Attempt
from autopack.ports.prediction import Sample
from autopack.ports.work import Completed, Failed, Outcome, PhaseView

_FAILURES: Final = (
    ("tests_failed", "2 of 14 tests failed after the patch was applied", False),
    ("overloaded", "the provider answered 529: overloaded", True),
    ("patch_rejected", "the patch does not apply to the file as it is", False),
)
MODEL: Final = "recorded-model"
_SLOWEST: Final = 1000.0


@attrs.frozen(kw_only=True)
class RecordedAnswer:
    """What a phase will give: output tokens (None: no call at all), and how it ends."""

    output_tokens: int | None
    input_tokens: int = 0
    latency_s: float = 0.0
    failure: tuple[str, str, bool] | None = None
    is_truncated: bool = False


class RecordedExecutor:
    """
    Does phases without any model: the log says so by the executor's name and settings.

    Args:
        seed: The same seed, phase and attempt give the same answer.
        history: Samples of an earlier log; answers are drawn from those of the same category and
            complexity, else from the distribution.
        failure_share, zero_usage_share, truncated_share: How often a phase fails, completes
            without any call, or is cut at its budget; between 0 and 1.
        latency_scale: Real seconds for each simulated one; 0 does not wait.
        tokens: Mean output by ``category/complexity`` for the distribution.
    """

    name = "recorded"

    def __init__(
        self,
        *,
        seed: int = 0,
        history: Sequence[Sample] = (),
        failure_share: float = 0.08,
        zero_usage_share: float = 0.04,
        truncated_share: float = 0.03,
        latency_scale: float = 0.02,
        tokens: Mapping[str, float] | None = None,
    ) -> None:
        self.settings: dict[str, Any] = {
            "simulated": True,
            "seed": seed,
            "source": "history" if history else "distribution",
            "failure_share": failure_share,
            "zero_usage_share": zero_usage_share,
            "truncated_share": truncated_share,
            "latency_scale": latency_scale,
        }
        for name in ("failure_share", "zero_usage_share", "truncated_share"):
            _check(name, self.settings[name], most=1.0)
        _check("latency_scale", latency_scale, most=_SLOWEST)
        if not isinstance(seed, int):
            raise InvalidInputError(
                f"seed is {seed!r}; give a whole number.", name="seed", value=seed
            )
        self._seed, self._scale, self._tokens = seed, latency_scale, dict(tokens or {})
        self._shares = (failure_share, zero_usage_share, truncated_share)
        self._history: dict[tuple[str, str], list[int]] = {}
        for sample in history:
            if sample.actual_output_tokens is not None:
                group = self._history.setdefault((sample.category, sample.complexity), [])
                group.append(sample.actual_output_tokens)

    def execute(self, phase: PhaseView, attempt: Attempt) -> Outcome:
        """Record the usage that the answer holds, and end as it says."""
        answer = self.answer(phase, attempt.number)
        attempt.progress("answering from a recording")
        ends = time.monotonic() + answer.latency_s * self._scale
        while not attempt.cancelled and (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))
        if answer.output_tokens is None:
            return Completed(summary="nothing had to be done, so no call was made")
        output = answer.output_tokens
        if answer.is_truncated:
            output = attempt.budget_tokens
        attempt.record_usage(
            call_id=f"recorded-{attempt.lease_token}-1",
            model=MODEL,
            provider="recorded",
            input_tokens=answer.input_tokens,
            output_tokens=output,
            total_tokens=answer.input_tokens + output,
            max_tokens=attempt.budget_tokens,
            stop_reason="max_tokens" if answer.is_truncated else "end_turn",
            truncated=answer.is_truncated,
            duration_s=answer.latency_s,
        )
        if answer.is_truncated:
            return Failed("truncated", f"the output was cut at its budget of {output} tokens")
        if answer.failure is not None:
            code, message, retryable = answer.failure
            return Failed(code, message, retryable=retryable)
        return Completed(
            outputs={name: f"(recorded) {name}\n" for name in phase.deliverables},
            summary=f"{len(phase.deliverables)} deliverables, answered from a recording",
        )

    def answer(self, phase: PhaseView, attempt_number: int) -> RecordedAnswer:
        """Return what the phase's attempt gives: a pure function of seed, phase and number."""
        key = f"{self._seed}/{phase.key}/{attempt_number}".encode()
        draw = random.Random(hashlib.sha256(key).digest())
        failing, silent, cut = self._shares
        kind = draw.random()
        tokens = self._output(phase, draw)
        if kind < silent:
            return RecordedAnswer(output_tokens=None, latency_s=0.5)
        is_cut = silent <= kind < silent + cut
        fails = silent + cut <= kind < silent + cut + failing
        return RecordedAnswer(
            output_tokens=tokens,
            input_tokens=int(draw.uniform(900, 6000)),
            latency_s=tokens / 90,
            failure=draw.choice(_FAILURES) if fails else None,
            is_truncated=is_cut,
        )

    def _output(self, phase: PhaseView, draw: random.Random) -> int:
        if told := self._history.get((phase.category, phase.complexity)):
            return draw.choice(told)
        group = f"{phase.category}/{phase.complexity}"
        usual = self._tokens.get(group) or {"low": 900, "high": 5200}.get(phase.complexity, 2200)
        size = usual * max(1, len(phase.deliverables)) ** 0.6
        return max(60, int(size * draw.lognormvariate(0, 0.28)))


def _check(name: str, value: Any, *, most: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and 0 <= value <= most):
        raise InvalidInputError(
            f"{name} is {value!r}; give a number from 0 to {most:g}.", name=name, value=value
        )
