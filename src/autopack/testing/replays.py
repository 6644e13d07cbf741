"""A small drain by a strategy, in memory, and its choices asked again on what is in its log."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from autopack.api.drain_replays import replay_drain
from autopack.api.runs import create_run
from autopack.draining.engine.engine import Drain
from autopack.draining.simulation.replayed_choices import ReplayedChoice
from autopack.errors import PluginError
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.ports.prediction import PhaseSpec
from autopack.ports.work import Completed, Failed
from autopack.testing.clock import VirtualClock

_RUNS: Final = {"r1": ("docs", "low"), "r2": ("docs", "high"), "r3": ("tests", "low")}
_PHASES: Final = 4
_BEGUN: Final = 6


def replayed_choices(make: Callable[[], Any]) -> Sequence[ReplayedChoice]:
    """
    Return the choices of two drains by a strategy, each with what it answers when asked again.

    Of three runs one fails. Another drain has begun with them; the first of the two ends halfway.

    Args:
        make: Returns the strategy, anew for each drain and each replay.
    """
    with Log(MemoryBackend(), clock=VirtualClock()) as log:
        for order, (run_id, (category, complexity)) in enumerate(_RUNS.items()):
            phases = [
                PhaseSpec(f"p{n}", category=category, complexity=complexity, priority=n * order % 3)
                for n in range(_PHASES)
            ]
            create_run(log, run_id, phases)
        Drain(log, executor=_executed, max_phases=_BEGUN).run()
        choices: list[ReplayedChoice] = []
        for most in (2, None):
            drain = Drain(log, executor=_executed, strategy=make(), max_phases=most, workers=2)
            with contextlib.suppress(PluginError):  # it names an executor that is not here
                drain.run()
            choices += replay_drain(log, drain.drain_id, strategy=make()).choices
        return choices


def _executed(phase: Any, attempt: Any) -> Completed | Failed:
    attempt.record_usage(model=phase.model or "m", input_tokens=100, output_tokens=700)
    if phase.run_id == "r2":
        return Failed("tests_failed", f"{attempt.number} of 9 failed", retryable=False)
    return Completed()
