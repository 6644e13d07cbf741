"""The functions that ``import autopack`` offers; the command line calls nothing else."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from autopack import views
from autopack.calibration.fold import run_calibrator
from autopack.commands import (
    CancelPhase,
    CreateRun,
    DecideGate,
    PauseRun,
    QueuePhases,
    RequeuePhase,
    ResumeRun,
    SkipPhase,
)
from autopack.errors import CodecError, InvalidInputError, NotALogError, RunMissingError
from autopack.estimating import coefficients, estimated
from autopack.events import (
    CalibrationApplied,
    CalibrationProposed,
    CalibrationRejected,
    PhaseFailed,
    PhaseGated,
    PhaseTimedOut,
    RunReopened,
)
from autopack.handler import handler_of
from autopack.ids import PhaseRef, estimator_stream, phase_stream, run_stream
from autopack.importers.running import run_import
from autopack.journal import END
from autopack.log import Log
from autopack.opening import create_backend, open_backend
from autopack.plugins import Registry, load_plugins
from autopack.ports.importing import ImportReport
from autopack.ports.log import (
    ANY,
    Entry,
    NewEvent,
    Recorded,
    Row,
    UnrecognisedEvent,
    from_us,
)
from autopack.ports.prediction import Coefficients, Estimate, PhaseSpec, Proposal, Sample
from autopack.ports.projection import Projection
from autopack.ports.work import PhaseView
from autopack.projections.phases import FAILED_STATES, PHASES
from autopack.projections.runs import RUNS
from autopack.projections.samples import SAMPLES, samples_of
from autopack.projections.usage import USAGE
from autopack.report.status import Halted, LiveWorker, Status
from autopack.runfiles import proposal_from_json
from autopack.states import PhaseStatus
from autopack.views import ViewAt

if TYPE_CHECKING:
    from autopack.draining.engine import DrainReport
    from autopack.draining.recording import LiveAttempt

DEFAULT_ESTIMATOR = "deliverables"
DEFAULT_CALIBRATOR = "median-ratio"
_LOOK_BACK = 20_000


def create_log(target: str | Path, *, plugins: Registry | None = None) -> Log:
    """
    Make a new log and open it.

    Args:
        target: A path, ``sqlite:///PATH``, ``memory:``, or a plugin's URL.

    Raises:
        LogExistsError: Something is there already; it is left as it is.
    """
    registry = plugins or load_plugins()
    return _log(create_backend(target, registry), registry)


def open_log(
    target: str | Path, *, durability: str = "full", plugins: Registry | None = None
) -> Log:
    """
    Open an existing log; nothing is ever created.

    Args:
        target: A path, ``sqlite:///PATH``, or a plugin's URL.
        durability: ``full``: what ``append`` returned survives power loss. ``relaxed``: it
            survives the process, but the last commits may be lost with the power.

    Raises:
        LogMissingError: Nothing is there; logs nearby are listed.
        NotALogError: Something else is there; what it is, and the importer for it if one knows.
        NewerLogError: A later version of the library wrote it.
    """
    registry = plugins or load_plugins()
    try:
        return _log(open_backend(target, registry, durability=durability), registry)
    except NotALogError as fault:
        for name, importer in registry.named["importer"].items():
            if importer.recognises(fault.target):
                hint = (
                    f"It looks like a source for the importer {name!r}. Make a log, then: "
                    f"autopack --log LOG import {name} {fault.target}"
                )
                raise NotALogError(fault.target, fault.found, hint=hint) from None
        raise


def create_run(
    log: Log,
    run_id: str,
    phases: Iterable[PhaseSpec] = (),
    *,
    goal: str | None = None,
    caps: Mapping[str, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
) -> list[Recorded[Any]]:
    """
    Create a run with its phases, all or nothing.

    Args:
        caps: Limits by unit: ``tokens``, ``usd``, ``phases``, ``minutes``.
        settings: What the phases have in common, for the executor to read; JSON.

    Raises:
        RunExistsError: The run exists; it is left as it is.
    """
    command = CreateRun(
        run_id=run_id,
        phases=_specs(phases),
        goal=goal,
        settings=settings or {},
        caps=caps or {},
        labels=labels or {},
    )
    return handler_of(log).handle(command)


def queue_phases(log: Log, run_id: str, phases: Iterable[PhaseSpec]) -> list[Recorded[Any]]:
    """Add phases to a run; one that exists refuses them all."""
    return handler_of(log).handle(QueuePhases(run_id=run_id, phases=_specs(phases)))


def pause_run(log: Log, run_id: str, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """Let no phase of the run be claimed; those in work go on."""
    return handler_of(log).handle(PauseRun(run_id=run_id, why=why, actor=actor))


def resume_run(log: Log, run_id: str, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """Let phases of a paused run be claimed again."""
    return handler_of(log).handle(ResumeRun(run_id=run_id, why=why, actor=actor))


def requeue(
    log: Log,
    ref: PhaseRef,
    *,
    why: str,
    actor: str = "user",
    not_before: datetime | None = None,
) -> list[Recorded[Any]]:
    """Put an ended phase back in the queue, with all its attempts; reopens its run."""
    command = RequeuePhase(ref=ref, by=actor, why=why, not_before=not_before)
    return handler_of(log).handle(command, also=_reopening(log, ref, why))


def cancel(log: Log, ref: PhaseRef, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """Call a phase off; a worker that holds it is told at its next step."""
    return handler_of(log).handle(CancelPhase(ref=ref, by=actor, why=why))


def skip(log: Log, ref: PhaseRef, *, why: str, actor: str = "user") -> list[Recorded[Any]]:
    """Leave a phase undone, on purpose."""
    return handler_of(log).handle(SkipPhase(ref=ref, by=actor, why=why))


def decide_gate(
    log: Log, ref: PhaseRef, *, decision: str, why: str, actor: str = "user"
) -> list[Recorded[Any]]:
    """Answer a phase's gate: ``approve``, ``reject`` or ``requeue``."""
    command = DecideGate(ref=ref, decision=decision, by=actor, why=why)
    also = _reopening(log, ref, why) if decision == "requeue" else []
    return handler_of(log).handle(command, also=also)


