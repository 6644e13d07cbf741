"""What everyone who keeps folders of attempts promises: subclass the suite, and make it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from autopack.api.drains import drain
from autopack.api.runs import create_run
from autopack.api.views import get_phase
from autopack.draining.workspaces.folder_log import FolderLog
from autopack.events import WorkspaceOpened
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, handler_of
from autopack.ports.attempt import Attempt
from autopack.ports.prediction import PhaseSpec
from autopack.ports.states import PhaseStatus
from autopack.ports.work import Completed, Failed, NeedsPerson, PhaseView, Result
from autopack.ports.workspaces import Workspaces
from autopack.testing.making import checked, not_written
from autopack.values.ids import PhaseId, PhaseRef, RunId

_RUN = RunId("run")


class WorkspaceContract:
    """
    Each attempt has a folder of its own, and what is done there is neither lost nor seen too soon.

    Subclass it with a name that pytest collects, and give :meth:`make`.
    """

    def make(self, folder: Path) -> Any:
        """Return who keeps folders; whatever it needs is to be made in *folder*."""
        raise not_written("make(folder)", "return the workspace to test")

    def _made(self, folder: Path) -> Workspaces:
        kept: Workspaces = checked(
            self.make(folder), "workspace", ["prepare", "open", "settle", "sweep"]
        )
        return kept

    def test_each_attempt_has_a_folder_of_its_own(self, tmp_path: Path) -> None:
        """It is there when the executor is called, and no other attempt works in it."""
        seen: list[Path] = []

        def work(_phase: PhaseView, attempt: Attempt) -> Result:
            assert attempt.workspace is not None, "attempt.workspace is None"
            assert attempt.workspace.is_dir()
            seen.append(attempt.workspace)
            return Failed("busy", "not at the first attempt", retryable=len(seen) == 1)

        drained(self._made(tmp_path), work, PhaseSpec("p", max_attempts=2))

        assert 2 == len(set(seen))

    def test_a_folder_is_recorded_before_it_is_used(self, tmp_path: Path) -> None:
        """Whoever is killed leaves none that the log does not know."""
        known: list[set[str]] = []
        seen: list[str] = []

        def work(_phase: PhaseView, attempt: Attempt) -> Result:
            seen.append(str(attempt.workspace))
            opened = log.read_all(types=[WorkspaceOpened])
            known.append({str(Path(recorded.event.path).resolve()) for recorded in opened})
            return Completed()

        log = new_log(PhaseSpec("p"))
        drain(log, executor=work, workspace=self._made(tmp_path))

        assert seen[0] in known[0], "record WorkspaceOpened before the folder is made"

    def test_what_comes_after_sees_what_it_comes_after(self, tmp_path: Path) -> None:
        """Completed work is in the folders of those that follow."""
        seen: list[bool] = []

        def work(phase: PhaseView, attempt: Attempt) -> Result:
            seen.append(_file(attempt, "one").exists())
            _file(attempt, phase.phase_id).write_text("done\n", encoding="utf-8")
            return Completed()

        drained(self._made(tmp_path), work, PhaseSpec("one"), PhaseSpec("two", after=("one",)))

        assert [False, True] == seen

    def test_nobody_sees_what_failed(self, tmp_path: Path) -> None:
        """Nor what waits for a person: neither is merged."""
        seen: list[bool] = []
        outcomes: list[Result] = [
            Failed("red", "a test fails", retryable=False),
            NeedsPerson("Is it so?"),
        ]

        def work(phase: PhaseView, attempt: Attempt) -> Result:
            there = [name for name in ("one", "two") if _file(attempt, name).exists()]
            seen.append(bool(there))
            _file(attempt, phase.phase_id).write_text("half\n", encoding="utf-8")
            return outcomes.pop(0) if outcomes else Completed()

        log = drained(self._made(tmp_path), work, *map(PhaseSpec, ("one", "two", "three")))
        states = [status_of(log, name) for name in ("one", "two", "three")]

        assert [False, False, False] == seen
        assert [PhaseStatus.FAILED, PhaseStatus.GATED, PhaseStatus.COMPLETE] == states

    def test_a_sweep_leaves_those_at_work(self, tmp_path: Path) -> None:
        """The folder of an attempt in work stays, with all that is in it."""
        keeper, seen = self._made(tmp_path), list[bool]()

        def work(phase: PhaseView, attempt: Attempt) -> Result:
            file = _file(attempt, phase.phase_id)
            file.write_text("half\n", encoding="utf-8")
            keeper.sweep(FolderLog(handler_of(log)))
            seen.append(file.exists())
            return Completed()

        log = new_log(PhaseSpec("p"))
        drain(log, executor=work, workspace=keeper)

        assert [True] == seen

    def test_a_sweep_may_be_repeated(self, tmp_path: Path) -> None:
        """The second one finds nothing to take away."""
        keeper = self._made(tmp_path)
        log = drained(keeper, lambda _phase, _attempt: Completed(), PhaseSpec("p"))
        folders = FolderLog(handler_of(log))
        keeper.sweep(folders)

        assert 0 == keeper.sweep(folders).removed


def _file(attempt: Attempt, name: str) -> Path:
    assert attempt.workspace is not None
    return attempt.workspace / f"{name}.txt"


def new_log(*specs: PhaseSpec) -> Log:
    """Return a log in memory with one run."""
    log = Log(MemoryBackend())
    create_run(log, _RUN, specs)
    return log


def drained(
    keeper: Workspaces, work: Callable[[PhaseView, Attempt], Result], *specs: PhaseSpec
) -> Log:
    """Return a log of one run after a drain."""
    log = new_log(*specs)
    drain(log, executor=work, workspace=keeper, backoff_base_s=0.01, backoff_cap_s=0.01)
    return log


def status_of(log: Log, name: str) -> PhaseStatus:
    """Return how a phase stands."""
    return get_phase(log, PhaseRef(_RUN, PhaseId(name))).status
