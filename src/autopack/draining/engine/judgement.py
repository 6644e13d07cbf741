"""What becomes of an executor's outcome before it is recorded: checked, and asked about."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar

import attrs

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claim
from autopack.draining.attempts.execution import asked
from autopack.draining.attempts.executor_results import Capped, Lost, TimedOut
from autopack.draining.checks.attempt_checks import AttemptChecks
from autopack.draining.checks.own_checks import waited_for
from autopack.draining.engine.drain_session import DrainSession
from autopack.errors import LeaseLostError
from autopack.ports.work import Completed, Outcome, Result

T = TypeVar("T")

_TO_CLEAN_UP_S: Final = 3.0


class Insisting(Protocol):
    """Does something as often as the machine hinders it."""

    async def __call__(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what *work* gives in the end."""


@attrs.frozen(kw_only=True)
class Judged:
    """
    An outcome as it is to be recorded, unless it is lost meanwhile.

    Args:
        question: What a person is to answer before completed work counts as complete.
        duration_s: How long the attempt was at work, without what plugins were asked.
    """

    outcome: Outcome | TimedOut | Capped | Lost
    question: str | None = None
    duration_s: float


async def judged(
    session: DrainSession,
    claim: Claim,
    live: LiveAttempt,
    outcome: Outcome | TimedOut | Capped | Lost,
    *,
    checks: AttemptChecks,
    lost: asyncio.Event,
    insisted: Insisting,
) -> Judged:
    """
    Return an executor's outcome as it is to be recorded; what is lost stays so.

    Args:
        checks: What completed work is judged by.
        lost: Set when the phase is not this worker's any more, or is over a cap.
        insisted: Does again what the machine hinders.
    """
    if isinstance(outcome, Completed) and checks.checks and not live.is_over_cap:
        # What was done is not done again for want of a process to check it with.
        given = outcome
        outcome = await insisted(lambda: _checked(checks, live, given, lost))
    duration_s = live.elapsed_s
    if isinstance(outcome, Lost):
        return Judged(outcome=outcome, duration_s=duration_s)
    known = outcome
    # Nor for want of a thread to ask in.
    question = await insisted(lambda: asked(session.registry, live, claim, known))
    again = partial(check_again, checks)
    kept = await insisted(lambda: session.folders.settled(claim, live, known, question, again))
    if not isinstance(kept, Completed):
        question = None  # it is the work's own, or none is asked of what is not complete
    return Judged(outcome=kept, question=question, duration_s=duration_s)


def check_again(checks: AttemptChecks, folder: Path) -> Result | None:
    """Run an attempt's checks once more, in another folder, from a thread; None if all pass."""
    return waited_for(lambda: checks.fault_in(folder), f"checks of {checks.claim.ref}")


async def _checked(
    checks: AttemptChecks, live: LiveAttempt, outcome: Outcome, lost: asyncio.Event
) -> Outcome | Lost:
    """Return what checks make of an outcome, or that it was lost before they were through."""
    work = asyncio.ensure_future(checks.outcome(outcome))
    losing = asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait({work, losing}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
    except LeaseLostError:
        return _late(outcome)
    finally:
        losing.cancel()
        if not work.done():
            work.cancel()
            await asyncio.wait({work}, timeout=_TO_CLEAN_UP_S)
    return outcome if live.is_over_cap else _late(outcome)


def _late(outcome: Outcome) -> Lost:
    """Return that a phase was lost whose work was done, and not judged yet."""
    work: Future[Outcome] = Future()
    work.set_result(outcome)
    return Lost(work)
