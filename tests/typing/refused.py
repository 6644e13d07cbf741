"""What a type checker refuses: each line is wrong, and mypy fails where one is not found to be."""

from datetime import datetime

import attrs

import autopack
from autopack import (
    Attempt,
    Choose,
    Drain,
    Failed,
    Log,
    PhaseRef,
    PhaseSpec,
    PhaseView,
    Recorded,
    types,
)
from autopack.events import RunCreated, RunPaused


@autopack.event("door.knocked")
@attrs.frozen(kw_only=True)
class Knocked:
    """A plugin's event that attrs has made."""

    door: str


def paused(recorded: Recorded[RunPaused]) -> None:
    """Handle one kind of event."""
    print(recorded.event.why)


def wrong(log: Log, ref: PhaseRef, recorded: Recorded[RunCreated]) -> None:
    """Use the surface in ways that its types exclude."""
    autopack.cancel(log, ref)  # type: ignore[call-arg]
    autopack.cancel(log, 5, why="x")  # type: ignore[arg-type]
    autopack.skip(log, ("r1", "a", "b"), why="x")  # type: ignore[arg-type]
    Choose(("r1", "a", "b"), "x")  # type: ignore[arg-type]
    autopack.history(log, "r1", ("r1", "a"))  # type: ignore[arg-type]
    autopack.attempt(log, "r1", "a")  # type: ignore[call-arg]
    autopack.create_run(log, 5)  # type: ignore[arg-type]
    autopack.replay(log, "phases", until="noon")  # type: ignore[arg-type]
    autopack.open_log("log.db", durability="most")  # type: ignore[arg-type]
    autopack.decide_gate(log, ref, decision="perhaps", why="x")  # type: ignore[arg-type]
    autopack.replay(log, "phases", clock="mine")  # type: ignore[arg-type]
    autopack.replay(log, 5)  # type: ignore[arg-type]
    autopack.import_history(log, recorded, "x.db")  # type: ignore[arg-type]
    autopack.export_history(log, 5, "x.jsonl")  # type: ignore[arg-type]
    log.append("run-r1", [])  # type: ignore[call-arg]
    log.append("run-r1", [], expected_version="0")  # type: ignore[arg-type]
    log.subscribe("x", paused, types=[RunCreated])  # type: ignore[misc]
    for read in log.read_all(types=[RunCreated]):
        print(read.event.why)  # type: ignore[attr-defined]
    for followed in log.follow(types=[RunCreated]):
        print(followed.event.why)  # type: ignore[attr-defined]
    for of_stream in log.read("run-r1", types=[RunCreated]):
        print(of_stream.event.why)  # type: ignore[attr-defined]
    log.read_all(types=RunCreated)  # type: ignore[arg-type]
    autopack.nothing()  # type: ignore[attr-defined]
    types.Nothing()  # type: ignore[attr-defined]
    PhaseSpec(category="tests")  # type: ignore[call-arg]
    Failed("code")  # type: ignore[call-arg]
    RunCreated("r1")  # type: ignore[call-arg]
    RunCreated(run_id="r1", goal=5)  # type: ignore[arg-type]
    Knocked(door=5)  # type: ignore[arg-type]
    Knocked(window="left")  # type: ignore[call-arg]
    recorded.event.run_id = "r2"  # type: ignore[misc]
    recorded.position = 5  # type: ignore[misc]
    moment: datetime = recorded.position  # type: ignore[assignment]
    print(recorded.event.nothing, moment)  # type: ignore[attr-defined]


def wrong_drains(log: Log, attempt: Attempt, phase: PhaseView) -> None:
    """Drain with settings, executors and strategies that are none."""
    autopack.drain("work.db", executor="recorded")  # type: ignore[arg-type]
    autopack.drain(log, executor="recorded", worker=2)  # type: ignore[call-arg]
    autopack.drain(log, executor="recorded", workers="2")  # type: ignore[arg-type]
    autopack.drain(log, executor="recorded", max_usd=b"2")  # type: ignore[arg-type]
    autopack.drain(log, executor="recorded", when_empty="watch")  # type: ignore[arg-type]
    autopack.drain(log, executor=lambda phase: None)  # type: ignore[arg-type]
    autopack.drain(log, executor=5)  # type: ignore[arg-type]
    autopack.drain(log, executor="recorded", strategy=5)  # type: ignore[arg-type]
    autopack.drain(log, executor="recorded", escalation="twice")  # type: ignore[arg-type]
    autopack.drain(log, executor="recorded", estimator=5)  # type: ignore[arg-type]
    Drain(log, executor="recorded", max_phase=2)  # type: ignore[call-arg]
    Drain(log, executor="recorded", lease_s=None)  # type: ignore[arg-type]
    autopack.probe(log, executor="recorded", run="r1")  # type: ignore[call-arg]
    autopack.simulate(log, max_phases="5")  # type: ignore[arg-type]
    autopack.simulate(log, workers=5)  # type: ignore[call-arg]
    attempt.record_usage(model="m", completion_tokens=5)  # type: ignore[call-arg]
    attempt.record_usage(model="m", output_tokens="5")  # type: ignore[arg-type]
    attempt.record_usage(model="m", split="guessed")  # type: ignore[arg-type]
    attempt.record_usage(output_tokens=5)  # type: ignore[call-arg]
    attempt.complete()  # type: ignore[attr-defined]
    autopack.amend_usage(log, call_id="c", why="x", stop_reason="x")  # type: ignore[call-arg]
    autopack.calibrate(log, min_sample=5)  # type: ignore[call-arg]
    autopack.calibrate(log, min_samples="5")  # type: ignore[arg-type]
    autopack.calibrate(log, calibrator=phase)  # type: ignore[arg-type]
    autopack.write_report(log, "r.html", pictured=True)  # type: ignore[call-arg]
    autopack.backtest(log, without=["category"])  # type: ignore[list-item]
    with autopack.attempt(log, phase.ref) as live:
        live.fail("odd")  # type: ignore[call-arg]
        live.record_usage(model="m", tokens=5)  # type: ignore[call-arg]


async def wrong_waits(log: Log, attempt: Attempt) -> None:
    """Wait in ways that are none."""
    await attempt.arecord_usage(model="m", tokens=5)  # type: ignore[call-arg]
    await attempt.arecord_usage(output_tokens=5)  # type: ignore[call-arg]
    await log.acall(autopack.cancel, "r1/a")  # type: ignore[call-arg]
    await log.acall(Drain, executor="recorded", worker=2)  # type: ignore[call-arg]
    await log.acall(autopack.get_phase, 5)  # type: ignore[arg-type]
    await log.acall(autopack.read_run_file, "x.toml")  # type: ignore[arg-type, call-arg]
    print(autopack.areplay(log, "phases").rows)  # type: ignore[attr-defined]
