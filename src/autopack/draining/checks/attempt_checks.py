"""The checks of an attempt that has not ended yet: run, recorded, and made into its outcome."""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import attrs

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claim
from autopack.draining.attempts.storable_text import storable
from autopack.draining.attempts.threads import off_loop
from autopack.draining.checks.check_runs import Begun
from autopack.draining.checks.foreign_checks import why_foreign
from autopack.draining.checks.judged_outputs import judged_outputs, judged_texts
from autopack.draining.checks.judging import (
    Finding,
    checked_event,
    failure_of,
    findings,
    named_texts,
    question_before,
    question_on,
)
from autopack.draining.checks.named_checks import checks_for, why_unready
from autopack.errors import InvalidEventError, InvalidInputError
from autopack.format.redaction import clean
from autopack.log.command_handler import Handler
from autopack.plugins.registry import Registry
from autopack.ports.check_specs import Checks, CheckSpec
from autopack.ports.checks import CheckedWork
from autopack.ports.work import Completed, NeedsPerson, Outcome, PhaseView, Result

T = TypeVar("T")


class InLog(Protocol):
    """Does something with the log, off the event loop."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """Return what *work* returns."""


@attrs.frozen(kw_only=True)
class AttemptChecks:
    """
    What an attempt's work is judged by before it counts.

    Args:
        checks: Those that hold for its phase, in their order.
        foreign: Why they are not run here, if they are not.
        by: Who has them run: ``drain``, or ``attempt``.
        in_log: Does something with the log, off the event loop.
        begun: Called with a thread that may go on when this has ended.
    """

    handler: Handler
    registry: Registry
    claim: Claim
    live: LiveAttempt
    checks: Checks
    foreign: str | None = None
    by: str
    in_log: InLog
    begun: Begun = lambda _what, _work: None
    given: list[tuple[Completed, Mapping[str, str]]] = attrs.field(factory=list, init=False)

    @property
    def folder(self) -> Path:
        """Where they run: the attempt's workspace, or the current folder."""
        return self.live.workspace or Path.cwd()

    async def unready(self) -> NeedsPerson | None:
        """Return what a person is asked, if work that is not begun yet could not be checked."""
        if not self.checks:
            return None
        if self.foreign is not None:
            return question_before(self.foreign)
        why = await off_loop(
            lambda: why_unready(self.registry, self.checks, self.folder), "look for checks"
        )
        return None if why is None else question_before(why)

    async def outcome(self, outcome: Outcome) -> Outcome:
        """
        Return completed work as its checks see it: as it is, failed, or for a person to look at.

        Raises:
            LeaseLostError: The phase was taken from this worker meanwhile.
        """
        if not self.checks or not isinstance(outcome, Completed):
            return outcome
        if self.foreign is not None:
            return attrs.evolve(question_before(self.foreign), outputs=outcome.outputs)
        done: Completed = clean(storable, outcome)
        try:
            digests = await self.in_log(lambda: self.live.end_outputs(done.outputs))
        except (InvalidInputError, InvalidEventError):
            return outcome  # it cannot be stored, which its end says
        self.given.append((done, digests))
        return await self.fault_in(self.folder) or outcome

    async def fault_in(self, folder: Path) -> Result | None:
        """
        Run the checks in a folder; return what is to be recorded if one is not passed.

        What the attempt gave is what :meth:`outcome` was told.
        """
        done, digests = self.given[-1] if self.given else (Completed(), {})
        outputs = dict(done.outputs)
        if not outputs and (digests := judged_outputs(digests, self.live.artifacts)):
            of, printed = self.handler.journal, digests
            outputs = await self.in_log(lambda: judged_texts(of, printed))
        work = CheckedWork(
            phase=self.claim.phase,
            attempt=self.claim.number,
            outputs=outputs,
            summary=done.summary,
            folder=folder,
            workspace=None if self.live.workspace is None else folder,
            by=self.by,
        )
        found = await findings(
            self.registry,
            self.checks,
            work,
            self.live.settings,
            before=self._begins,
            after=lambda found: self.in_log(lambda: self._record(found, work, digests)),
            begun=self.begun,
        )
        if found is None:
            return None
        redact = self.handler.journal.redact
        if found.result.verdict == "could_not_run":
            return question_on(found, done, redact)
        self.live.artifacts.update(digests)  # what it gave is kept with the failure
        return failure_of(found, redact)

    async def _begins(self, spec: CheckSpec) -> None:
        await self.in_log(lambda: self.live.progress(f"checking: {spec.name}"))

    def _record(self, found: Finding, work: CheckedWork, outputs: Mapping[str, str]) -> None:
        texts: Mapping[str, str] = {}
        with contextlib.suppress(InvalidInputError, InvalidEventError):  # what it says is kept
            texts = self.live.end_outputs(named_texts(found))
        event = checked_event(
            found,
            work,
            redact=self.handler.journal.redact,
            outputs=outputs,
            texts=texts,
            lease_token=self.claim.token,
        )
        self.handler.handle(event)


def checks_of_attempt(
    handler: Handler, phase: PhaseView, of_drain: Checks | None
) -> tuple[Checks, str | None]:
    """
    Return what an attempt's work is judged by: its phase's checks, its run's, or the drain's.

    With it, why they are not run here, if they are not.
    """
    of_run = handler.known_run(phase.run_id)[1].checks
    found = checks_for(phase, of_run, of_drain)
    if found is of_drain or (why := why_foreign(handler, phase.ref, found)) is None:
        return found, None
    return (of_drain, None) if of_drain else (found, why)  # somebody here has named the drain's
