"""Where work stands that is judged again: as it was committed, in a named folder, or by itself."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autopack.draining.checks.foreign_checks import was_brought
from autopack.draining.checks.program_checks import write_outputs
from autopack.draining.settings.named_workspaces import (
    keeper_in,
    keeper_named,
    workspace_again,
    workspace_of,
)
from autopack.draining.workspaces.folder_log import FolderLog
from autopack.events import DrainStarted, RunCreated
from autopack.log.log import Log, handler_of, journal_of, registry_of
from autopack.ports.workspaces import WorkspaceLike
from autopack.values.ids import drain_stream, run_stream


class KeptFolders:
    """
    Finds where each attempt of a run left its work.

    Args:
        workspace: The folder in which all of it stands, or who keeps folders; None leaves it to
            whom the run named, or the drain.
    """

    def __init__(self, log: Log, run_id: str, workspace: WorkspaceLike | None) -> None:
        self._log, self._run_id = log, run_id
        given = workspace_of(registry_of(log), workspace)
        self._keeper = keeper_in(given)
        self.folder = given.resolve() if isinstance(given, Path) else None
        rows = FolderLog(handler_of(log)).folders(run_id)
        self._keepers: dict[str | None, Any] = {}
        self._committed = {(row.phase_id, row.attempt): row for row in rows if row.commit}

    def has(self, phase_id: str, attempt: int) -> bool:
        """Tell whether an attempt's work stands anywhere but in its outputs."""
        return self.folder is not None or (phase_id, attempt) in self._committed

    @contextmanager
    def of(
        self, phase_id: str, attempt: int, drain: str | None, outputs: Mapping[str, str]
    ) -> Iterator[tuple[Path, bool]]:
        """Yield the folder to judge an attempt in, and whether its work stands there."""
        if self.folder is not None:
            yield self.folder, True
            return
        row = self._committed.get((phase_id, attempt))
        at = None if row is None else getattr(self._keeper_of(drain), "at", None)
        if at is not None:
            with at(row) as folder:
                yield folder, True
            return
        with tempfile.TemporaryDirectory(prefix="autopack-recheck-") as name:
            write_outputs(outputs, Path(name))
            yield Path(name), False

    def _keeper_of(self, drain: str | None) -> Any:
        """Return who keeps folders of a drain's attempts: the given one, its own, or the run's."""
        if self._keeper is not None:
            return self._keeper
        if drain not in self._keepers:
            self._keepers[drain] = self._recorded_keeper(drain)
        return self._keepers[drain]

    def _recorded_keeper(self, drain: str | None) -> Any:
        registry, journal = registry_of(self._log), journal_of(self._log)
        named: list[Any] = []
        if drain is not None:
            named += [
                workspace_again(started.event.settings)
                for started in journal.read(drain_stream(drain), types=[DrainStarted])
                if not was_brought(journal, started)
            ]
        named += [
            created.event.workspace
            for created in journal.read(run_stream(self._run_id), types=[RunCreated])
            if not was_brought(journal, created)
        ]
        wanted = next((one for one in named if one and not isinstance(one, Path)), None)
        return None if wanted is None else keeper_named(registry, wanted)
