"""Workspaces that break one promise each; each is made in a folder of its own."""

import shutil
import tempfile
from pathlib import Path

from autopack.events import WorkspaceClosed, WorkspaceOpened
from autopack.ports.work import Completed, Outcome, Prepared, RunView
from autopack.ports.workspaces import CheckAt, Swept, WorkspaceAttempt, WorkspaceLog, WorkspaceRow


class Copies:
    """Gives each attempt a copy of what its run has merged, and breaks no promise."""

    name = "copies"
    folder: Path | None = None

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="autopack-copies-"))

    def prepare(self, run: RunView, check: CheckAt | None) -> Prepared | None:
        """Capture nothing: a run begins with an empty folder."""
        return None

    def open(self, attempt: WorkspaceAttempt) -> Path:
        """Return a copy of what is merged."""
        path = self.place(attempt)
        self.tell(attempt, path)
        path.mkdir(parents=True, exist_ok=True)
        if self.merged(attempt).exists():
            shutil.copytree(self.merged(attempt), path, dirs_exist_ok=True)
        return path

    def settle(self, attempt: WorkspaceAttempt, outcome: Outcome) -> Outcome:
        """Merge what is completed."""
        if isinstance(outcome, Completed):
            shutil.copytree(self.place(attempt), self.merged(attempt), dirs_exist_ok=True)
        return outcome

    def sweep(self, log: WorkspaceLog) -> Swept:
        """Take away the folders of attempts that have ended; what failed stays."""
        removed = 0
        for row in log.folders():
            ended = log.ended(row.run_id, row.phase_id, row.attempt)
            if not row.is_closed and ended is not None and ended.how == "completed":
                self.close(log, row)
                removed += 1
        return Swept(removed=removed)

    def close(self, log: WorkspaceLog, row: WorkspaceRow) -> None:
        """Take a folder away, and say so."""
        shutil.rmtree(row.path or "", ignore_errors=True)
        log.record(
            WorkspaceClosed(
                run_id=row.run_id,
                phase_id=row.phase_id,
                attempt=row.attempt,
                path=row.path or "",
                why="its work is merged",
            )
        )

    def place(self, attempt: WorkspaceAttempt) -> Path:
        """Return where an attempt works."""
        return self.root / attempt.lease_token

    def merged(self, attempt: WorkspaceAttempt) -> Path:
        """Return where the completed work of a run is."""
        return self.root / "merged"

    def tell(self, attempt: WorkspaceAttempt, path: Path) -> None:
        """Record a folder before it is made."""
        attempt.record(
            WorkspaceOpened(
                run_id=attempt.phase.run_id,
                phase_id=attempt.phase.phase_id,
                attempt=attempt.number,
                lease_token=attempt.lease_token,
                workspace=self.name,
                path=str(path.resolve()),
            )
        )


class SharesAFolder(Copies):
    """Lets all attempts work in one folder."""

    def place(self, attempt: WorkspaceAttempt) -> Path:
        """Return the same place for each."""
        return self.root / f"all-{attempt.phase.phase_id}"


class TellsNobody(Copies):
    """Makes folders that the log does not know."""

    def tell(self, attempt: WorkspaceAttempt, path: Path) -> None:
        """Record nothing."""


class MergesNothing(Copies):
    """Keeps completed work to itself."""

    def settle(self, attempt: WorkspaceAttempt, outcome: Outcome) -> Outcome:
        """Leave it where it is."""
        return outcome


class MergesFailures(Copies):
    """Merges what failed, and what waits for a person."""

    def settle(self, attempt: WorkspaceAttempt, outcome: Outcome) -> Outcome:
        """Merge it, whatever it is."""
        shutil.copytree(self.place(attempt), self.merged(attempt), dirs_exist_ok=True)
        return outcome


class SweepsTheLiving(Copies):
    """Takes away the folders of attempts in work."""

    def sweep(self, log: WorkspaceLog) -> Swept:
        """Take away every folder."""
        for path in self.root.iterdir():
            shutil.rmtree(path)
        return Swept()


class SweepsTheSameAgain(Copies):
    """Never says that a folder is gone."""

    def close(self, log: WorkspaceLog, row: WorkspaceRow) -> None:
        """Take it away, and tell nobody."""
        shutil.rmtree(row.path or "", ignore_errors=True)