def run_board(log: Log) -> ViewAt:
    """Return all runs as they stand, by id."""
    return views.current(log, RUNS)


def phase_board(log: Log) -> ViewAt:
    """Return all phases as they stand, by ``RUN/PHASE``, with counts by run and state."""
    return views.current(log, PHASES)


def replay(
    log: Log,
    projection: Projection | str,
    *,
    until: int | datetime | None = None,
    clock: str = "recorded",
) -> ViewAt:
    """
    Fold a projection from the first event to any position or moment.

    Args:
        projection: An object, or a registered name (``phases``, ``runs``, ``usage``, ...).
        until: The last position, or an aware moment; None goes to the end.
        clock: ``recorded`` (what was known) or ``occurred`` (a reconstruction of what was true).
    """
    chosen = log.registry.resolve("projection", projection)
    return views.replay(log, chosen, until=until, clock=clock)


def phase_counts(log: Log) -> Mapping[str, Mapping[str, int]]:
    """Return how many phases of each run are in each state."""
    board: Mapping[str, Mapping[str, int]]
    board = views.current(log, PHASES, with_rows=False).total.by_run
    return board


def phases_of(log: Log, run_id: str) -> list[PhaseView]:
    """Return a run's phases as they stand, in their order; loads no other run's."""
    known = handler_of(log).run_state(run_id)
    if not known.exists and not known.phases:
        raise RunMissingError(run_id, known=views.current(log, RUNS).rows)
    keys = [f"{run_id}/{phase_id}" for phase_id in known.phases]
    rows = _phase_rows(log, keys).values()
    return sorted(rows, key=lambda row: (row.index, row.order))


def phase_of(log: Log, ref: PhaseRef) -> PhaseView:
    """Return one phase as it stands."""
    handler_of(log).queued(ref)
    return _phase_rows(log, [str(ref)])[str(ref)]


def status(log: Log) -> Status:
    """Return how the log stands, live workers and last failures included; loads few rows."""
    runs = views.current(log, RUNS, with_rows=False).total
    board = views.current(log, PHASES, with_rows=False).total
    usage = views.current(log, USAGE, with_rows=False).total
    pairs = views.current(log, SAMPLES, with_rows=False).total
    head, identity, now_us = log.backend.head(), log.backend.identity, log.now_us()
    return Status(
        target=log.target,
        log_id=identity.log_id,
        parent=identity.parent,
        at=from_us(now_us),
        events=head.position,
        last_event_at=from_us(head.recorded_at) if head.position else None,
        runs=runs.created,
        runs_implied=runs.implied,
        phases_by_state=board.by_state(),
        live=_live_workers(log, board.live, now_us),
        failures=_last_halted(log, (PhaseFailed, PhaseTimedOut), FAILED_STATES),
        gates=_last_halted(log, (PhaseGated,), (PhaseStatus.GATED,)),
        calls=usage.calls,
        late_calls=usage.late_calls,
        total_tokens=usage.total_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
        calls_without_cost=usage.unknown_cost,
        estimates=pairs.estimates,
        samples=pairs.samples,
    )


