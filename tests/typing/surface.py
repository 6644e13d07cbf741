"""The public surface as a typed program uses it; checked by mypy, never run."""

from collections.abc import Awaitable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

import attrs

import autopack
from autopack import (
    ANY,
    Attempt,
    Choose,
    Completed,
    Cursor,
    Drain,
    DrainReport,
    DrainView,
    Failed,
    Log,
    NeedsPerson,
    NewEvent,
    PhaseRef,
    PhaseSpec,
    PhaseView,
    Prediction,
    Proposal,
    Recorded,
    Sample,
    Stop,
    Wait,
)
from autopack.events import LlmUsageRecorded, RunCreated, RunPaused
from autopack.types import (
    Backtest,
    Calibrator,
    Choice,
    Diagnosis,
    DrainSettings,
    Estimate,
    Executor,
    Features,
    FunctionProjection,
    Outcome,
    OwnAttempt,
    Plan,
    Projection,
    Simulated,
    Status,
    Strategy,
    UsageFigures,
    ViewAt,
)


def named(recorded: Recorded[RunCreated]) -> None:
    """Handle one kind of event."""
    print(recorded.event.run_id)


async def followed(log: Log) -> None:
    """Follow and subscribe from a coroutine."""
    async for recorded in log.afollow(types=[RunCreated]):
        assert_type(recorded, Recorded[RunCreated])


def logs(path: Path) -> None:
    """Make, open, append, read."""
    with autopack.create_log(path) as log:
        assert_type(log, Log)
    assert_type(autopack.diagnose(path, full=True), Diagnosis)
    with autopack.open_log("log.db", durability="relaxed") as log:
        event = RunCreated(run_id="r1", goal="tidy")
        assert_type(log.append("run-r1", [event], expected_version=0), list[Recorded[Any]])
        log.append("run-r1", [NewEvent(event=event, meta={"actor": "ann"})], expected_version=ANY)
        log.append_batch([("run-r1", [event], 0), ("run-r2", [], 3)])
        for recorded in log.read_all(after=log.head(), types=[RunCreated], limit=5):
            assert_type(recorded, Recorded[RunCreated])
            assert_type(recorded.position, int)
        for either in log.read_all(types=[RunCreated, RunPaused]):
            if isinstance(either.event, RunPaused):
                assert_type(either.event.why, str)
        assert_type(next(log.read_all()), Recorded[Any])
        assert_type(next(log.read("run-r1", types=[RunPaused])), Recorded[RunPaused])
        assert_type(next(log.follow(types=(RunPaused,))), Recorded[RunPaused])
        log.subscribe("names", named, types=[RunCreated])
        log.subscribe("all", print)
        assert_type(log.head(), Cursor)
        assert_type(log.artifacts.put("text"), str)
        assert_type(log.info(), dict[str, Any])


def runs(log: Log) -> None:
    """Create, queue, decide."""
    ref = PhaseRef.parse("r1/a")
    spec = PhaseSpec("a", category="tests", complexity="low", deliverables=("x.py",))
    autopack.create_run(log, "r1", [spec], caps={"tokens": 5000}, labels={"team": "x"})
    autopack.queue_phases(log, "r1", (spec,))
    autopack.requeue(log, ref, why="fixed")
    autopack.cancel(log, ref, why="no need", actor="ann")
    autopack.skip(log, ("r1", "a"), why="done")
    autopack.decide_gate(log, "r1/a", decision="approve", why="seen")
    autopack.pause_run(log, "r1", why="lunch")
    assert_type(autopack.resume_run(log, "r1", why="back"), list[Recorded[Any]])


def last(view: DrainView) -> Choice:
    """Choose the newest phase: a strategy is a function of the view."""
    if not view.ready:
        return Wait("nothing is ready", until=view.next_ready_at)
    if view.spent_tokens > 1000:
        return Stop("enough")
    if view.now.hour > 20:
        return Choose("r1/a", "it is late") if view.samples else Choose(("r1", "b"), "a sample")
    return Choose(view.ready[-1].ref, "it is the newest")


