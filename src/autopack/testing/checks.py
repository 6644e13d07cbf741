"""What every check promises: subclass the suite, say how to make one, and give it work."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autopack.aggregates.phase import PhaseState
from autopack.aggregates.run import RunState, queue
from autopack.api.logs import create_log
from autopack.draining.checks.check_runs import run_check
from autopack.events import PhaseQueued
from autopack.log.log import registry_of
from autopack.ports.check_specs import CheckSpec
from autopack.ports.checks import Check, CheckCall, CheckedWork, CheckResult
from autopack.ports.prediction import PhaseSpec
from autopack.projections.phases import standing
from autopack.testing.making import checked, not_written


def work_of(
    spec: PhaseSpec, outputs: Mapping[str, str] | None = None, *, folder: Path
) -> CheckedWork:
    """Return a first attempt at a phase, done in *folder*, as a check is shown it."""
    (queued,) = queue("run", [spec], RunState())
    assert isinstance(queued, PhaseQueued)
    return CheckedWork(
        phase=standing(queued, PhaseState(attempts=1)),
        attempt=1,
        outputs=outputs or {},
        folder=folder,
        workspace=folder,
    )


class CheckContract:
    """
    A check tells right work from wrong, says why, and leaves both as they are.

    Subclass it with a name that pytest collects; give :meth:`make`, :meth:`right` and
    :meth:`wrong`.
    """

    def make(self) -> Check | CheckCall:
        """Return the check; a class of checks is given as an object of it."""
        raise not_written("make()", "return the check to test")

    def right(self, folder: Path) -> CheckedWork:
        """Return work that is right; its files are written into an empty folder."""
        raise not_written("right(folder)", "return work that it lets pass")

    def wrong(self, folder: Path) -> CheckedWork:
        """Return work that is wrong; its files are written into an empty folder."""
        raise not_written("wrong(folder)", "return work that it does not let pass")

    def _answer(self, work: CheckedWork) -> CheckResult:
        thing: Any = self.make()
        checked(getattr(thing, "check", thing), "check", ["__call__"])
        spec = CheckSpec(name="suite", thing=thing)
        with create_log("memory:") as log:
            return asyncio.run(run_check(registry_of(log), spec, work, {}))[0]

    def test_right_work_passes(self, tmp_path: Path) -> None:
        """And the check could be run at all."""
        found = self._answer(self.right(tmp_path))

        assert "passed" == found.verdict, f"it says: {found.says}"

    def test_wrong_work_does_not_pass_and_is_told_why(self, tmp_path: Path) -> None:
        """The next attempt has nothing else to go by."""
        found = self._answer(self.wrong(tmp_path))

        assert "failed" == found.verdict, f"it says: {found.says}"
        assert found.says.strip(), "a failure without a reason helps no next attempt"

    def test_the_same_work_gets_the_same_answer(self, tmp_path: Path) -> None:
        """A check made anew, or asked again, says what it said: work is judged again later."""
        for name, give in (("right", self.right), ("wrong", self.wrong)):
            (tmp_path / name).mkdir()
            work = give(tmp_path / name)

            assert self._answer(work).verdict == self._answer(work).verdict

    def test_it_leaves_the_work_as_it_is(self, tmp_path: Path) -> None:
        """No file of the work's is changed, made or taken away."""
        for name, give in (("right", self.right), ("wrong", self.wrong)):
            (tmp_path / name).mkdir()
            work = give(tmp_path / name)
            before = _contents(tmp_path / name)
            self._answer(work)

            assert before == _contents(tmp_path / name)

    def test_work_without_anything_is_an_answer_too(self, tmp_path: Path) -> None:
        """An executor may give nothing: that is wrong, or right, and no error of the check's."""
        work = work_of(PhaseSpec("p"), folder=tmp_path)

        found = self._answer(work)
        assert "could_not_run" != found.verdict, found.says


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
