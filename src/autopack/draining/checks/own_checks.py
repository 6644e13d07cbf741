"""The checks of a loop of one's own, at the end of its block, which waits for them."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Any, Final, TypeVar

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claim
from autopack.draining.attempts.threads import in_thread
from autopack.draining.checks.attempt_checks import AttemptChecks, checks_of_attempt
from autopack.log.command_handler import Handler
from autopack.plugins.registry import Registry
from autopack.ports.check_specs import Checks
from autopack.ports.work import Outcome

T = TypeVar("T")

_TO_END_S: Final = 5.0


def own_checks(
    handler: Handler, registry: Registry, claim: Claim, of_loop: Checks | None
) -> Callable[[LiveAttempt, Outcome], Outcome]:
    """Return what makes a block's outcome into that which its checks see."""

    def checked(live: LiveAttempt, outcome: Outcome) -> Outcome:
        checks, foreign = checks_of_attempt(handler, claim.phase, of_loop)
        if not checks:
            return outcome
        work = AttemptChecks(
            handler=handler,
            registry=registry,
            claim=claim,
            live=live,
            checks=checks,
            foreign=foreign,
            by="attempt",
            in_log=_at_once,
        )
        return waited_for(lambda: work.outcome(outcome), f"checks of {claim.ref}")

    return checked


def waited_for(begin: Callable[[], Coroutine[Any, Any, T]], name: str) -> T:
    """
    Return what a coroutine gives, run in a loop and a thread of its own.

    So it does not matter whether a loop runs here already; whoever is interrupted ends it first.
    """
    task: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = Future()

    async def main() -> T:
        work = asyncio.ensure_future(begin())
        task.set_result((asyncio.get_running_loop(), work))
        return await work

    thread = in_thread(lambda: asyncio.run(main()), name)
    try:
        return thread.result()
    except BaseException:
        if not thread.done():
            loop, work = task.result()
            loop.call_soon_threadsafe(work.cancel)
            wait([thread], timeout=_TO_END_S)
        raise


async def _at_once(work: Callable[[], T]) -> T:
    return work()
