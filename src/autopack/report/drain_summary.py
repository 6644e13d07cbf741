"""A drain in a few words: where it stands, who works on it, how it ended."""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Final, Literal

import attrs

from autopack.events import DrainLaunched, DrainStopped
from autopack.ports.requirements import Resources

_BROKEN_OFF = ("stopped", "machine", "error")
_REASONS: Final = {
    "empty": "the queue is empty",
    "blocked": "what is left may not be taken",
    "submitted": "what is left is with providers",
    "limit": "a limit",
    "breaker": "too many failures",
    "price_unknown": "a price is missing",
    "machine": "the machine hindered it",
    "strategy": "its strategy",
    "stopped": "interrupted",
}
DrainState = Literal["at work", "paused", "stopped", "gone"]


@attrs.frozen(kw_only=True)
class DrainSummary:
    """
    How a drain stands.

    Args:
        state: ``at work``, ``paused`` (and processes are there), ``stopped``, or ``gone``: no
            process is there, and the last one did not say that it ended.
        started_at: When it was started, or gone on with, last.
        workers: The processes that are there, by their names; they begin with host and pid.
        offers: What each of them offers for phases that require something, if it does.
        paused: Why it takes no phase, until it is resumed.
        stopped_at, stopped: How it ended last, with reason and totals, and when.
        executor: What it was started with, by its name.
        launched: The process that was begun for it last to go on by itself.
    """

    drain_id: str
    state: DrainState
    started_at: datetime
    workers: tuple[str, ...] = ()
    offers: Mapping[str, Resources] = attrs.Factory(dict)
    paused: str | None = None
    stopped_at: datetime | None = None
    stopped: DrainStopped | None = None
    launched: DrainLaunched | None = None
    executor: str | None = None

    @property
    def is_broken_off(self) -> bool:
        """Whether it ended with work ahead, and by nothing that would end it again at once."""
        if self.state != "stopped" or self.stopped is None:
            return self.state == "gone"
        return self.stopped.reason in _BROKEN_OFF


def option_of(limit: str) -> str:
    """Return the option that a limit is given by."""
    return f"--{limit.removesuffix('_s').replace('_', '-')}"


def drain_line(drain: DrainSummary, at_work: Container[str | None] = ()) -> str:
    """Return a drain in one line; *at_work* are the workers that have phases in work."""
    parts = [f"{drain.drain_id} {drain.state}"]
    if drain.workers:
        parts[0] += f" by {', '.join(_worker(drain, name, at_work) for name in drain.workers)}"
    if drain.state == "paused":
        parts[0] += f": {drain.paused}"
    if drain.state == "gone" and drain.paused is not None:
        parts.append(f"paused: {drain.paused}")
    if drain.stopped is not None and drain.state == "stopped":
        parts += [_why(drain.stopped)]
        totals = drain.stopped.totals
        parts.append(f"{totals.get('completed', 0)} completed, {totals.get('failed', 0)} failed")
    if drain.launched is not None:
        parts.append(f"its output is in {drain.launched.output} on {drain.launched.host}")
    return ", ".join(parts)


def _worker(drain: DrainSummary, name: str, at_work: Container[str | None]) -> str:
    """Return a worker with what it offers, and whether it waits for work."""
    offered = [
        f"{what} {', '.join(there) if isinstance(there, list | tuple) else there}"
        for what, there in drain.offers.get(name, {}).items()
    ]
    idle = "idle" if drain.state == "at work" and name not in at_work else ""
    said = "; ".join(filter(None, (", ".join(offered), idle)))
    return f"{name} ({said})" if said else name


def _why(stopped: DrainStopped) -> str:
    """Return why a drain stopped: its reason in words, and what more was told."""
    reason, detail = stopped.reason, stopped.detail or ""
    name, _, figures = detail.partition(": ")
    if reason == "limit" and figures and name.isidentifier():
        return f"{option_of(name)}: {figures}"
    return ": ".join(filter(None, (_REASONS.get(reason, reason), stopped.detail)))


def drain_cells(drain: DrainSummary) -> tuple[str | int | datetime | None, ...]:
    """Return a drain as a row: id, state, since when, what was done, who works on it, and why."""
    stopped = drain.stopped
    totals = {} if stopped is None else stopped.totals
    why = drain.paused
    if stopped is not None and drain.state == "stopped":
        why = _why(stopped)
    since = drain.stopped_at if drain.state == "stopped" else drain.started_at
    by = ", ".join(drain.workers)
    if drain.launched is not None:
        why = "; ".join(filter(None, (why, f"its output is in {drain.launched.output}")))
    done = [totals.get(name) for name in ("completed", "failed")]
    counts = [n if isinstance(n, int) else None for n in done]
    return (drain.drain_id, drain.state, since, *counts, by or None, why)
