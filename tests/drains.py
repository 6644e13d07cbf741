"""What tests of drains share: small phases, a clock moved by hand, and questions to a log."""

from collections.abc import Callable
from typing import Any

import attrs

from autopack import Choose, PhaseSpec, Stop, Wait, replay
from autopack.draining.attempts.lease_keys import worker_key
from autopack.draining.engine.drain_report import sums_of
from autopack.log.command_handler import Handler
from autopack.log.log import Log, journal_of
from autopack.ports.drain import Choice, DrainView


@attrs.define
class Clock:
    """Seconds since 1970, moved by hand."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def steady_s(self) -> float:
        """What deadlines and durations go by: nobody sets this clock, but for the test."""
        return self.now


class Overtaken(Handler):
    """
    A log's handler that others overtake: each acts once, after a decision and before its append.

    So two workers meet at the same place in every run of a test, whatever the machine is at.
    """

    def __init__(self, log: Log, *others: Callable[[], Any]) -> None:
        super().__init__(journal_of(log))
        self.others = list(others)
        log._handler = self

    def _built(self, build: Any, is_fresh: bool) -> Any:
        found = super()._built(build, is_fresh)
        if self.others and any(events for _stream, events, _version in found[0]):
            self.others.pop(0)()
        return found


def specs(*ids: str, **settings: Any) -> list[PhaseSpec]:
    """Phases of one kind, with these ids."""
    usual = {"category": "docs", "complexity": "low", "deliverables": "docs/a.md"}
    return [PhaseSpec(name, **{**usual, **settings}) for name in ids]


def types_of(log: Log, stream: str) -> list[str]:
    """The types of a stream's events, in order."""
    return [recorded.type for recorded in log.read(stream)]


def found(log: Log, type_name: str) -> list[Any]:
    """Every event of a type, in order."""
    return [recorded.event for recorded in log.read_all() if recorded.type == type_name]


def states(log: Log) -> dict[str, str]:
    """The state of each phase by its id."""
    return {row.phase_id: str(row.status) for row in replay(log, "phases").rows.values()}


def works(_phase: Any, attempt: Any) -> None:
    """Does a phase with one call of 10 and 20 tokens."""
    attempt.record_usage(model="m", input_tokens=10, output_tokens=20)


def takes_each_once(view: DrainView) -> Choice:
    """A strategy: take each phase once, and stop."""
    for phase in view.ready:
        if not phase.attempts:
            return Choose(phase.ref, "once")
    if view.running or view.submitted:
        return Wait("for what was taken")
    return Stop("each was taken once")


def end_leases(log: Log) -> None:
    """Let an hour go by for every lease, by the wall clock and by the steady one."""
    hour = 3_600_000_000
    with journal_of(log).backend.transaction() as store:
        for row in journal_of(log).backend.leases():
            over = attrs.evolve(row, expires_at=row.expires_at - hour)
            if row.key == worker_key(row.worker):
                over = attrs.evolve(over, expires_uptime=row.expires_uptime - hour)
            store.put_lease(over)


def account_of(log: Log, drain_id: str) -> dict[str, Any]:
    """What the log says of a drain, from its first event."""
    return sums_of(replay(log, "attempts").total.by_drain[drain_id])
