"""A probe: one phase drained before many, and whether it is worth going on."""

from collections.abc import Callable
from typing import Any, Unpack

import attrs

from autopack.draining.engine.drain_report import DrainReport
from autopack.draining.engine.engine import Drain
from autopack.draining.engine.probe_checks import ProbeCheck, checks_of, is_go, last_attempt
from autopack.draining.settings.parameters import DrainSettings
from autopack.errors import EmptyLogError, NothingReadyError
from autopack.events import DrainPhaseSelected
from autopack.log.log import Log
from autopack.ports.drain import StrategyLike
from autopack.ports.log import Recorded
from autopack.ports.work import ExecutorLike
from autopack.values.ids import PhaseRef, drain_stream, phase_stream


@attrs.frozen(kw_only=True)
class ProbeReport:
    """What one phase showed: go on, or not, and why; no phase is named if none could be claimed."""

    phase: str | None
    is_go: bool
    checks: tuple[ProbeCheck, ...]
    drain: DrainReport


def probe_drain(
    log: Log,
    *,
    executor: ExecutorLike | None,
    strategy: StrategyLike | None,
    on_event: Callable[[Recorded[Any]], None] | None,
    **settings: Unpack[DrainSettings],
) -> Drain:
    """Return the drain of one phase; see :func:`autopack.probe`."""
    settings["max_phases"] = settings["workers"] = 1
    drain = Drain(log, executor=executor, strategy=strategy, on_event=on_event, **settings)
    try:
        drain.check_can_begin()
    except EmptyLogError as fault:
        told = "the log holds no runs and no phases; is it the right one?"
        raise NothingReadyError("empty", told) from fault
    return drain


def probe(drain: Drain) -> ProbeReport:
    """Drain one phase, and check what came of it."""
    log, report = drain.log, drain.run()
    ref = _chosen(log, report.drain_id)
    if ref is None:
        said = f"no phase could be claimed: {report.reason}: {report.detail or 'nothing is left'}"
        check = ProbeCheck(name="claimed", is_ok=False, says=said)
        return ProbeReport(phase=None, is_go=False, checks=(check,), drain=report)
    events = [recorded.event for recorded in log.read(phase_stream(ref.run_id, ref.phase_id))]
    checks = checks_of(last_attempt(events))
    return ProbeReport(phase=str(ref), is_go=is_go(checks), checks=checks, drain=report)


def _chosen(log: Log, drain_id: str) -> PhaseRef | None:
    chosen = [
        PhaseRef(recorded.event.run_id, recorded.event.phase_id)
        for recorded in log.read(drain_stream(drain_id))
        if isinstance(recorded.event, DrainPhaseSelected)
    ]
    return chosen[-1] if chosen else None
