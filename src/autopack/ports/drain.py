"""What a drain strategy sees, and what it may answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias

import attrs

from autopack.ids import PhaseRef
from autopack.ports.work import PhaseView, RunView

_QUARTER: Final = timedelta(minutes=15)


@attrs.frozen(kw_only=True)
class DrainView:
    """
    What is known at the moment of a choice. A strategy is a pure function of it.

    Args:
        now: The moment of the choice, aware, UTC.
        ready: Phases that may be claimed now, by run and index; nothing else may be chosen.
        waiting: How many queued phases may not be claimed yet, for whatever reason.
        next_ready_at: When the first of the waiting phases becomes ready by time alone.
        running: How many phases this drain holds.
        elsewhere: How many phases other workers hold; they may come back to the queue.
        spent_tokens: Total tokens recorded by this drain.
        reserved_tokens: Output tokens budgeted for the phases in flight.
        runs: The runs by id.
        failures: How often each failure fingerprint was seen by this drain.
        samples: Predictions met by a measurement in this drain.
        tokens_by_quarter: Total tokens of all calls in the log, by whichever drain, by the
            beginning (UTC) of the quarter of an hour in which they happened.
    """

    now: datetime
    ready: Sequence[PhaseView]
    waiting: int = 0
    next_ready_at: datetime | None = None
    running: int = 0
    elsewhere: int = 0
    spent_tokens: int = 0
    reserved_tokens: int = 0
    runs: Mapping[str, RunView] = attrs.Factory(dict)
    failures: Mapping[str, int] = attrs.Factory(dict)
    samples: int = 0
    tokens_by_quarter: Mapping[datetime, int] = attrs.Factory(dict)

    def tokens_since(self, moment: datetime) -> int:
        """Return the total tokens of all calls since *moment*, in whole quarters of an hour."""
        return sum(
            tokens
            for quarter, tokens in self.tokens_by_quarter.items()
            if quarter + _QUARTER > moment
        )


@attrs.frozen
class Choose:
    """Take this phase; the reason is recorded."""

    ref: PhaseRef
    reason: str


@attrs.frozen
class Wait:
    """Take nothing now; ask again when something changed, or at *until*."""

    reason: str
    until: datetime | None = None


@attrs.frozen
class Stop:
    """End the drain; the reason is recorded."""

    reason: str


Choice: TypeAlias = Choose | Wait | Stop


class Strategy(Protocol):
    """Chooses, waits or stops: a pure function of the view."""

    def __call__(self, view: DrainView) -> Choice:
        """Return what to do next."""
