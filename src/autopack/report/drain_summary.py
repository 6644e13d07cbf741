"""A drain in a few words: where it stands, who works on it, how it ended."""

from datetime import datetime
from typing import Literal

import attrs

from autopack.events import DrainLaunched, DrainStopped

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
        paused: Why it takes no phase, until it is resumed.
        stopped_at, stopped: How it ended last, with reason and totals, and when.
        launched: The process that was begun for it last to go on by itself.
    """

    drain_id: str
    state: DrainState
    started_at: datetime
    workers: tuple[str, ...] = ()
    paused: str | None = None
    stopped_at: datetime | None = None
    stopped: DrainStopped | None = None
    launched: DrainLaunched | None = None


def drain_line(drain: DrainSummary) -> str:
    """Return a drain in one line."""
    parts = [f"{drain.drain_id} {drain.state}"]
    if drain.workers:
        parts[0] += f" by {', '.join(drain.workers)}"
    if drain.state == "paused":
        parts[0] += f": {drain.paused}"
    if drain.state == "gone" and drain.paused is not None:
        parts.append(f"paused: {drain.paused}")
    if drain.stopped is not None and drain.state == "stopped":
        parts += [drain.stopped.reason, *filter(None, [drain.stopped.detail])]
        totals = drain.stopped.totals
        parts.append(f"{totals.get('completed', 0)} completed, {totals.get('failed', 0)} failed")
    if drain.launched is not None:
        parts.append(f"its output is in {drain.launched.output} on {drain.launched.host}")
    return ", ".join(parts)