class Last:
    """A strategy as a class."""

    def __call__(self, view: DrainView) -> Choice:
        """Choose as the function does."""
        return last(view)


async def later(phase: PhaseView, attempt: Attempt) -> Outcome:
    """Do a phase in a coroutine."""
    attempt.progress("thinking")
    figures: UsageFigures = {"input_tokens": 10, "output_tokens": 5, "split": "inferred"}
    attempt.record_usage(call_id="c1", model="m", cost_usd=0.25, cost_source="reported")
    recorded = attempt.record_usage(model="m", call_id="c2", **figures)
    assert_type(recorded.event.output_tokens, int | None)
    return Completed({"answer": attempt.attach("answer", phase.goal or "")}, summary="done")


def at_once(phase: PhaseView, attempt: Attempt) -> Outcome:
    """Do a phase in a thread."""
    if attempt.cancelled or attempt.budget_tokens < 10:
        return Failed("too_small", "the budget is too small", retry_after_s=3.0)
    return NeedsPerson(f"is {phase.key} fine?")


class Worker:
    """An executor as a class."""

    def execute(self, phase: PhaseView, attempt: Attempt) -> Outcome | Awaitable[Outcome]:
        """Do a phase either way."""
        return later(phase, attempt) if phase.priority else at_once(phase, attempt)


def drains(log: Log) -> None:
    """Drain by name, function and object."""
    strategy: Strategy = last
    executor: Executor = Worker()
    assert_type(autopack.drain(log, executor=executor, strategy=strategy), DrainReport)
    assert_type(autopack.drain(log, executor=later, strategy="fifo", workers=2), DrainReport)
    assert_type(Drain(log, executor=at_once).run(), DrainReport)
    settings: DrainSettings = {"workers": 4, "when_empty": "wait", "max_usd": 2.5}
    assert_type(Drain(log, executor=Worker, strategy=Last, **settings).plan(), Plan)
    autopack.drain(log, resumes="last", escalation=None, requests_per_minute={"m": 5})
    autopack.drain(log, executor="claude", calibrator=Mean(), tau=0.8, workspace=Path())
    autopack.drain(log, executor=lambda phase, attempt: None, strategy=lambda view: Stop("no"))
    assert_type(autopack.probe(log, executor="recorded", run_id="r1").is_go, bool)
    assert_type(autopack.simulate(log, last, max_phases=5, max_tokens=None), list[Simulated])
    autopack.simulate(log, ["fifo", last, Last])
    autopack.amend_usage(log, call_id="c1", why="the bill", cost_usd=0.5, split="measured")


async def awaited(log: Log, phase: PhaseView, attempt: Attempt) -> Outcome:
    """Wait for the log in a coroutine."""
    async with autopack.attempt(log, "r1/a") as live:
        assert_type(live, OwnAttempt)
        recorded = await live.arecord_usage(call_id="c", model="m", output_tokens=5)
        assert_type(recorded, Recorded[LlmUsageRecorded])
    assert_type(await attempt.aattach("a", "b"), str)
    await attempt.aprogress("thinking")
    assert_type(await log.aappend("run-r1", [], expected_version=0), list[Recorded[Any]])
    assert_type(await autopack.areplay(log, "phases", until=5), ViewAt)
    assert_type(await log.acall(autopack.status), Status)
    assert_type(await log.acall(Drain, executor=later, workers=2), Drain)
    assert_type(await log.acall(autopack.get_phase, phase.ref), PhaseView)
    await log.acall(autopack.create_run, "r2", [PhaseSpec("a", category="x", complexity="low")])
    return Completed()