def tail(log: Log, *, after: int | None = None, limit: int = 20) -> list[Recorded[Any]]:
    """
    Return events as they are stored, the last *limit* of them if *after* is not given.

    What its type does not allow comes as ``UnrecognisedEvent``, so that damage can be looked at.
    """
    start = max(log.head().position - limit, 0) if after is None else after
    return [_readable(log, row) for row in log.backend.page(after=start, until=END, limit=limit)]


def calibration_history(log: Log, estimator: Any = DEFAULT_ESTIMATOR) -> list[Recorded[Any]]:
    """Return what was proposed, applied and rejected for an estimator, in order."""
    chosen = log.registry.resolve("estimator", estimator)
    return list(log.read(estimator_stream(chosen.name)))


def history(log: Log, run_id: str, phase_id: str | None = None) -> list[Recorded[Any]]:
    """Return a run's events in order with those of its phases, or those of one phase."""
    if run_id not in views.current(log, RUNS).rows:
        raise RunMissingError(run_id, known=views.current(log, RUNS).rows)
    if phase_id is not None:
        ref = PhaseRef(run_id, phase_id)
        queued = handler_of(log).queued(ref)
        own = list(log.read(phase_stream(run_id, phase_id)))
        whole = [r for r in log.read(run_stream(run_id)) if r.event == queued]
        return whole + own
    return [r for r in log.read_all() if getattr(r.event, "run_id", None) == run_id]


@attrs.frozen
class Change:
    """One row that differs between two positions; None stands for absent."""

    key: str
    before: Any
    after: Any


