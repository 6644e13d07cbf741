"""An attempt as whoever keeps folders sees it: what it may ask, and record under its lease."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from autopack.draining.attempts.claims import Claim
from autopack.draining.attempts.lease_keys import phase_key
from autopack.draining.attempts.machine_faults import patiently
from autopack.draining.workspaces.folder_log import FolderLog
from autopack.errors import LeaseLostError
from autopack.events import WorkspaceEvent
from autopack.log.command_handler import Handler
from autopack.ports.backend import Reader
from autopack.ports.log import ANY, Recorded
from autopack.ports.work import Result
from autopack.values.ids import phase_stream


class Tenant:
    """
    An attempt that has a folder; implements ``WorkspaceAttempt``. Any thread but an event loop's.

    Args:
        check: Runs its phase's checks in a folder.
    """

    def __init__(
        self,
        handler: Handler,
        log: FolderLog,
        claim: Claim,
        check: Callable[[Path], Result | None],
    ) -> None:
        self.phase, self.number, self.lease_token = claim.phase, claim.number, claim.token
        self.log, self.check = log, check
        self._handler = handler

    def record(self, event: WorkspaceEvent) -> Recorded[Any]:
        """
        Record what is to be done next, or was done, if the phase is this worker's still.

        Raises:
            LeaseLostError: It is not.
        """
        return patiently(lambda: self._recorded(event))

    def confirm(self) -> None:
        """Return if the phase is this worker's still, else raise LeaseLostError."""
        patiently(lambda: self._check(self._handler.journal.backend))

    def _recorded(self, event: WorkspaceEvent) -> Recorded[Any]:
        ref = self.phase.ref
        journal, stream = self._handler.journal, phase_stream(ref.run_id, ref.phase_id)
        entries = journal.redacted_entries([(stream, [event], ANY)])
        with journal.transaction() as transaction:
            self._check(transaction.store)
            (recorded,) = transaction.append_batch(entries)
        return recorded

    def _check(self, reader: Reader) -> None:
        ref = self.phase.ref
        lease = reader.lease(phase_key(ref))
        if lease is None or lease.token != self.lease_token:
            holder = None if lease is None else lease.worker
            raise LeaseLostError(ref, token=self.lease_token, state="lost", holder=holder)
