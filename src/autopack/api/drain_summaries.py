"""The drains of a log, from what their streams say and who lives."""

from collections.abc import Collection, Iterable
from typing import Any

import attrs

from autopack.draining.attempts.living_workers import living_workers
from autopack.events import (
    DrainLaunched,
    DrainPauseRequested,
    DrainResumeRequested,
    DrainStarted,
    DrainStopped,
)
from autopack.log.log import Log, journal_of
from autopack.ports.log import Recorded
from autopack.report.drain_summary import DrainState, DrainSummary
from autopack.values.ids import drain_stream

_TELLING = (DrainStarted, DrainStopped, DrainPauseRequested, DrainResumeRequested, DrainLaunched)


@attrs.define
class _Story:
    """What a drain's stream has said so far."""

    started: Recorded[Any] | None = None
    stopped: Recorded[Any] | None = None
    launched: DrainLaunched | None = None
    paused: str | None = None
    workers: list[str] = attrs.Factory(list)
    offers: dict[str, Any] = attrs.Factory(dict)
    n_open: int = 0

    def hear(self, recorded: Recorded[Any]) -> None:
        match event := recorded.event:
            case DrainStarted():
                self.started = recorded
                self.workers.append(event.worker)
                self.offers[event.worker] = event.settings.get("offers")
                self.n_open = 1 if event.resumes is not None else self.n_open + 1
            case DrainStopped():
                self.stopped, self.n_open = recorded, max(0, self.n_open - 1)
            case DrainPauseRequested():
                self.paused = event.why or f"asked by {event.actor}"
            case DrainResumeRequested():
                self.paused = None
            case DrainLaunched():
                self.launched = event


def list_drains(log: Log) -> list[DrainSummary]:
    """Return the drains that were started, in their order: where each stands, how it ended."""
    return _summaries(log, log.read_all(types=_TELLING))


def live_drains(log: Log) -> list[DrainSummary]:
    """Return the drains that some process works on; reads no stream but theirs."""
    named = sorted({drain for drain in living_workers(journal_of(log)).values() if drain})
    told = (log.read(drain_stream(name), types=_TELLING) for name in named)
    return [one for events in told for one in _summaries(log, events) if one.workers]


def drain_of(log: Log, drain_id: str) -> DrainSummary | None:
    """Return how a drain stands; reads no stream but its own."""
    events = log.read(drain_stream(drain_id), types=_TELLING)
    return next(iter(_summaries(log, events)), None)


def _summaries(log: Log, events: Iterable[Recorded[Any]]) -> list[DrainSummary]:
    alive, stories = living_workers(journal_of(log)), dict[str, _Story]()
    for recorded in events:
        stories.setdefault(recorded.event.drain_id, _Story()).hear(recorded)
    return [
        _summary(name, story, story.started, alive)
        for name, story in stories.items()
        if story.started is not None
    ]


def _summary(
    name: str, story: _Story, started: Recorded[Any], alive: Collection[str]
) -> DrainSummary:
    workers = tuple(one for one in story.workers if one in alive)
    state: DrainState = "gone" if story.n_open else "stopped"
    if workers:
        state = "at work" if story.paused is None else "paused"
    stopped = story.stopped
    return DrainSummary(
        drain_id=name,
        state=state,
        started_at=started.recorded_at,
        workers=workers,
        offers={one: offered for one in workers if (offered := story.offers[one])},
        paused=story.paused,
        stopped_at=None if stopped is None else stopped.recorded_at,
        stopped=None if stopped is None else stopped.event,
        launched=story.launched,
        executor=started.event.executor,
    )
