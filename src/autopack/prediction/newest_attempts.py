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

_NEWEST: Final = 1_000
_LOOK_BACK: Final = (20_000, 200_000)
_ENOUGH: Final = 200
_CHUNK: Final = 4_000
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


def newest_attempts(
    journal: Journal, *, until: int, asked: Sequence[AttemptRow] | None = None
) -> EndedAttempts:
    """
    Return what up to 1,000 attempts used, of those that ended last up to a position.

    They are looked for among 20,000 events, and where these have few ends, as those of agents that
    make hundreds of calls, among 200,000.

    Args:
        asked: The attempts in work of which alone it will be asked; None is any.
    """
    rows, after = list[Row](), until
    names = journal.codec.names_of(ENDS)
    for look_back in _LOOK_BACK:
        least = max(until - look_back, 0)
        is_short = after == until or len(rows) < _ENOUGH
        while is_short and len(rows) < _NEWEST and after > least:
            before, after = after, max(after - _CHUNK, least)
            part = journal.backend.page(after=after, until=before, limit=_CHUNK, types=names)
            rows = part + rows
    ended: dict[str, None] = {}
    for recorded in journal.decode(rows[-_NEWEST:]):
        if (key := ATTEMPTS.key(recorded)) is not None:
            ended.pop(key, None)  # by its last end
            ended[key] = None
    found = EndedAttempts(asked)
    for row in attempt_rows(journal, list(ended)).values():
        found.learn(row)
    return found


def attempt_rows(journal: Journal, keys: Sequence[str]) -> dict[str, AttemptRow]:
    """Return attempts by ``RUN/PHASE#ATTEMPT`` as they stand, without loading the others."""
    with journal.backend.snapshot() as reader:
        return views.folded(journal, ATTEMPTS, reader).some(keys)
