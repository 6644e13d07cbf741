"""What a drain has done and used, and what all calls used: the account, followed as it grows."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from autopack.events import DrainPhaseSelected, PhaseClaimed, PhaseEstimated, SampleRecorded
from autopack.log import views
from autopack.log.command_handler import Handler
from autopack.log.journal import Journal
from autopack.ports.log import Recorded
from autopack.projections.attempt_row import NO_WORK, AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.sums_by_drain_and_run import AccountTotal, Work
from autopack.values.ids import PhaseRef, drain_stream

_BEGINS: Final = (PhaseEstimated, PhaseClaimed, SampleRecorded)


class DrainAccount:
    """
    Follows the attempts of a log, and tells how those of one drain end.

    Its sums are those of the whole log; only attempts in work are kept as rows, and one that is
    told of after its end is read again from its phase's stream.

    Args:
        when_ended: Called with each attempt of the drain that ends, in the order of the log.
    """

    def __init__(
        self, journal: Journal, drain_id: str, *, when_ended: Callable[[AttemptRow], None]
    ) -> None:
        self._journal, self._drain_id, self._when_ended = journal, drain_id, when_ended
        base = views.current(journal, ATTEMPTS, with_rows=False)
        self.total: AccountTotal = base.total
        self.position = base.position
        self._rows: dict[str, AttemptRow] = {}
        self.tokens_by_quarter = {
            datetime.fromisoformat(quarter): pace.tokens
            for quarter, pace in self.total.by_quarter.items()
        }

    @property
    def work(self) -> Work:
        """What the drain's attempts came to, whichever process did them."""
        return self.total.by_drain.get(self._drain_id, NO_WORK)

    def hear(self, events: Sequence[Recorded[Any]]) -> None:
        """Take in what is new in the log."""
        steps: dict[str, tuple[AttemptRow | None, AttemptRow | None]] = {}
        for recorded in events:
            if recorded.position <= self.position or not isinstance(recorded.event, ATTEMPTS.types):
                continue
            key = ATTEMPTS.key(recorded)
            if key is None:
                continue
            before = self._rows[key] if key in self._rows else self._recalled(key, recorded)
            after = ATTEMPTS.project(before, recorded)
            if after is None:
                continue
            steps[key] = (steps[key][0] if key in steps else before, after)
            self._rows[key] = after
            if after.drain == self._drain_id and _has_just_ended(before, after):
                self._when_ended(after)
        for before, after in steps.values():
            self._add(before, after)
        for key, (_before, after) in steps.items():
            if after is not None and after.claimed_us is not None and after.ending is None:
                continue
            self._rows.pop(key)
        if events:
            self.position = max(self.position, events[-1].position)

    def _add(self, before: AttemptRow | None, after: AttemptRow | None) -> None:
        self.total = ATTEMPTS.total(self.total, before, after)
        quarters = {} if after is None else after.by_quarter
        for quarter in {**({} if before is None else before.by_quarter), **quarters}:
            pace = self.total.by_quarter.get(quarter)
            self.tokens_by_quarter[datetime.fromisoformat(quarter)] = pace.tokens if pace else 0

    def _recalled(self, key: str, recorded: Recorded[Any]) -> AttemptRow | None:
        """Return an attempt that is not in work, as it stood before an event."""
        if isinstance(recorded.event, _BEGINS):
            return None
        row = None
        for one in self._journal.read(recorded.stream):
            if one.position >= recorded.position:
                break
            if isinstance(one.event, ATTEMPTS.types) and ATTEMPTS.key(one) == key:
                row = ATTEMPTS.project(row, one)
        return row


def ended_attempts(handler: Handler, drain_id: str) -> list[AttemptRow]:
    """Return a drain's attempts that have ended by now, in the order of their ends."""
    refs: dict[PhaseRef, None] = {}
    for recorded in handler.journal.read(drain_stream(drain_id)):
        event = recorded.event
        if isinstance(event, DrainPhaseSelected):
            refs[PhaseRef.parse(f"{event.run_id}/{event.phase_id}")] = None
    rows = [
        row
        for ref in refs
        for row in handler.known_phase(ref)[1].attempts.values()
        if row.drain == drain_id and row.ending is not None
    ]
    return sorted(rows, key=lambda row: row.ended_position or row.position)


def _has_just_ended(before: AttemptRow | None, after: AttemptRow) -> bool:
    return after.ending is not None and (before is None or before.ending is None)
