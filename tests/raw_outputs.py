"""What real clients printed, handed to a preset's reader as if the client had just run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from autopack import PhaseSpec, create_run, drain
from autopack.draining.executors.output_watch import WatchedProgram
from autopack.draining.executors.presets import PRESETS
from autopack.draining.executors.session_calls import Surroundings
from autopack.draining.executors.usage_files import UsageChannel
from autopack.events import LlmUsageRecorded, PhaseCompleted, PhaseFailed
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.ports.work import USAGE_PROBLEMS


@attrs.frozen(kw_only=True)
class Case:
    """One raw output: the client with its version, the case's name, and where it is."""

    client: str
    name: str
    folder: Path

    @property
    def preset(self) -> str:
        """The preset that reads the client's output."""
        return self.client.split("-")[0]

    def text(self, ending: str) -> bytes:
        """Return what was printed there, or nothing."""
        path = self.folder / f"{self.name}.{ending}"
        return path.read_bytes() if path.exists() else b""

    @property
    def exit_code(self) -> int:
        """The client's exit code, as subprocess gives it; 0 where it was not noted."""
        told: dict[str, Any] = json.loads(self.text("meta.json") or b"{}")
        code = told.get("rc", 0)
        return code if isinstance(code, int) else 0


def cases(outputs: Path) -> list[Case]:
    """Return every raw output, in order."""
    return [
        Case(client=path.parent.name, name=path.name.removesuffix(".stdout"), folder=path.parent)
        for path in sorted(outputs.glob("*/*.stdout"))
    ]


class Playback:
    """An executor that hands a raw output to the preset's reader."""

    def __init__(self, case: Case, place: Surroundings, exit_code: int) -> None:
        self.case, self.place, self.exit_code = case, place, exit_code

    async def execute(self, phase: Any, attempt: Any) -> Any:
        """Read the output to its end, record its calls, and say how it ended."""
        reader = PRESETS[self.case.preset]().reader(attempt.lease_token, self.place)
        work = WatchedProgram(phase, attempt, reader, 1_000_000)
        with UsageChannel() as channel:
            work.channel = channel
            work.stdout(self.case.text("stdout"))
            work.errors.feed(self.case.text("stderr"))
            await work.finish(returncode=self.exit_code)
        outcome = work.outcome(self.case.preset, self.exit_code)
        work.attach()
        return outcome


def played(
    case: Case, *, exit_code: int | None = None, env: Mapping[str, str] | None = None
) -> Log:
    """Return a log in which a phase was done by that output."""
    log = Log(MemoryBackend())
    create_run(log, "r", [PhaseSpec("p", category="docs", complexity="low", max_attempts=1)])
    code = case.exit_code if exit_code is None else exit_code
    drain(log, executor=Playback(case, Surroundings(env=env or {}), code), max_phases=1)
    return log


def told(log: Log) -> dict[str, Any]:
    """Return how the last phase ended, and what its calls used, as the table says it."""
    events = [recorded.event for recorded in log.read_all()]
    ended = [e for e in events if isinstance(e, PhaseCompleted | PhaseFailed)][-1]
    calls = [e for e in events
             if isinstance(e, LlmUsageRecorded) and e.lease_token == ended.lease_token]  # fmt: skip
    failed = ended if isinstance(ended, PhaseFailed) else None
    return {
        "state": "completed" if failed is None else "failed",
        "code": None if failed is None else failed.code,
        "class": None if failed is None else failed.failure_class,
        "stop_reason": calls[-1].stop_reason if calls else None,
        "input_tokens": sum(call.input_tokens or 0 for call in calls),
        "output_tokens": sum(call.output_tokens or 0 for call in calls),
        "is_least": USAGE_PROBLEMS in ended.artifacts,
        "facts": dict(failed.source_fields) if failed is not None else {},
    }
