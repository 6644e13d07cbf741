"""What the newest attempts of a log used in the end, read for those that are in work."""

from collections.abc import Sequence
from typing import Final

from autopack.events import (
    PhaseCancelled,
    PhaseCompleted,
    PhaseFailed,
    PhaseGateDecided,
    PhaseReclaimed,
    PhaseReleased,
    PhaseTimedOut,
)
from autopack.log import views
from autopack.log.journal import Journal
from autopack.ports.log import Row
from autopack.prediction.running.remaining_use import EndedAttempts
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS

_LOOK_BACK: Final = (20_000, 200_000)
_ENOUGH: Final = 200
_NEWEST: Final = 1_000
ENDS: Final = (
    PhaseCompleted,
    PhaseFailed,
    PhaseTimedOut,
    PhaseReleased,
    PhaseReclaimed,
    PhaseCancelled,
    PhaseGateDecided,
)
"""What ends an attempt, or says whether one that waited at a gate ended well."""


def newest_attempts(journal: Journal, *, until: int) -> EndedAttempts:
    """
    Return what up to 1,000 attempts used, of those that ended last up to a position.

    They are looked for among 20,000 events, and where these have few ends, as those of agents that
    make hundreds of calls, among 200,000.
    """
    rows: list[Row] = []
    for look_back in _LOOK_BACK:
        if len(rows) < _ENOUGH:
            rows = journal.backend.page(
                after=max(until - look_back, 0),
                until=until,
                limit=look_back,
                types=journal.codec.names_of(ENDS),
            )
    ended: dict[str, None] = {}
    for recorded in journal.decode(rows[-_NEWEST:]):
        if (key := ATTEMPTS.key(recorded)) is not None:
            ended.pop(key, None)  # by its last end
            ended[key] = None
    found = EndedAttempts()
    for row in attempt_rows(journal, list(ended)).values():
        found.learn(row)
    return found


def attempt_rows(journal: Journal, keys: Sequence[str]) -> dict[str, AttemptRow]:
    """Return attempts by ``RUN/PHASE#ATTEMPT`` as they stand, without loading the others."""
    with journal.backend.snapshot() as reader:
        fold = views.folded(journal, ATTEMPTS, reader)
        rows = {key: fold.get(key) for key in keys}
    return {key: row for key, row in rows.items() if row is not None}
