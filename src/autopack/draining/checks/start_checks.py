"""The checks of a run in the folder that it starts from: what they say before there is any work."""

from collections.abc import Callable
from pathlib import Path

from autopack.draining.checks.judging import failure_of, findings, question_on
from autopack.draining.checks.named_checks import checks_for
from autopack.draining.checks.own_checks import waited_for
from autopack.log.log import Log, handler_of, registry_of
from autopack.ports.check_specs import Checks
from autopack.ports.checks import CheckedWork
from autopack.ports.work import Completed, PhaseView, Result, RunView
from autopack.ports.workspaces import CheckAt


def start_checks(log: Log, of_drain: Checks | None) -> Callable[[RunView], CheckAt | None]:
    """Return what gives a run's own checks, or the drain's, to be run in a folder; None if none."""
    handler, registry = handler_of(log), registry_of(log)

    def of(run: RunView) -> CheckAt | None:
        state = handler.known_run(run.run_id)[1]
        phase = PhaseView(run_id=run.run_id, phase_id="", order=0)
        checks = checks_for(phase, state.checks, of_drain)
        if not checks:
            return None

        async def fault_in(folder: Path) -> Result | None:
            work = CheckedWork(phase=phase, attempt=0, folder=folder, workspace=folder)
            found = await findings(registry, checks, work, run.settings)
            if found is None:
                return None
            redact = handler.journal.redact
            if found.result.verdict == "could_not_run":
                return question_on(found, Completed(), redact)
            return failure_of(found, redact)

        return lambda folder: waited_for(lambda: fault_in(folder), f"checks of run {run.run_id}")

    return of
