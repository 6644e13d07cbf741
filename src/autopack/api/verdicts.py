"""Work judged again: by people, and by checks on what was kept."""

from typing import TYPE_CHECKING, Any

from autopack.api.given_reasons import check_why
from autopack.events import PhaseJudged
from autopack.log.log import Log, handler_of
from autopack.ports.check_specs import CheckLike, checks_of
from autopack.ports.log import Recorded
from autopack.ports.workspaces import WorkspaceLike
from autopack.values.ids import PhaseName, phase_ref

if TYPE_CHECKING:
    from autopack.draining.checks.check_figures import CheckFigures
    from autopack.draining.checks.rechecks import Rechecked


def judge_phase(
    log: Log,
    phase: PhaseName,
    *,
    right: bool,
    why: str,
    actor: str = "user",
    attempt: int | None = None,
    check: str | None = None,
) -> list[Recorded[Any]]:
    """
    Say whether a phase's work is right. The last word decides its sample, never its state.

    Complete work that was judged wrong may be queued again by :func:`requeue`.

    Args:
        attempt: Which attempt's work; the last that has ended, if it is left out.
        check: What you went by, in a word.

    Raises:
        NothingToJudgeError: No such attempt has ended.
    """
    ref = phase_ref(phase)
    check_why(f"Phase {ref}", why)
    return handler_of(log).handle(
        PhaseJudged(
            run_id=ref.run_id,
            phase_id=ref.phase_id,
            right=right,
            by=actor,
            why=why,
            attempt=attempt,
            check=check,
        )
    )


def recheck(
    log: Log,
    run_id: str,
    *,
    phase_id: str | None = None,
    check: CheckLike = None,
    workspace: WorkspaceLike | None = None,
) -> "list[Rechecked]":
    """
    Judge what attempts of a run gave once more, without doing anything again.

    Each attempt is judged by what is kept of it: its commit, in a folder that is made for that, or
    its outputs. Verdicts are recorded beside the first ones: the last decides the attempt's sample,
    and nothing moves its phase.

    Args:
        phase_id: Only this phase.
        check: By what; the checks that the phase, its run or its drain named, if it is left out.
        workspace: The folder in which the work stands as it is to be judged, or who keeps folders
            (a name, with options, or an object); whom the run or the drain named, if it is left
            out. An attempt without a commit is judged in a folder of its outputs alone.

    Raises:
        RunMissingError, PhaseMissingError: It is not there.
        InvalidInputError: A check could never run, or none is named.
    """
    from autopack.draining.checks.rechecks import recheck_run

    checks = checks_of(check, may_be_object=True)
    return recheck_run(log, run_id, phase_id=phase_id, checks=checks, workspace=workspace)


def checks(log: Log) -> "list[CheckFigures]":
    """
    Return how each check has judged, and how often a later verdict says otherwise, by name.

    The truth of an attempt is what was said of it last, by a person or another check.
    """
    from autopack.draining.checks.check_figures import figures_of

    return figures_of(log)
