"""The demo: the whole job on made-up answers, written as a user of the library would write it."""

import os
import shlex
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import autopack
from autopack import Drain, Log, PhaseSpec, RecordedExecutor
from autopack.exchange.report_files import write_calibration
from autopack.exchange.run_files import read_run_file
from autopack.log.log import journal_of

_EARLIER: Final = (
    ("implementation", "low", 8),
    ("implementation", "medium", 7),
    ("tests", "low", 4),
    ("tests", "medium", 3),
    ("docs", "low", 3),
)
_NEXT: Final = (("implementation", "low", 1), ("implementation", "medium", 1), ("docs", "low", 1))
_TOKENS: Final = {
    "implementation/low": 1300,
    "implementation/medium": 2100,
    "tests/low": 900,
    "tests/medium": 1500,
    "docs/low": 800,
}
_ENDINGS: Final = {"implementation": "src/m{}.py", "tests": "tests/test_m{}.py", "docs": "d{}.md"}
_SEED: Final = 45


def run_demo(directory: Path | str | None = None, *, program: str = "autopack") -> Path:
    """
    Drain, replay and calibrate in a fresh folder, and say on stdout what happens.

    Args:
        directory: A folder that does not exist yet; ``autopack-demo`` here, or the next free
            ``autopack-demo-N``, if not given.
        program: What a reader types to call the command line.

    Returns:
        The folder, with the log and the report files.

    Raises:
        LogExistsError: The folder holds a demo already; it is left as it is.
    """
    folder = Path(directory) if directory is not None else _free_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "autopack.db"
    with autopack.create_log(path) as log:
        _say("The demo of Autopack. Its answers are made up: no model, no key, no network.")
        _begin(log, path)
        middle = _drain(log)
        _look_back(log, middle)
        report = _calibrate(log, folder)
        autopack.create_run(log, "next", _phases(_NEXT), goal="For you to drain")
        log.refresh_views()
    _next_steps(f"{program} --log {shlex.quote(_near(path))}", shlex.quote(_near(report)))
    return folder


def _begin(log: Log, path: Path) -> None:
    autopack.create_run(log, "earlier", _phases(_EARLIER), goal="An earlier run, for its samples")
    autopack.drain(log, executor=_executor(), workers=4)
    _title(f"1. A log: {_near(path)}")
    _say("A log is one file to which events are added, and nothing is ever changed in it.")
    _say(
        f"It holds {log.head().position} events of an earlier run, a list of 25 phases. A phase is"
    )
    _say("one piece of work for an LLM.")


def _drain(log: Log) -> int:
    _title("2. Drain a second run: ten phases, two workers")
    with as_file(files("autopack.cli") / "telemetry_run.toml") as path:
        described = read_run_file(path)
    autopack.create_run(
        log, "telemetry", described.phases, goal=described.goal, caps=described.caps
    )
    began = log.head().position
    executor = _executor(failing=0.08, silent=0.1, scale=0.02)
    report = Drain(log, executor=executor, workers=2, on_event=_Narrator()).run()
    _say(
        f"{report.completed} completed and {report.failed} failed. The log has {report.calls} "
        f"calls with {report.total_tokens:,} tokens, each\nwritten down before the worker went on."
    )
    return began + (log.head().position - began) // 2


def _look_back(log: Log, middle: int) -> None:
    _title("3. Ask the log about any moment")
    _say("Every event has a position: 1, 2, 3, ... The ten phases stood like this:")
    for until in (middle, None):
        board = autopack.replay(log, "phases", until=until)
        counts = board.total.by_run.get("telemetry", {})
        told = ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
        _say(f"  at position {board.position}: {told}")


def _calibrate(log: Log, folder: Path) -> Path:
    proposal = autopack.calibrate(log)
    _title("4. Learn how large outputs are")
    _say("Before each phase its output was predicted, to give it a budget. A sample is a")
    _say(f"prediction with what was then measured. There are {proposal.samples_used} of them:")
    for group in proposal.groups:
        name = f"{group.category}/{group.complexity}"
        advice = "correct it" if group.is_high_confidence else "too little evidence"
        _say(f"  {name:22} {group.n:2}  {group.median_ratio:.2f} of what was predicted; {advice}")
    at = datetime.fromtimestamp(journal_of(log).clock(), UTC)
    written = write_calibration(proposal, folder, at=at)
    _say("The correction is proposed, not applied. The proposal is in")
    _say(f"  {_near(written[-1])}")
    return written[-1]


def _next_steps(command: str, report: str) -> None:
    _title("What to type next")
    for line, what in (
        ("status", "how the log stands, what failed, and what to do"),
        ("history telemetry retry-policy", "why that phase failed, event by event"),
        ("drain --executor recorded --dry-run", "what draining a third run, `next`, would take"),
        (f"calibrate apply {report}", "let the correction be used, then try the dry run again"),
        ("log verify", "that nobody changed an event"),
    ):
        _say(f"# {what}\n{command} {line}")


def _phases(groups: Iterable[tuple[str, str, int]]) -> list[PhaseSpec]:
    return [
        PhaseSpec(
            f"{category}-{complexity}-{n}",
            category=category,
            complexity=complexity,
            deliverables=_ENDINGS[category].format(n),
        )
        for category, complexity, count in groups
        for n in range(1, count + 1)
    ]


def _executor(*, failing: float = 0.0, silent: float = 0.0, scale: float = 0.0) -> RecordedExecutor:
    return RecordedExecutor(
        seed=_SEED,
        failure_share=failing,
        truncated_share=0.0,
        zero_usage_share=silent,
        latency_scale=scale,
        tokens=_TOKENS,
    )


class _Narrator:
    """Says how each phase ended, with what its calls used."""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}

    def __call__(self, recorded: Any) -> None:
        """Note a call, or say a phase's end."""
        event = recorded.event
        name = getattr(event, "phase_id", "")
        match recorded.type:
            case "llm.usage_recorded":
                self.used[name] = event.total_tokens
            case "phase.completed" if event.zero_yield_reason:
                _say(f"  ! {name:20} completed without any call, so nothing was measured")
            case "phase.completed":
                _say(f"  + {name:20} completed, {self.used[name]:6,} tokens")
            case "phase.failed":
                _say(f"  x {name:20} failed,    {self.used[name]:6,} tokens: {event.message}")


def _near(path: Path) -> str:
    """Return a path as short as it can be typed from here."""
    here = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    return here.replace(os.sep, "/") if os.sep != "/" else here


def _free_folder() -> Path:
    here = Path.cwd()
    names: Iterable[str] = ("autopack-demo", *(f"autopack-demo-{n}" for n in range(2, 10_000)))
    return next(here / name for name in names if not (here / name).exists())


def _title(text: str) -> None:
    _say(f"\n{text}\n{'-' * len(text)}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
