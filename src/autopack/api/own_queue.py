"""The next phase, please: attempts one after the other, for a loop of one's own."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Unpack

from autopack.api.drains import attempt
from autopack.api.views import list_phases
from autopack.errors import InvalidInputError, MoveRefusedError
from autopack.log.log import Log, handler_of, journal_of
from autopack.log.thread_pool import Block
from autopack.ports.attempt import OwnAttempt
from autopack.ports.log import from_us

if TYPE_CHECKING:
    from autopack.draining.settings.parameters import AttemptSettings


def next_attempts(
    log: Log, run_id: str | None = None, **settings: "Unpack[AttemptSettings]"
) -> Iterator[Block[OwnAttempt]]:
    """
    Yield an attempt at each phase that can be taken, until none can be taken now.

    Each is claimed before it is yielded, so that of several loops, threads and processes each gets
    phases of its own; an iterator belongs to one of them. Enter each by ``with``, or by ``async
    with``; one that is not entered is given back. The order is that of a drain without a strategy:
    by run and index. A phase that waits for others, for its back-off, or for a worker
    that is at it is not waited for.

    Args:
        run_id: Only this run's phases.
        settings: As :func:`autopack.attempt` takes them.

    Raises:
        RunMissingError: There is no such run.
        InvalidInputError: The one before was not entered.
    """
    from autopack.draining.attempts.claims import Claims, new_worker
    from autopack.draining.attempts.lost_leases import take_back_all
    from autopack.draining.caps.enforcement import Caps
    from autopack.draining.queue.admission import Admission

    handler, journal = handler_of(log), journal_of(log)
    if run_id is not None:
        list_phases(log, run_id)  # which says so if there is none
    admission = Admission(
        journal, lambda phase: run_id is None or phase.run_id == run_id, run_id=run_id
    )
    while True:
        admission.catch_up(from_us(journal.now_us()))
        if not admission.ready:  # else the claim below looks for workers that are gone
            take_back_all(Claims(handler, worker=new_worker(), caps=Caps(handler)))
            admission.catch_up(from_us(journal.now_us()))
        for phase in admission.ready:
            with suppress(MoveRefusedError):  # somebody else was faster
                claimed = _Claimed(attempt(log, phase.ref, **settings))
                break
        else:
            return
        try:
            yield Block(journal.pool, claimed)
        finally:
            claimed.give_back()
        if not claimed.is_entered:
            raise InvalidInputError(
                f"The attempt at {phase.ref} was not entered, and is given back: enter each by "
                "`with`, before asking for the next.",
                name="attempt",
                value=str(phase.ref),
            )


class _Claimed(AbstractContextManager[OwnAttempt]):
    """An attempt whose phase is claimed already; entering it gives what the claim gave."""

    def __init__(self, inner: Block[OwnAttempt]) -> None:
        self._inner, self._attempt = inner, inner.__enter__()
        self.is_entered = False

    def __enter__(self) -> OwnAttempt:
        self.is_entered = True
        return self._attempt

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return self._inner.__exit__(kind, fault, trace)

    def give_back(self) -> None:
        """Give the phase back, unspent, if nobody entered the attempt."""
        if not self.is_entered:
            fault = KeyboardInterrupt("it was not entered")
            with suppress(KeyboardInterrupt):
                self._inner.__exit__(KeyboardInterrupt, fault, None)
