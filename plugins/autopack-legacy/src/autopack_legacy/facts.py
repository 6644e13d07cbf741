"""Facts with their stream, time and id; what the parts of the importer hand to each other."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from autopack.types import NewEvent
from autopack.values.ids import EventId, derived_id
from autopack_legacy.values import Cells, plain

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)

SOURCE: Final = "autopack-legacy"
IMPORT_STREAM: Final = f"import-{SOURCE}"
"""Where rows go that name no run."""

_RANKS: Final = {
    "run.created": 0,
    "phase.queued": 1,
    "llm.usage_recorded": 2,
    "sample.recorded": 3,
    "budget.escalated": 4,
    "run.finished": 6,
}
"""The order of facts of the same moment; the states of phases come just before a run's end."""

_STATE_RANK: Final = 5


@attrs.frozen(kw_only=True)
class Fact:
    """An event on its way into a log."""

    stream: str
    at: datetime
    event: Any
    event_id: EventId

    @property
    def order(self) -> tuple[datetime, int]:
        """What facts are sorted by; equal ones stay as they were read."""
        return self.at, _RANKS.get(self.event.TYPE, _STATE_RANK)

    @property
    def entry(self) -> tuple[str, NewEvent]:
        """What an importer yields."""
        new = NewEvent(event=self.event, event_id=self.event_id, occurred_at=self.at)
        return self.stream, new


def fact(
    stream: str, event: Any, *, at: datetime, cells: Cells, columns: Iterable[str] | None = None
) -> Fact:
    """
    Return *event* as a fact whose id follows from the row that it was made of.

    Args:
        stream: Where it belongs.
        event: What happened.
        at: When it happened; a part of the id.
        cells: The row.
        columns: The columns that the event depends on; all of them if not given. A column that
            the source goes on changing is left out where the event does not say it.
    """
    key = native_key(cells, columns)
    unix_ms = (at - _EPOCH) // _MS
    event_id = derived_id(SOURCE, key, event.TYPE, unix_ms)
    return Fact(stream=stream, at=at, event=event, event_id=event_id)


def native_key(cells: Cells, columns: Iterable[str] | None = None) -> str:
    """Return the table and a digest of the row: equal rows have equal keys, in any file."""
    names = sorted(cells.row if columns is None else columns)
    content = [[name, plain(cells.row.get(name))] for name in names]
    digest = hashlib.sha256(json.dumps(content, separators=(",", ":")).encode())
    return f"{cells.table}:{digest.hexdigest()}"
