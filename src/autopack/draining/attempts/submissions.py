"""Work that a provider has: left there without a lease, and asked for by whichever drain is due."""

import inspect
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import attrs

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.draining.attempts.claims import Claim, Claims
from autopack.draining.attempts.execution import is_async
from autopack.draining.attempts.lease_keys import phase_key
from autopack.draining.attempts.machine_faults import hindrance_of
from autopack.errors import CapReachedError, LeaseLostError
from autopack.events import LlmUsageRecorded, PhaseSubmitted
from autopack.format.redaction import clean
from autopack.log.command_handler import Handler
from autopack.ports.importing import IMPORTED
from autopack.ports.log import Recorded
from autopack.ports.prediction import Estimate
from autopack.ports.states import PhaseStatus
from autopack.ports.usage import UsageFigures
from autopack.ports.work import Failed, Outcome, Pending, PhaseView
from autopack.values.ids import PhaseRef, phase_stream

CANNOT_COLLECT: Final = "cannot_collect"
"""The code of an attempt whose executor left work with a provider, and cannot ask for it."""
COLLECT_S: Final = 600.0
"""How long one look at a provider may take, where the phase has no deadline of its own."""


@attrs.frozen
class Unreached(Pending):
    """The provider could not be asked; its work stands, and is asked for again."""

    fault: Exception = attrs.field(kw_only=True)


class CollectingAttempt(LiveAttempt):
    """
    The attempt of work that a provider has, while it is asked for.

    What it used is known only now, and was paid when it was submitted: no cap makes it undone. A
    call without an id is known by its order, so that it is the same when it is told again.
    """

    def __init__(self, handler: Handler, claims: Claims, claim: Claim, **how: Any) -> None:
        super().__init__(handler, claims, claim, **how)
        assert claim.submitted is not None
        event = claim.submitted.event
        self.artifacts.update(event.artifacts)
        self._before_s = event.duration_s or 0.0
        self._n_nameless = 0
        self._naming = threading.Lock()

    @property
    def elapsed_s(self) -> float:
        """How long it has been at work: not while the provider was."""
        return self._before_s + super().elapsed_s

    def _record(
        self,
        call_id: str | None,
        model: str | None,
        occurred_at: datetime | None,
        figures: UsageFigures,
    ) -> tuple[Recorded[LlmUsageRecorded], CapReachedError | None]:
        if call_id is None:
            with self._naming:
                self._n_nameless += 1
                call_id = f"{self.lease_token}-collected-{self._n_nameless}"
        return super()._record(call_id, model, occurred_at, figures)[0], None

    def _met(self, at_cap: CapReachedError | None) -> None:
        """Let the answer stand: it is paid."""


def submitted_by(
    handler: Handler, claim: Claim, live: LiveAttempt, pending: Pending, executor: Any
) -> PhaseSubmitted:
    """Return what records that a provider has the work of an attempt."""
    settings = dict(getattr(executor, "settings", None) or {})
    before = None if claim.submitted is None else claim.submitted.event
    if before is not None:
        settings = dict(before.executor_settings)
    if clean(handler.journal.redact, settings) is not settings:
        settings = {}  # what is made of a part of them would be another one
    return PhaseSubmitted(
        **claim.names,
        executor=claim.executor or "",
        handle=pending.handle,
        poll_after_s=float(pending.poll_after_s),
        executor_settings=settings,
        drain=handler.attempt(claim.ref, claim.number).drain,
        log_id=handler.journal.log_id if before is None else before.log_id,
        artifacts=live.artifacts,
        duration_s=live.elapsed_s,
    )


def last_submitted(handler: Handler, ref: PhaseRef) -> Recorded[PhaseSubmitted] | None:
    """Return what was recorded last of the work that a provider has of a phase."""
    stream = phase_stream(ref.run_id, ref.phase_id)
    found = None
    for recorded in handler.journal.read(stream, types=[PhaseSubmitted]):
        found = recorded
    return found


