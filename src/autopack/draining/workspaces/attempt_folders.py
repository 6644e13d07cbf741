"""The folders of a drain's attempts: opened before the executor, settled after the checks."""

import asyncio
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claim
from autopack.draining.attempts.failures import failed_by
from autopack.draining.attempts.machine_faults import hindrance_of
from autopack.draining.attempts.storable_text import storable
from autopack.draining.attempts.threads import in_thread
from autopack.draining.workspaces.folder_log import FolderLog, LateCheck
from autopack.draining.workspaces.run_keepers import RunKeepers
from autopack.draining.workspaces.tenants import Tenant
from autopack.errors import LeaseLostError
from autopack.log.command_handler import Handler
from autopack.plugins.narrator import Narrator
from autopack.ports.work import Completed, Failed, NeedsPerson, Outcome, Prepared, RunView
from autopack.ports.workspaces import CheckAt, Opened, WorkspaceAttempt, Workspaces

T = TypeVar("T")

FAILED: Final = "workspace_failed"
"""The code of an attempt whose folder could not be made, or its work not be kept."""
_TO_STOP_S: Final = 2.0  # less than a drain that was stopped waits for us
_narrator: Final = Narrator("autopack.drain")


class AttemptFolders:
    """
    Opens and settles the folders of attempts, where somebody keeps them; each in a thread.

    Args:
        keepers: Who keeps them, run by run; None leaves attempts where they are.
        check: Runs the checks of approved work before it is merged.
    """

    def __init__(self, handler: Handler, keepers: RunKeepers, check: LateCheck | None) -> None:
        self._handler, self._keepers = handler, keepers
        self._log = FolderLog(handler, check)
        self._told: set[str] = set()

    async def opened(self, claim: Claim, live: LiveAttempt, check: CheckAt) -> Outcome | None:
        """Give an attempt its folder; return what stands for its executor's outcome, if any."""
        if (keeper := self._keepers.of(claim.ref.run_id)) is None:
            return None
        open_, tenant = keeper.open, self._tenant(claim, check)
        try:
            found = await _awaited(lambda: _opened(open_(tenant)), f"folder of {live.ref}")
        except (LeaseLostError, asyncio.CancelledError):
            raise
        except Exception as fault:
            if hindrance_of(fault):
                raise
            return _failed(live, fault)
        live.workspace = None if found.folder is None else found.folder.resolve()
        return found.outcome

    async def settled(
        self, claim: Claim, live: LiveAttempt, outcome: Any, question: str | None, check: CheckAt
    ) -> Any:
        """Return an outcome as it is to be recorded, once what was done is kept, or merged."""
        keeper = self._keepers.of(claim.ref.run_id)
        if keeper is None or live.workspace is None:
            return outcome
        if not isinstance(outcome, Completed | Failed | NeedsPerson):
            return outcome
        if question is not None and isinstance(outcome, Completed):
            outcome = NeedsPerson(question, outcome.outputs, outcome.summary)
        settle, tenant, given = keeper.settle, self._tenant(claim, check), outcome
        try:
            return await _awaited(lambda: settle(tenant, given), f"work of {live.ref}")
        except (LeaseLostError, asyncio.CancelledError):
            raise
        except Exception as fault:
            if hindrance_of(fault):
                raise
            return _failed(live, fault)

    async def swept(self) -> None:
        """Bring folders and log in agreement; what fails is told once, and stops no drain."""
        for keeper in self._keepers.with_ended(self._log.unsettled):
            try:
                found = await _awaited(partial(keeper.sweep, self._log), "sweep")
                for note in found.notes:
                    if note not in self._told:
                        _narrator.warning(note)
                self._told.update(found.notes)
            except Exception as fault:
                _narrator.error("folders could not be swept", why=str(fault), exc_info=fault)

    def _tenant(self, claim: Claim, check: CheckAt) -> WorkspaceAttempt:
        return Tenant(self._handler, self._log, claim, check)


def prepared_by(
    keeper: Workspaces | None,
    prepare: Callable[..., Any] | None,
    check_of: Callable[[RunView], CheckAt | None],
) -> Callable[[RunView], Prepared] | None:
    """Return what captures a run's start: who keeps folders first, then the executor."""
    if keeper is None:
        return prepare

    def both(run: RunView) -> Prepared:
        first = keeper.prepare(run, check_of(run)) or Prepared()
        more = (None if prepare is None else prepare(run)) or Prepared()
        return Prepared(
            commit=more.commit or first.commit,
            environment={**first.environment, **more.environment},
            artifacts={**first.artifacts, **more.artifacts},
            summary=" ".join(filter(None, (first.summary, more.summary))) or None,
        )

    return both


async def _awaited(work: Callable[[], T], name: str) -> T:
    """Await some work in a thread; whoever is cancelled waits a moment for it to end."""
    thread = asyncio.wrap_future(in_thread(work, name))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        thread.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        await asyncio.wait({thread}, timeout=_TO_STOP_S)
        raise


def _opened(found: Path | Opened) -> Opened:
    return found if isinstance(found, Opened) else Opened(Path(found))


def _failed(live: LiveAttempt, fault: Exception) -> Failed:
    live.attach("traceback", storable("".join(traceback.format_exception(fault))))
    return attrs.evolve(failed_by(fault), code=FAILED)