def attempts(log: Log) -> None:
    """Do phases in a loop of one's own."""
    with autopack.attempt(log, "r1/a", calibrator="mixture", escalation="none") as live:
        assert_type(live, OwnAttempt)
        live.record_usage(call_id="c1", model=None, output_tokens=5)
        live.complete({"a.md": "text"}, "done")
        live.fail("odd", "it failed", retryable=False)
        live.needs_person("is it?")
    assert_type(autopack.status(log), Status)


@autopack.projection(initial=0, types=(RunCreated,))
def count(total: int, recorded: Recorded[RunCreated]) -> int:
    """Count runs."""
    return total + len(recorded.event.run_id[:1])


def reading(log: Log, moment: datetime) -> None:
    """Replay, compare, tell."""
    assert_type(count, FunctionProjection)
    projection: Projection = count
    assert_type(autopack.replay(log, projection, until=moment, clock="occurred"), ViewAt)
    for change in autopack.diff(log, "phases", at=1, to=moment):
        assert_type(change.key, str)
    assert_type(autopack.history(log, "r1", "a"), list[Recorded[Any]])
    assert_type(autopack.history(log, PhaseRef("r1", "a")), list[Recorded[Any]])


class Mean:
    """A calibrator as a class; its state is a pair."""

    name = "mean"

    def initial(self) -> tuple[int, int]:
        """Return the state before any sample."""
        return (0, 0)

    def set_aside(self, state: tuple[int, int], sample: Sample) -> str | None:
        """Say why a sample is not used."""
        return "unmeasured_split" if sample.actual_output_tokens is None else None

    def update(self, state: tuple[int, int], sample: Sample) -> tuple[int, int]:
        """Return the state after a sample."""
        return (state[0] + 1, state[1] + (sample.actual_output_tokens or 0))

    def predict(self, state: tuple[int, int], features: Features, tau: float) -> Prediction:
        """Return the mean."""
        return Prediction(tokens=state[1] / max(1, state[0]), tau=tau, basis=features.category)

    def propose(self, state: tuple[int, int]) -> Proposal:
        """Return what the mean speaks for."""
        return Proposal(
            calibrator="mean", estimator="e", base_version="1", new_version="1",
            samples_used=state[0],
        )  # fmt: skip


def calibration(log: Log) -> None:
    """Estimate, calibrate, apply."""
    calibrator: Calibrator[tuple[int, int]] = Mean()
    spec = PhaseSpec("a", category="tests", complexity="low")
    assert_type(autopack.estimate(spec, log=log), Estimate)
    proposal = autopack.calibrate([log], calibrator=calibrator, run_ids=["r1"])
    autopack.calibrate(log, min_samples=3, confidence_threshold=0.5, damping=0.5, max_change=None)
    autopack.calibrate(log, calibrator="split-conformal", tau=0.95, cap_tokens=9000)
    autopack.evaluate(log, calibrators=["mixture", Mean], tau=0.8, include_imported=True)
    autopack.write_report(log, "r.html", replace=True, tau=0.8, shrinkage=5.0)
    assert_type(autopack.backtest(log, calibrators=["x", Mean()], without=["model"]), Backtest)
    assert_type(proposal, Proposal)
    assert_type(autopack.propose(log, proposal), str)
    multipliers: Mapping[str, float] = autopack.apply(log, proposal, force_why="x").multipliers
    autopack.reject(log, "report.json", why=f"{len(multipliers)} are too many")


@autopack.event("weather.changed", schema=2)
class WeatherChanged:
    """A plugin's event."""

    sky: str
    wind_kmh: float | None = None


@autopack.event("tide.turned")
@attrs.frozen
class TideTurned:
    """A plugin's event that attrs has made."""

    height_m: float = attrs.field(validator=attrs.validators.gt(0))

    def in_feet(self) -> float:
        """Return the height in feet."""
        return self.height_m / 0.3048


def events() -> None:
    """Events are made by keyword."""
    assert_type(WeatherChanged(sky="grey").sky, str)
    assert_type(TideTurned(height_m=3.5).in_feet(), float)