def is_of_this_log(handler: Handler, submitted: Recorded[PhaseSubmitted]) -> bool:
    """Tell whether this log recorded it: what came from elsewhere may name any endpoint."""
    is_told_so = submitted.event.log_id == handler.journal.log_id
    return is_told_so and IMPORTED not in submitted.meta


def claim_again(
    claims: Claims,
    phase: PhaseView,
    submitted: Recorded[PhaseSubmitted],
    estimate: Callable[[PhaseView], Estimate],
    *,
    phase_at: int,
) -> Claim | None:
    """
    Return a submitted phase in this worker's hands, with the token of its claim; None if another
    worker asks for it, or nobody needs to any more.

    Args:
        phase_at: The position of the log as of which *phase* is.
    """
    handler, token = claims.handler, submitted.event.lease_token
    if claims.hold(phase_key(phase.ref), token) is None:
        return None
    state = handler.phase_state(phase.ref)
    if (state.status, state.lease_token) != (PhaseStatus.SUBMITTED, token):
        claims.let_go(phase_key(phase.ref), token)
        return None
    row = handler.attempt(phase.ref, state.attempts)
    journal = handler.journal
    goal, feedback = journal.whole(phase.goal), journal.with_wholes(phase.feedback)
    done = attrs.evolve(phase, model=row.claimed_model, goal=goal, feedback=feedback)
    known = estimate(done)
    if row.predicted_output_tokens is not None and row.budget_tokens is not None:
        known = attrs.evolve(
            known,
            predicted_output_tokens=row.predicted_output_tokens,
            budget_tokens=row.budget_tokens,
            ceiling_tokens=row.ceiling_tokens,
        )
    return Claim(
        phase=done,
        number=state.attempts,
        token=token,
        estimate=known,
        deadline=None,
        reserved_tokens=row.reserved_tokens or 0,
        account=row.account,
        executor=submitted.event.executor,
        submitted=submitted,
        phase_at=phase_at,
    )


def can_collect(executor: Any) -> bool:
    """Tell whether an executor can ask for what it left with a provider."""
    return callable(getattr(executor, "collect", None))


def cannot_collect(name: str, pending: Pending) -> Failed:
    """Return the failure of an attempt whose work nobody can ask for: once more is paid twice."""
    return Failed(
        CANNOT_COLLECT,
        f"executor {name} answered Pending, and has no collect(handle, attempt) to ask for the "
        f"answer by. The provider has the work as {pending.handle}; it is not sent again. Give "
        "the executor a collect, then requeue the phase.",
        retryable=False,
        failure_class="validation",
        source_fields={"handle": pending.handle},
    )


def collecting(executor: Any, handle: str) -> Callable[..., Any]:
    """Return what asks for the work of a handle, called as an executor is; it raises no fault."""
    collect = executor.collect
    takes_attempt = _takes_attempt(collect)

    def ask(live: LiveAttempt) -> Any:
        return collect(handle, live) if takes_attempt else collect(handle)

    async def awaited(given: Awaitable[Any]) -> Outcome | Any:
        try:
            return await given
        except Exception as fault:
            return _unreached(handle, fault)

    async def collected(_phase: PhaseView, live: LiveAttempt) -> Any:
        return await awaited(ask(live))

    def collected_in_thread(_phase: PhaseView, live: LiveAttempt) -> Any:
        try:
            found = ask(live)
        except Exception as fault:
            return _unreached(handle, fault)
        return awaited(found) if inspect.isawaitable(found) else found

    return collected if is_async(collect) else collected_in_thread


def _unreached(handle: str, fault: Exception) -> Unreached:
    """Return that a provider could not be asked; what is no fault of it goes on."""
    if isinstance(fault, LeaseLostError) or hindrance_of(fault):
        raise fault
    return Unreached(handle, fault=fault)


def _takes_attempt(collect: Callable[..., Any]) -> bool:
    try:
        inspect.signature(collect).bind("handle", None)
    except TypeError:
        return False
    except ValueError:  # of what is not written in Python
        return True
    return True
