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
    """Tell whether an event came to this log by an import or a restore."""
    parent = journal.backend.identity.parent
    last = 0 if parent is None else parent[1]
    return recorded.position <= last or IMPORTED in recorded.meta


def _brought(handler: Handler, run_id: str, version: int) -> frozenset[str]:
    """Return the phases of a run whose checks were brought here, and an empty name for its own."""
    known = _known.setdefault(handler, {})
    if run_id not in known or known[run_id][0] != version:
        journal = handler.journal
        found = {
            recorded.event.phase_id if isinstance(recorded.event, PhaseQueued) else _RUN
            for recorded in journal.read(run_stream(run_id))
            if isinstance(recorded.event, PhaseQueued | RunCreated)
            if recorded.event.checks and was_brought(journal, recorded)
        }
        known[run_id] = version, frozenset(found)
    return known[run_id][1]
