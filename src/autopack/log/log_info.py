"""What a log says of itself: identity, counts and times."""

from typing import Any

from autopack.log.journal import Journal
from autopack.log.views.as_of_now import current
from autopack.ports.log import from_us
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS


def info_of(journal: Journal) -> dict[str, Any]:
    """Return identity, counts and times of one moment."""
    with journal.backend.snapshot():
        return _info(journal)


def _info(journal: Journal) -> dict[str, Any]:
    identity, head = journal.backend.identity, journal.backend.head()
    runs = current(journal, RUNS, with_rows=False).total
    phases = current(journal, PHASES, with_rows=False).total.by_state()
    work = current(journal, ATTEMPTS, with_rows=False).total.all
    first = journal.backend.page(after=0, until=1, limit=1)
    return {
        "target": journal.target,
        "log_id": identity.log_id,
        "parent": list(identity.parent) if identity.parent else None,
        "created_at": identity.created_at.isoformat(),
        "format": identity.format,
        "events": head.position,
        "head": head.position,
        "head_hash": head.hash.hex(),
        "runs": runs.created,
        "runs_implied": runs.implied,
        "phases": sum(phases.values()),
        "phases_by_state": phases,
        "usage_events": work.use.calls,
        "usage_by_split": dict(work.use.by_split),
        "estimates": work.estimates,
        "samples": work.samples,
        "samples_won": work.samples_won,
        "first_event_at": from_us(first[0][7]).isoformat() if first else None,
        "last_event_at": from_us(head.recorded_at).isoformat() if head.position else None,
        "empty": runs.created == 0 and not phases,
    }
