"""Folders of attempts: who makes them, and what becomes of the work that is done there."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import attrs

from autopack.errors import InvalidInputError
from autopack.events import RunPrepared, WorkspaceEvent
from autopack.ports.log import Recorded
from autopack.ports.work import PhaseView, Prepared, Result, RunView

CheckAt: TypeAlias = Callable[[Path], Result | None]
"""Runs a phase's checks in a folder: what is to be recorded instead if one is not passed."""


@attrs.frozen(kw_only=True)
class WorkspaceRow:
    """
    An attempt's folder, and its work.

    Args:
        position: That of the event with which it was opened, or first heard of.
        is_closed: Whether the folder is gone.
        commit: The attempt's work as one commit, on ``branch``; None before there is one.
        waits: Whether a person decides before it is merged; in a list, whether one is to now.
        merged: The commit as it stands in ``target``, and with ``before`` and ``after`` the
            branch's head before and since; None if it was not merged.
        merged_at: The position at which that was recorded.
        kept: The commit that holds what was left in the folder when it was taken away.
        unmerged: In a list, why approved work is not merged; the log does not have it.
    """

    run_id: str
    phase_id: str
    attempt: int
    position: int
    lease_token: str | None = None
    workspace: str | None = None
    path: str | None = None
    source: str | None = None
    branch: str | None = None
    base: str | None = None
    is_closed: bool = False
    commit: str | None = None
    files: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    waits: bool = False
    merged: str | None = None
    target: str | None = None
    before: str | None = None
    after: str | None = None
    how: str | None = None
    merged_by: str | None = None
    merged_at: int | None = None
    kept: str | None = None
    unmerged: str | None = None

    @property
    def ref(self) -> str:
        """``RUN/PHASE``."""
        return f"{self.run_id}/{self.phase_id}"


@attrs.frozen
class Ended:
    """
    How an attempt ended, in one word, and when, aware.

    The word is ``completed``, ``failed``, ``timed_out``, ``gated``, ``released``, ``reclaimed`` or
    ``cancelled``.
    """

    how: str
    at: datetime


class WorkspaceLog(Protocol):
    """What whoever keeps folders may know of a log, and say to it."""

    log_id: str

    def folders(self, run_id: str | None = None) -> Sequence[WorkspaceRow]:
        """Return the folders of attempts as they stand, the oldest first; of a run, or of all."""

    def prepared(self, run_id: str) -> RunPrepared | None:
        """Return what a run started from; None if nobody captured that."""

    def phase(self, run_id: str, phase_id: str) -> PhaseView | None:
        """Return a phase as it stands."""

    def is_live(self, lease_token: str | None) -> bool:
        """Tell whether an attempt is in work still, or may be."""

    def ended(self, run_id: str, phase_id: str, attempt: int) -> "Ended | None":
        """Return how an attempt ended, and when; None if nothing says so."""

    def now(self) -> datetime:
        """Return the log's time."""

    def check(self, row: WorkspaceRow, folder: Path) -> str | None:
        """
        Run the checks of an attempt that has ended, in a folder with what is to be merged.

        What they say is recorded, and judges the attempt as a later verdict does.

        Returns:
            None if all are passed; else which is not, in a few words.
        """

    def unpassed(self, row: WorkspaceRow) -> str | None:
        """Return which check has failed then, if nothing was said of the attempt since."""

    def record(self, event: WorkspaceEvent) -> Recorded[WorkspaceEvent]:
        """Record a fact that has happened, whoever works on its phase now."""


class WorkspaceAttempt(Protocol):
    """An attempt as whoever keeps folders sees it."""

    phase: PhaseView
    number: int
    lease_token: str

    @property
    def log(self) -> WorkspaceLog:
        """What the log says of folders."""

    def check(self, folder: Path) -> Result | None:
        """Run the phase's checks in a folder; None if all are passed."""

    def record(self, event: WorkspaceEvent) -> Recorded[WorkspaceEvent]:
        """
        Record what is to be done next, or was done.

        Raises:
            LeaseLostError: The phase is not this worker's any more: leave it alone.
        """

    def confirm(self) -> None:
        """
        Return if the phase is this worker's still; asked before work is merged.

        Raises:
            LeaseLostError: It is not.
        """


@attrs.frozen
class Opened:
    """
    What an attempt's folder is.

    Args:
        folder: Where it works; None only with an *outcome* that ends the attempt at once.
        outcome: What is to be taken for the executor's, which is not called: the work stands in
            the folder already, or there is no folder to be had.
    """

    folder: Path | None
    outcome: Result | None = None


@attrs.frozen(kw_only=True)
class Swept:
    """What became of folders that were left: how many are gone, were kept as commits, or stay."""

    removed: int = 0
    saved: int = 0
    left: int = 0
    notes: tuple[str, ...] = ()


class Workspaces(Protocol):
    """
    Gives each attempt a folder, and keeps what was done there. Any thread, several at once.

    One may also have ``settings``, which the log keeps; ``check()``, which raises if something is
    missing before a drain writes anything; ``at(row)``, a context manager that gives a folder with
    an attempt's work as it was committed, for as long as it is judged again; and
    ``why_unmerged(log, row)``, which returns why approved work cannot be merged by itself.
    """

    name: str

    @property
    def folder(self) -> Path | None:
        """Where a run's files can be looked at before there is an attempt; None if nowhere."""

    def prepare(self, run: RunView, check: CheckAt | None) -> Prepared | None:
        """
        Return what a run starts from; called once a run, before its first phase is claimed.

        Args:
            check: Runs the run's checks in a folder; None if it has none.
        """

    def open(self, attempt: WorkspaceAttempt) -> Path | Opened:
        """
        Return the folder of an attempt, made from what its run has merged by now.

        An exception fails the attempt with its text.
        """

    def settle(self, attempt: WorkspaceAttempt, outcome: Result) -> Result:
        """
        Keep what was done, and return what is to be recorded.

        Called once the checks were passed, and before the attempt's end is recorded. Work that is
        completed is merged; what waits for a person, or has failed, is kept, and merged by nobody.

        Returns:
            The outcome as it is; or a failure, or a question, if the work could not be merged.
        """

    def sweep(self, log: WorkspaceLog) -> Swept:
        """
        Bring folders and log in agreement, and take away the folders that nobody needs.

        Called when a drain begins, and by ``autopack workspaces sweep``. Work is never deleted.
        """


WorkspaceLike: TypeAlias = str | Path | Workspaces | type[Workspaces] | Mapping[str, Any]
"""A folder, a registered name, ``{"name": ..., options}``, or an object that keeps folders."""


def checked_workspace(wanted: Any) -> Any:
    """
    Return what a run says of its workspace: a name, or a table with one and its options.

    Raises:
        InvalidInputError: It is neither.
    """
    name = wanted.get("name") if isinstance(wanted, Mapping) else wanted
    if wanted is None or (isinstance(name, str) and name):
        return wanted
    raise InvalidInputError(
        f"workspace is {wanted!r}; give a name, as 'worktree', or a table with the name and its "
        'options, as {"name": "worktree", "integrate": "rebase"}.',
        name="workspace",
        value=wanted,
    )
