"""Checks that came from elsewhere with a log: they run nothing here until somebody names them."""

from typing import Any
from weakref import WeakKeyDictionary

from autopack.events import PhaseQueued, RunCreated
from autopack.log.command_handler import Handler
from autopack.log.journal import Journal
from autopack.ports.check_specs import Checks
from autopack.ports.importing import IMPORTED
from autopack.ports.log import Recorded
from autopack.values.ids import PhaseRef, run_stream

_RUN = ""
_known: "WeakKeyDictionary[Handler, dict[str, tuple[int, frozenset[str]]]]" = WeakKeyDictionary()


def why_foreign(handler: Handler, ref: PhaseRef, checks: Checks) -> str | None:
    """
    Return why a phase's checks are not run: they run a program or a file, and were brought here.

    What came by an import or a restore is somebody's word of what was done, and runs nothing.
    """
    if not runs_files(checks):
        return None
    version, state = handler.known_run(ref.run_id)
    queued = state.phases.get(ref.phase_id)
    place = ref.phase_id if queued is not None and queued.checks is not None else _RUN
    if place not in _brought(handler, ref.run_id, version):
        return None
    return (
        "It came by an import or a restore, and what came so runs nothing: name the check again "
        "for the drain."
    )


def runs_files(checks: Checks) -> bool:
    """Tell whether checks run a program, or what a file holds."""
    return any(spec.run or ".py:" in (spec.use or "") for spec in checks)


def was_brought(journal: Journal, recorded: Recorded[Any]) -> bool:
    """Tell whether an event came to this log by an import or a restore, or repeats one that did."""
    parent = journal.backend.identity.parent
    last = 0 if parent is None else parent[1]
    if recorded.position <= last or IMPORTED in recorded.meta:
        return True
    forked_from = getattr(recorded.event, "forked_from", None)
    return forked_from is not None and any(
        was_brought(journal, earlier)
        for earlier in journal.read(run_stream(forked_from), types=[RunCreated])
        if earlier.position < recorded.position
    )


def _brought(handler: Handler, run_id: str, version: int) -> frozenset[str]:
    """Return the phases of a run whose checks were brought here, and an empty name for its own."""
    known = _known.setdefault(handler, {})
    if run_id not in known or known[run_id][0] != version:
        known[run_id] = version, frozenset(_found_brought(handler.journal, run_id))
    return known[run_id][1]


def _found_brought(journal: Journal, run_id: str, before: int | None = None) -> set[str]:
    found: set[str] = set()
    for recorded in journal.read(run_stream(run_id), types=[RunCreated, PhaseQueued]):
        if before is not None and recorded.position >= before:
            break
        event = recorded.event
        if event.checks and was_brought(journal, recorded):
            found.add(event.phase_id if isinstance(event, PhaseQueued) else _RUN)
        if isinstance(event, RunCreated) and event.forked_from is not None:
            found |= _found_brought(journal, event.forked_from, recorded.position)
    return found