def diff(
    log: Log, projection: Projection | str, *, at: int | datetime, to: int | datetime | None = None
) -> list[Change]:
    """Return what changed in a projection between two positions or moments, by key."""
    before = replay(log, projection, until=at)
    after = replay(log, projection, until=to)
    old = dict(before.rows) or {"": before.value}
    new = dict(after.rows) or {"": after.value}
    keys = {**old, **new}
    return [Change(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


def estimate(
    spec: PhaseSpec | PhaseView,
    *,
    log: Log | None = None,
    estimator: Any = DEFAULT_ESTIMATOR,
    workspace: Path | None = None,
) -> Estimate:
    """Predict a phase's output in tokens, with the budget that follows and every addend."""
    registry = log.registry if log is not None else load_plugins()
    chosen = registry.resolve("estimator", estimator)
    return estimated(log, chosen, spec, workspace=workspace)


def samples(log: Log, *, run_ids: Sequence[str] | None = None) -> list[Sample]:
    """Return the log's samples in order: predictions met by measurements."""
    rows = views.current(log, SAMPLES).rows.values()
    found = samples_of(rows, log_id=log.log_id)
    return found if run_ids is None else [s for s in found if s.run_id in set(run_ids)]


def calibrate(
    log: Log | Sequence[Log],
    *,
    calibrator: Any = DEFAULT_CALIBRATOR,
    estimator: Any = DEFAULT_ESTIMATOR,
    run_ids: Sequence[str] | None = None,
    **options: Any,
) -> Proposal:
    """
    Fit an estimator to what the logs hold, and return a proposal; nothing is changed.

    Args:
        calibrator: A registered name, a class, or a calibrator.
        estimator: Whose coefficients are fitted; those in force in the first log are the base.
        run_ids: Use samples of these runs only.
        options: The calibrator's own, e.g. ``min_samples=5, confidence_threshold=0.7``.
    """
    logs = [log] if isinstance(log, Log) else list(log)
    registry = logs[0].registry
    target = registry.resolve("estimator", estimator)
    base = coefficients(logs[0], target)
    chosen = registry.resolve("calibrator", calibrator)
    if isinstance(chosen, type):
        chosen = _made(chosen, options, base)
    proposal = run_calibrator(
        chosen, [sample for one in logs for sample in samples(one, run_ids=run_ids)]
    )
    read = tuple({"log_id": one.log_id, "position": one.head().position} for one in logs)
    settings = {**proposal.settings, **({"run_ids": list(run_ids)} if run_ids else {})}
    return attrs.evolve(proposal, logs=read, settings=settings)


def propose(log: Log, proposal: Proposal) -> str:
    """Record a proposal on its estimator's stream and return its id; nothing is applied."""
    return _recorded_proposal(log, proposal)


def apply(
    log: Log,
    proposal: Proposal | str | Path,
    *,
    actor: str = "user",
    force_why: str | None = None,
) -> Coefficients:
    """
    Let the estimator use a proposal's coefficients in this log from here on.

    Args:
        proposal: A proposal, or the path of a report's JSON file.
        force_why: Apply although no group passed the gates; the reason is recorded.

    Raises:
        InvalidInputError: No group passed the gates and no reason was given.
    """
    if isinstance(proposal, str | Path):
        proposal = proposal_from_json(Path(proposal))
    changed = {key: v for key, v in proposal.new.items() if proposal.old.get(key, 1.0) != v}
    if (not proposal.high_confidence or not changed) and not force_why:
        raise InvalidInputError(
            "The proposal changes no group that passed both gates, so there is nothing to apply. "
            "Collect more samples, or insist with a reason (force_why, --force-why)."
        )
    chosen = log.registry.resolve("estimator", proposal.estimator)
    base = coefficients(log, chosen)
    if base.version != proposal.base_version:
        raise InvalidInputError(
            f"The proposal was made for version {proposal.base_version!r} of the estimator, this "
            f"log uses {base.version!r}: applying it would correct the same error twice. "
            "Calibrate again."
        )
    applied = CalibrationApplied(
        estimator=proposal.estimator,
        proposal_id=_recorded_proposal(log, proposal),
        estimator_version=proposal.new_version,
        old=dict(base.multipliers),
        new={**base.multipliers, **proposal.new},
        by=actor,
        forced_why=force_why,
    )
    log.append(estimator_stream(proposal.estimator), [applied], expected_version=ANY)
    return coefficients(log, chosen)


def reject(log: Log, proposal: Proposal | str | Path, *, why: str, actor: str = "user") -> None:
    """Record that a proposal was turned down, and why."""
    if isinstance(proposal, str | Path):
        proposal = proposal_from_json(Path(proposal))
    rejected = CalibrationRejected(
        estimator=proposal.estimator,
        proposal_id=_recorded_proposal(log, proposal),
        by=actor,
        why=why,
    )
    log.append(estimator_stream(proposal.estimator), [rejected], expected_version=ANY)


def import_history(log: Log, source: Any, path: str | Path) -> ImportReport:
    """
    Bring another history in; a second time adds nothing.

    Args:
        source: An importer's registered name, or an importer.
        path: The source; it is opened read-only.
    """
    importer = log.registry.resolve("importer", source)
    return run_import(log, importer, Path(path).absolute())


def export_history(log: Log, exporter: Any, path: str | Path) -> int:
    """Write the log in another form to a new file and return how many events it holds."""
    chosen = log.registry.resolve("exporter", exporter)
    dest, written = Path(path).absolute(), 0
    with dest.open("x", encoding="utf-8", newline="\n") as stream:
        for line in chosen.lines(log.read_all()):
            stream.write(line + "\n")
            written += 1
    return written


def drain(log: Log, *, executor: Any, strategy: Any = "fifo", **settings: Any) -> "DrainReport":
    """Work the queue off and return what happened; see :class:`autopack.Drain`."""
    from autopack.draining.engine import Drain

    return Drain(log, executor=executor, strategy=strategy, **settings).run()


def _phase_rows(log: Log, keys: Sequence[str]) -> dict[str, PhaseView]:
    with log.backend.snapshot() as reader:
        fold = views.load(log, PHASES, reader)
        views.fold_pages(log, fold, reader=reader, until=END, size=1000)
        rows = {key: fold.get(key) for key in keys}
    return {key: row for key, row in rows.items() if row is not None}


def _live_workers(log: Log, keys: Sequence[str], now_us: int) -> tuple[LiveWorker, ...]:
    leases = {lease.key: lease for lease in log.backend.leases()}
    found = []
    for key, row in _phase_rows(log, keys).items():
        lease = leases.get(key)
        deadline = lease.deadline_at if lease else None
        found.append(
            LiveWorker(
                phase=key,
                worker=row.worker,
                step=lease.step if lease else None,
                since=row.since,
                deadline=None if deadline is None else from_us(deadline),
                is_expired=lease is None or lease.expires_at <= now_us,
            )
        )
    return tuple(found)


def _last_halted(log: Log, types: Sequence[type], states: Sequence[str]) -> tuple[Halted, ...]:
    """Return the last phases that still stand where such an event left them, newest first."""
    head = log.head().position
    rows = log.backend.page(
        after=max(head - _LOOK_BACK, 0),
        until=head,
        limit=_LOOK_BACK,
        types=log.codec.names_of(types),
    )
    keys = list(dict.fromkeys(row[2].removeprefix("phase-") for row in reversed(rows)))[:50]
    found = [row for row in _phase_rows(log, keys).values() if row.status in states]
    return tuple(
        Halted(phase=r.key, state=r.status, code=r.reason_code, message=r.reason, at=r.since)
        for r in found[:5]
    )


def _readable(log: Log, row: Row) -> Recorded[Any]:
    try:
        return next(log.decode([row]))
    except CodecError:
        return Recorded(row, UnrecognisedEvent(row[4], row[5], row[9]))


def _log(backend: Any, registry: Registry) -> Log:
    redact = None
    if registry.has("autopack_redact"):
        redact = lambda text: registry.chain("autopack_redact", text)  # noqa: E731
    log = Log(backend, redact=redact, registry=registry)
    if registry.has("autopack_event_recorded"):
        log.observers.append(lambda r: registry.observe("autopack_event_recorded", recorded=r))
    return log


def _specs(phases: Iterable[PhaseSpec]) -> tuple[PhaseSpec, ...]:
    specs = tuple(phases)
    for spec in specs:
        if not isinstance(spec, PhaseSpec):
            raise InvalidInputError(
                f"{spec!r} is not a phase: give PhaseSpec(ID, category=..., complexity=...)."
            )
    return specs


def _reopening(log: Log, ref: PhaseRef, why: str) -> list[Entry]:
    if not handler_of(log).run_state(ref.run_id).is_finished:
        return []
    reopened = RunReopened(run_id=ref.run_id, why=f"phase {ref.phase_id} was requeued: {why}")
    return [(run_stream(ref.run_id), [reopened], ANY)]


def _made(calibrator: type, options: Mapping[str, Any], base: Coefficients) -> Any:
    import inspect

    known = inspect.signature(calibrator).parameters
    given = dict(options)
    for name, value in (
        ("estimator", base.estimator),
        ("estimator_version", base.version),
        ("old", base.multipliers),
    ):
        if name in known:
            given.setdefault(name, value)
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InvalidInputError(
            f"Calibrator {getattr(calibrator, 'name', calibrator.__name__)!r} has no option "
            f"{', '.join(unknown)}. It has: {', '.join(known)}."
        )
    return calibrator(**given)


def _recorded_proposal(log: Log, proposal: Proposal) -> str:
    from autopack.codec import plain
    from autopack.ids import derived_id
    from autopack.report.calibration import calibration_json

    evidence = plain(calibration_json(proposal))
    text = json.dumps([plain(proposal.logs), evidence], sort_keys=True)
    event_id = derived_id("proposal", text, "calibration.proposed")
    event = CalibrationProposed(
        estimator=proposal.estimator,
        proposal_id=event_id.hex(),
        calibrator=proposal.calibrator,
        estimator_version=proposal.new_version,
        settings=plain(proposal.settings),
        logs=tuple(plain(one) for one in proposal.logs),
        old=dict(proposal.old),
        new=dict(proposal.new),
        evidence=evidence,
    )
    log.append(
        estimator_stream(proposal.estimator),
        [NewEvent(event=event, event_id=event_id)],
        expected_version=ANY,
    )
    return event_id.hex()


@contextlib.contextmanager
def attempt(
    log: Log,
    run_id: str,
    phase_id: str,
    *,
    worker: str | None = None,
    estimator: Any = DEFAULT_ESTIMATOR,
    workspace: Path | None = None,
) -> Iterator["LiveAttempt"]:
    """
    Claim a queued phase, and record what the ``with`` block does, for people with their own loop.

    The phase is completed at the block's end, or failed with the exception that left it, which
    goes on. Its lease is renewed from a thread of its own.

    Args:
        worker: Who works on it; a name no other process has, if not given.
        estimator: Predicts the output; ``attempt.budget_tokens`` comes from it.

    Raises:
        RunMissingError, PhaseMissingError: It is not there.
        MoveRefusedError: It is not queued.
        LeaseLostError: Somebody else took it while it was in work.
    """
    from autopack.draining.claims import Claims, new_worker
    from autopack.draining.recording import working

    handler = handler_of(log)
    ref = PhaseRef(run_id, phase_id)
    handler.queued(ref)
    phase: PhaseView = views.current_row(log, PHASES, str(ref))
    found = estimated(log, log.registry.resolve("estimator", estimator), phase, workspace=workspace)
    with Claims(handler, worker=worker or new_worker()) as claims:
        claim = claims.take(phase, found, timeout_s=phase.timeout_s, reason=None)
        with working(handler, claims, claim) as live:
            yield live
