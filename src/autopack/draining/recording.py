"""One attempt in its worker's hands: usage, progress, texts, and what it will say of its end."""

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Unpack

import attrs

from autopack.budget import Amount
from autopack.drafting import FREE_TEXT_MOST
from autopack.draining.claims import Claim, Claims
from autopack.draining.failing import storable
from autopack.draining.pricing import price_of
from autopack.errors import (
    CapReachedError,
    EventIdConflictError,
    InvalidInputError,
    LeaseLostError,
    UsageConflictError,
)
from autopack.events import LlmUsageRecorded
from autopack.events.usage import BUILDER, CUT_OFF, total_of, usage_id
from autopack.handler import Handler
from autopack.ids import phase_stream
from autopack.phase import holds
from autopack.ports.log import ANY, NewEvent, Recorded, from_us
from autopack.ports.usage import UsageFigures
from autopack.ports.work import USAGE_PROBLEMS, Completed, Failed, NeedsPerson, Outcome

_USAGE_FIELDS: Final = frozenset(LlmUsageRecorded.__annotations__) - {
    "run_id", "phase_id", "attempt", "lease_token", "call_id", "late", "request_model",
}  # fmt: skip


class LiveAttempt:
    """An attempt at a phase; implements :class:`autopack.ports.work.Attempt`."""

    def __init__(self, handler: Handler, claims: Claims, claim: Claim) -> None:
        self.ref, self.number, self.lease_token = claim.ref, claim.number, claim.token
        self.budget_tokens = claim.estimate.budget_tokens
        self.estimate, self.deadline = claim.estimate, claim.deadline
        self.artifacts: dict[str, str] = {}
        self.outcome: Outcome = Completed()
        self.step: str | None = None
        self.calls = 0
        self.builder_calls = self.measured_calls = 0
        self.unpriced_calls = 0
        self.unmetered_calls = 0
        self.total_tokens = 0
        self.cost_usd = 0.0
        self.output_most = 0
        self.sent_tokens: int | None = None
        self.is_cut = False
        self._handler, self._claims, self._claim = handler, claims, claim
        self._registry = getattr(handler.journal, "registry", None)
        self._stop = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether to stop: the deadline passed, the lease is lost, or a stop was asked for."""
        late = self.deadline is not None and self._now() >= self.deadline
        return self._stop.is_set() or late or self._claims.is_lost(self.lease_token)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the run's phases have in common, as it was created with."""
        return self._handler.run_state(self.ref.run_id).settings

    @property
    def is_measured(self) -> bool:
        """Whether the output of each of its builder calls was measured, and there was one."""
        return 0 < self.builder_calls == self.measured_calls and not self.is_misread

    @property
    def used(self) -> Amount:
        """What the attempt's calls have used so far."""
        return Amount(self.total_tokens, self.cost_usd)

    @property
    def is_misread(self) -> bool:
        """Whether it used more than was recorded, since some of it could not be read."""
        return USAGE_PROBLEMS in self.artifacts

    def cancel(self) -> None:
        """Ask the worker to stop at its next look at ``cancelled``."""
        self._stop.set()

    def progress(self, note: str) -> None:
        """Say which step the worker is at; kept beside the log, for ``status``."""
        self.step = self._handler.journal.redact(storable(str(note)))[:FREE_TEXT_MOST]
        self._claims.note(self.lease_token, self.step)

    def attach(self, name: str, text: str) -> str:
        """Store a text beside the log and return its digest; it is named in the phase's end."""
        if not isinstance(name, str) or name != storable(name):
            raise InvalidInputError(f"{name!r} cannot name an artifact: give a text.")
        digest = self._handler.journal.put_artifact(text)
        self.artifacts[name] = digest
        return digest

    def complete(
        self, outputs: Mapping[str, str] | None = None, summary: str | None = None
    ) -> None:
        """Say what the attempt gave; it is recorded when the ``with`` block ends."""
        if isinstance(self.outcome, Completed):  # what was said to have failed stays so
            self.outcome = Completed(dict(outputs or {}), summary)

    def needs_person(
        self, question: str, outputs: Mapping[str, str] | None = None, summary: str | None = None
    ) -> None:
        """Leave the phase at a gate, with what was done, when the ``with`` block ends."""
        if not isinstance(self.outcome, Failed):
            self.outcome = NeedsPerson(question, dict(outputs or {}), summary)

    def fail(self, code: str, message: str, *, retryable: bool | None = None) -> None:
        """Say that the attempt failed; it is recorded when the ``with`` block ends."""
        self.outcome = Failed(code, message, retryable=retryable)

    def record_usage(
        self,
        *,
        call_id: str | None = None,
        model: str | None,
        occurred_at: datetime | None = None,
        **figures: Unpack[UsageFigures],
    ) -> Recorded[LlmUsageRecorded]:
        """
        Record one LLM call; durable on return. The same call twice is recorded once.

        ``help(autopack.Attempt.record_usage)`` tells each figure with its unit and every error.

        Args:
            call_id: The provider's own id of the call; one is made if there is none.
            model: The model that was asked for; None if nobody knows.
            occurred_at: When the call ended, aware; now, if it is left out.
            figures: Each by its name in :class:`autopack.types.UsageFigures`; what is not
                known is left out.

        Raises:
            InvalidInputError, InvalidEventError: There is no such figure, or it cannot be so.
            LeaseLostError: The phase is not this worker's any more; the call is recorded as late.
            CapReachedError: The run's cap is used up; the call is recorded.
            UsageConflictError: The call was recorded before with other figures, or elsewhere.
        """
        unknown = sorted(set(figures) - _USAGE_FIELDS)
        if unknown:
            raise InvalidInputError(
                f"record_usage() has no figure {', '.join(unknown)}. "
                f"It takes: {', '.join(sorted(_USAGE_FIELDS))}."
            )
        if figures.get("truncated") is None:
            figures["truncated"] = _is_cut(figures.get("stop_reason"))
        number = self.calls + 1
        usage = LlmUsageRecorded(
            run_id=self.ref.run_id,
            phase_id=self.ref.phase_id,
            attempt=self.number,
            lease_token=self.lease_token,
            call_id=call_id or f"{self.lease_token}-{number}",
            request_model=model,
            **figures,
        )
        recorded, is_late, at_cap = self._append(usage, occurred_at)
        if is_late:
            state = self._handler.phase_state(self.ref)
            raise LeaseLostError(
                self.ref, token=self.lease_token, state=state.status, holder=state.worker
            )
        if at_cap is not None:
            raise at_cap
        return recorded

    def end_outputs(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Store the phase's output texts and return their digests by name."""
        return {name: self._handler.journal.put_artifact(text) for name, text in outputs.items()}

    def _append(
        self, usage: Any, occurred_at: datetime | None
    ) -> tuple[Recorded[Any], bool, CapReachedError | None]:
        event_id = usage_id(usage.provider, usage.call_id)
        stream = phase_stream(self.ref.run_id, self.ref.phase_id)
        new = self._handler.journal.redacted(
            NewEvent(event=usage, event_id=event_id, occurred_at=occurred_at)
        )
        with self._handler.journal.transaction() as transaction:
            # Nobody can append while the write lock is held, so this state stays true.
            is_late = not holds(self._handler.phase_state(self.ref), self.lease_token)
            known = transaction.store.find([event_id])
            if known:
                (before,) = self._handler.journal.decode(known.values())
                is_late = is_late and bool(getattr(before.event, "late", False))
                usage = attrs.evolve(new.event, late=getattr(before.event, "late", False))
            else:
                usage = attrs.evolve(new.event, late=is_late)
            new = attrs.evolve(new, event=usage)
            try:
                (recorded,) = transaction.append_batch([(stream, [new], ANY)])
            except EventIdConflictError as conflict:
                if not known or not isinstance(before.event, LlmUsageRecorded):
                    raise
                raise _usage_conflict(conflict, before.event, usage) from conflict
            at_cap = None
            if not known:
                self._count(usage)
                caps = self._claims.caps
                at_cap = caps.check(transaction, self.ref, self.lease_token, usage)
        return recorded, is_late, at_cap

    def _count(self, usage: LlmUsageRecorded) -> None:
        usd = price_of(self._registry, usage) if self._registry else usage.cost_usd
        self.calls += 1
        tokens = total_of(usage)
        self.total_tokens += tokens or 0
        self.unmetered_calls += tokens is None
        self.cost_usd += usd or 0.0
        self.unpriced_calls += usd is None
        if usage.role == BUILDER and not usage.late:
            self.builder_calls += 1
            self.measured_calls += usage.split == "measured" and usage.output_tokens is not None
        self.output_most = max(self.output_most, usage.output_tokens or 0)
        if usage.max_tokens is not None:
            self.sent_tokens = max(self.sent_tokens or 0, usage.max_tokens)
        self.is_cut = bool(usage.truncated)

    def _now(self) -> datetime:
        return from_us(self._handler.journal.now_us())


def _is_cut(stop_reason: Any) -> bool | None:
    """Return whether an output was cut, where the reason why it stopped tells."""
    return stop_reason.lower() in CUT_OFF if isinstance(stop_reason, str) else None


def _usage_conflict(
    conflict: EventIdConflictError, before: LlmUsageRecorded, now: LlmUsageRecorded
) -> UsageConflictError:
    """Return what differs between a call as it is recorded and as it was told again."""
    places = [f"{u.run_id}/{u.phase_id} attempt {u.attempt}" for u in (before, now)]
    differs = {
        name: (getattr(before, name), getattr(now, name))
        for name in LlmUsageRecorded.__annotations__
        if getattr(before, name) != getattr(now, name)
        and name not in ("run_id", "phase_id", "attempt", "lease_token", "late")
    }
    return UsageConflictError(
        conflict.event_id,
        position=conflict.position,
        provider=now.provider,
        call_id=now.call_id,
        recorded_for=places[0],
        told_for=places[1],
        figures=differs,
    )
