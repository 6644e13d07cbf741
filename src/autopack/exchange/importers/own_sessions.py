"""Sessions that a log's own drains ran: a client's history of them tells nothing new."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from autopack.events import LlmUsageRecorded, RunCreated
from autopack.log.journal import Journal
from autopack.ports.log import NewEvent

SESSION: Final = "session_id"
"""In the ``source_fields`` of a run that is a tool's session: the tool's own id of it."""

_FIELDS: Final = (SESSION, "thread_id")
_LEFT_OUT: Final = "sessions_that_this_log_ran"

_Told = tuple[str, NewEvent]


def without_own(
    journal: Journal, events: Iterable[_Told], findings: dict[str, Any]
) -> Iterator[_Told]:
    """Yield events but those of sessions whose use the log's own attempts recorded."""
    own, left_out = _recorded_by_attempts(journal), set()
    for stream, new in events:
        event = new.event
        if own and isinstance(event, RunCreated) and event.source_fields.get(SESSION) in own:
            left_out.add(event.run_id)
            findings[_LEFT_OUT] = len(left_out)
        if not (left_out and getattr(event, "run_id", None) in left_out):
            yield stream, new


def _recorded_by_attempts(journal: Journal) -> set[str]:
    found = set()
    for recorded in journal.read_all(types=[LlmUsageRecorded]):
        event = recorded.event
        if event.lease_token is not None and (session := _session_of(event.source_fields)):
            found.add(session)
    return found


def _session_of(source_fields: Mapping[str, Any]) -> str | None:
    told = (source_fields.get(name) for name in _FIELDS)
    return next((one for one in told if isinstance(one, str)), None)
