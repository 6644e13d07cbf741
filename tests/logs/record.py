"""
``python -m tests.logs.record NAME``: record this release's log, once, before it is released.

A drained run with failures, retries, a gate, a cut text and artifacts, a calibration, and what
people do by hand; it needs no model. It is kept as an export, so that a reader can read it, with
the answers of that day beside it.
"""

import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import autopack as api
from autopack.draining.executors.recorded import RecordedExecutor
from autopack.format.codec import plain
from autopack.log.log import Log, journal_of
from autopack.ports.log import ANY, NewEvent, UnrecognisedEvent
from autopack.ports.prediction import PhaseSpec
from autopack.ports.work import NeedsPerson
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS
from autopack.values.ids import PhaseId, PhaseRef, RunId
from autopack.values.json_text import json_text

FOLDER = Path(__file__).parent


def record(path: Path) -> None:
    """Do a day's work in a new log at *path*."""
    with api.create_log(path) as log:
        specs = [
            PhaseSpec(
                f"p{n:02}",
                category=("docs", "tests", "implementation")[n % 3],
                complexity=("low", "high")[n % 2],
                deliverables=(f"src/m{n}.py", f"docs/m{n}.md")[: 1 + n % 2],
                goal="write it — 書く",
            )
            for n in range(24)
        ]
        api.create_run(log, "nightly", specs, goal="a recorded log", labels={"kind": "release"})
        api.drain(log, executor=RecordedExecutor(seed=7, latency_scale=0, failure_share=0.2))
        api.create_run(log, "by-hand", [_spec(name) for name in "abcd"], caps={"usd": 2.5})
        api.pause_run(log, "by-hand", why="lunch")
        api.resume_run(log, "by-hand", why="back")
        api.skip(log, _ref("a"), why="x" * 900)
        api.cancel(log, _ref("b"), why="not needed")
        api.drain(log, executor=lambda _phase, _attempt: NeedsPerson("ship it?"), phase_id="c",
                  run_id="by-hand", allow_unknown_price=True)  # fmt: skip
        api.decide_gate(log, _ref("c"), decision="approve", why="looks right")
        with api.attempt(log, "by-hand/d") as attempt:
            attempt.attach("notes", "a text beside the log")
            attempt.record_usage(
                call_id="d-1", model="m", input_tokens=10, output_tokens=20, cost_usd="0.0000012"
            )
        strange = UnrecognisedEvent("plugin.thing_happened", 2, '{"n": 1}')
        log.append("plugin-x", [NewEvent(event=strange, meta={"actor": "x"})], expected_version=ANY)
        log.subscribe("mail", lambda _recorded: None)
        log.skip_event("mail", 1, why="seen by hand")
        api.propose(log, api.calibrate(log))


def answers(log: Log) -> dict[str, Any]:
    """Return what the log says of its runs, phases, calls and samples, as JSON can hold it."""
    phases, runs, attempts = (api.replay(log, view) for view in (PHASES, RUNS, ATTEMPTS))
    calls = {key: call for row in attempts.rows.values() for key, call in row.calls.items()}
    told = {
        "head": [log.head().position, journal_of(log).backend.head().hash.hex()],
        "runs": {key: [row.status, row.outcome] for key, row in runs.rows.items()},
        "phases": {
            key: [row.status, row.attempts, row.calls, row.predicted_output_tokens]
            for key, row in phases.rows.items()
        },
        "calls": {
            key: [row.model, row.split, row.input_tokens, row.output_tokens, row.truncated]
            for key, row in calls.items()
        },
        "samples": {
            key: [row.predicted_output_tokens, row.actual_output_tokens, row.success]
            for key, row in attempts.rows.items()
            if row.predicted_output_tokens is not None
        },
        "totals": plain([runs.total, phases.total.by_state(), attempts.total.all]),
    }
    found: dict[str, Any] = json.loads(json_text(told))
    return found


def _spec(name: str) -> PhaseSpec:
    return PhaseSpec(name, category="docs", complexity="low", deliverables=(f"{name}.md",))


def _ref(phase: str) -> PhaseRef:
    return PhaseRef(RunId("by-hand"), PhaseId(phase))


def main(name: str) -> None:
    """Record and keep; a name that is taken is left as it is."""
    export, said = FOLDER / f"{name}.ndjson.gz", FOLDER / f"{name}.json"
    scratch = FOLDER / f".{name}.db"
    try:
        with mock.patch("platform.node", return_value="host"):  # the log is for everyone
            record(scratch)
        with api.open_log(scratch) as log:
            api.export_history(log, "ndjson", export)
            with said.open("x", encoding="utf-8", newline="\n") as stream:
                json.dump(answers(log), stream, ensure_ascii=False, indent=1)
                stream.write("\n")
    finally:
        scratch.unlink(missing_ok=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
