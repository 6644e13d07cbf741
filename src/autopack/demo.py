"""The demo: the whole job on made-up answers, written as a user of the library would write it."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import autopack
from autopack import Drain, Log, PhaseSpec
from autopack.draining.executors.recorded import RecordedExecutor
from autopack.report.drain import drain_text
from autopack.report.status import status_text
from autopack.reportfiles import write_calibration
from autopack.runfiles import read_run_file

_EARLIER: Final = (
    ("implementation", "low", 8),
    ("implementation", "medium", 7),
    ("tests", "low", 4),
    ("tests", "medium", 3),
    ("docs", "low", 3),
)
_TOKENS: Final = {
    "implementation/low": 1300,
    "implementation/medium": 2100,
    "tests/low": 900,
    "tests/medium": 1500,
    "docs/low": 800,
}
_ENDINGS: Final = {"implementation": "src/m{}.py", "tests": "tests/test_m{}.py", "docs": "d{}.md"}
_SEED: Final = 11


def run_demo(directory: Path | None = None) -> Path:
    """
    Drain, replay and calibrate in a fresh folder, and say on stdout what happens.

    Args:
        directory: A folder that does not exist yet; ``autopack-demo`` here, or the next free
            ``autopack-demo-N``, if not given.

    Returns:
        The folder, with the log and the report files.

    Raises:
        LogExistsError: The folder holds a demo already; it is left as it is.
    """
    folder = directory if directory is not None else _free_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with autopack.create_log(folder / "autopack.db") as log:
        _title("1. A log, and an earlier run of 25 phases in it")
        _bring_in_earlier_run(log)
        _show_identity(log)
        middle = _drain_telemetry_run(log)
        _look_back(log, middle)
        _calibrate(log, folder)
        _title("6. Where things stand")
        log.refresh_views()
        _say(status_text(autopack.status(log)))
    _next_steps(folder)
    return folder


def _bring_in_earlier_run(log: Log) -> None:
    phases = [
        PhaseSpec(
            f"{category}-{complexity}-{n}",
            category=category,
            complexity=complexity,
            deliverables=_ENDINGS[category].format(n),
        )
        for category, complexity, count in _EARLIER
        for n in range(1, count + 1)
    ]
    autopack.create_run(log, "earlier", phases, goal="An earlier run, for its samples")
    report = autopack.drain(log, executor=_executor(silent=0.0, scale=0.0), workers=4)
    _say(f"{report.completed} of 25 phases are complete; {report.samples_won} samples were won.")
    _say("Every answer is made up by the executor `recorded`, and the log says so.")


def _show_identity(log: Log) -> None:
    info = log.info()
    _title("2. Which log this is")
    for name in ("target", "log_id", "events", "head_hash", "runs", "phases", "samples"):
        _say(f"  {name:10} {info[name]}")


def _drain_telemetry_run(log: Log) -> int:
    _title("3. Ten phases from telemetry_run.toml, drained by two workers")
    with as_file(files("autopack") / "telemetry_run.toml") as path:
        described = read_run_file(path)
    autopack.create_run(
        log, "telemetry", described.phases, goal=described.goal, caps=described.caps
    )
    began = log.head().position
    drain = Drain(log, executor=_executor(silent=0.1, scale=0.02), workers=2, on_event=_narrate)
    report = drain.run()
    _say("")
    _say(drain_text(report))
    return began + (log.head().position - began) // 2


def _look_back(log: Log, middle: int) -> None:
    _title("4. The same log at two moments")
    for name, until in (("in the middle", middle), ("at the end", None)):
        board = autopack.replay(log, "phases", until=until)
        counts = board.total.by_run.get("telemetry", {})
        told = ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
        _say(f"  {name:14} (position {board.position}): {told}")


def _calibrate(log: Log, folder: Path) -> None:
    _title("5. What the measurements say of the estimates")
    proposal = autopack.calibrate(log)
    for group in proposal.groups:
        gate = "passes both gates" if group.is_high_confidence else "under a gate"
        _say(
            f"  {group.category + '/' + group.complexity:24} n={group.n:<3}"
            f" actual/estimated {group.median_ratio:.2f}"
            f"  confidence {group.confidence:.2f}  {gate}"
        )
    aside = ", ".join(f"{n} {reason}" for reason, n in proposal.samples_set_aside.items())
    _say(f"  used {proposal.samples_used} samples; set aside: {aside or 'none'}")
    for path in write_calibration(proposal, folder, at=datetime.fromtimestamp(log.clock(), UTC)):
        _say(f"  wrote {path}")


def _next_steps(folder: Path) -> None:
    log = folder / "autopack.db"
    (report,) = sorted(folder.glob("token_estimator_calibration_*.json"))[-1:]
    _title("What to type next")
    for line in (
        f"autopack --log {log} history telemetry",
        f"autopack --log {log} replay --projection phases --until 100",
        f"autopack --log {log} calibrate apply {report}",
        f"autopack --log {log} drain --executor recorded --dry-run",
        f"autopack --log {log} log verify",
    ):
        _say(f"  {line}")


def _executor(*, silent: float, scale: float) -> RecordedExecutor:
    return RecordedExecutor(
        seed=_SEED,
        failure_share=0.05,
        truncated_share=0.0,
        zero_usage_share=silent,
        latency_scale=scale,
        tokens=_TOKENS,
    )


def _narrate(recorded: Any) -> None:
    event = recorded.event
    name = getattr(event, "phase_id", "")
    match recorded.type:
        case "phase.started":
            _say(f"  > {name}")
        case "phase.completed" if event.zero_yield_reason:
            _say(f"  ! {name} completed without any call: {event.zero_yield_reason}")
        case "phase.completed":
            _say(f"  + {name} completed in {event.duration_s:.1f} s")
        case "phase.failed":
            _say(f"  x {name} failed: {event.code}: {event.message}")


def _free_folder() -> Path:
    here = Path.cwd()
    names: Iterable[str] = ("autopack-demo", *(f"autopack-demo-{n}" for n in range(2, 10_000)))
    return next(here / name for name in names if not (here / name).exists())


def _title(text: str) -> None:
    _say(f"\n{text}\n{'-' * len(text)}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
