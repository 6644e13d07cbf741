"""One attempt in its worker's hands: usage, progress, texts, and what it will say of its end."""

import contextlib
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Unpack

from autopack.draining.attempts.alarms import Alarming
from autopack.draining.attempts.call_figures import checked
from autopack.draining.attempts.checkpoints import Checkpointing
from autopack.draining.attempts.claims import Claim, Claims
from autopack.draining.attempts.limit_reports import LimitReporting
from autopack.draining.attempts.machine_faults import hindrance_of, patiently
from autopack.draining.attempts.provider_responses import told_by
from autopack.draining.attempts.recorded_calls import evolved, record
from autopack.draining.attempts.storable_text import storable
from autopack.draining.attempts.threads import is_on_loop
from autopack.errors import (
    CapReachedError,
    InvalidInputError,
    LeaseLostError,
    UsageConflictError,
)
from autopack.events import LlmUsageRecorded
from autopack.format.redaction import clean
from autopack.log.command_handler import Handler
from autopack.log.drafts import FREE_TEXT_MOST
from autopack.ports.attempt import SessionUse
from autopack.ports.log import Recorded, from_us
from autopack.ports.usage import UsageFigures
from autopack.ports.work import USAGE_PROBLEMS, Completed, Failed, NeedsPerson, Outcome
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.call_use import Use


class LiveAttempt(Alarming, LimitReporting, Checkpointing):
    """
    An attempt at a phase; implements :class:`autopack.Attempt`. Any thread.

    Args:
        is_patient: Whether it waits while the machine hinders it, as a drain does; somebody's own
            loop is told at once.
        workspace: The folder that it works in; None is wherever its executor chooses.
    """

    def __init__(
        self,
        handler: Handler,
        claims: Claims,
        claim: Claim,
        *,
        is_patient: bool = True,
        workspace: Path | None = None,
    ) -> None:
        self.ref, self.number, self.lease_token = claim.ref, claim.number, claim.token
        self.budget_tokens = claim.estimate.budget_tokens
        self.estimate, self.deadline = claim.estimate, claim.deadline
        self.workspace = None if workspace is None else workspace.resolve()
        self.feedback = claim.phase.feedback
        self.artifacts: dict[str, str] = {}
        self.outcome: Outcome = Completed()
        self.step: str | None = None
        self.at_cap: CapReachedError | None = None
        self.calls_over_cap = 0
        self.when_capped: Callable[[], object] = lambda: None
        self._handler, self._claims = handler, claims
        self._is_patient, self._heeds_caps = is_patient, False
        self._recording, self._keeping = threading.Lock(), threading.Lock()
        self._untold: list[tuple[LlmUsageRecorded, datetime | None]] = []
        self._last: LlmUsageRecorded | None = None
        self._began_s = handler.journal.steady_s()
        self._ends_s = None if claim.timeout_s is None else self._began_s + claim.timeout_s
        self._stop = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether to stop: the deadline, a cap, an alarm, a lost lease, or somebody says so."""
        is_late = self.left_s is not None and self.left_s <= 0
        is_over = is_late or self.is_over_cap
        return self._stop.is_set() or is_over or self._claims.is_lost(self.lease_token)

    @property
    def left_s(self) -> float | None:
        """How many seconds are left until the deadline, by a clock that nobody sets."""
        return None if self._ends_s is None else self._ends_s - self._handler.journal.steady_s()

    @property
    def elapsed_s(self) -> float:
        """How long it has been at work, by the steady clock."""
        return max(0.0, self._handler.journal.steady_s() - self._began_s)  # a test's may go back

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the run's phases have in common, as it was created with."""
        return self._handler.known_run(self.ref.run_id)[1].settings

    @property
    def account(self) -> AttemptRow:
        """What the log says of the attempt so far: its calls, and what they used."""
        return self._handler.attempt(self.ref, self.number)

    @property
    def use(self) -> Use:
        """What its calls have used so far."""
        return self.account.use

    @property
    def is_misread(self) -> bool:
        """Whether it used more than was recorded, since some of it could not be read."""
        return USAGE_PROBLEMS in self.artifacts

    @property
    def is_cut(self) -> bool:
        """Whether the output of its last call was cut."""
        return bool(self._last is not None and self._last.truncated)

    @property
    def output_most(self) -> int:
        """The largest output of a call, in tokens."""
        return max((call.output_tokens or 0 for call in self.account.calls.values()), default=0)

    @property
    def sent_tokens(self) -> int | None:
        """The largest ceiling that a call was sent with; None if none was told."""
        sent = [call.max_tokens for call in self.account.calls.values()]
        return max((tokens for tokens in sent if tokens is not None), default=None)

    @property
    def is_over_cap(self) -> bool:
        """Whether an alarm ends it, or a cap was reached that its executor does not see to."""
        return self.alarm is not None or (self.at_cap is not None and not self._heeds_caps)

    def heed_caps(self) -> None:
        """Let what was done stand: its executor itself ends its work where a cap is reached."""
        self._heeds_caps = True

    def cancel(self) -> None:
        """Ask the worker to stop at its next look at ``cancelled``."""
        self._stop.set()

    def progress(self, note: str) -> None:
        """Say which step the worker is at; kept beside the log, for ``status``."""
        self.step = self._handler.journal.redact(storable(str(note)))[:FREE_TEXT_MOST]
        self._claims.note(self.lease_token, self.step)

    def attach(self, name: str, text: str) -> str:
        """Store a text beside the log and return its digest; it is named in the phase's end."""
        if not isinstance(name, str):
            raise InvalidInputError(
                f"{name!r} cannot name an artifact: give a text.", name="name", value=name
            )
        name = storable(name)
        digest = self._stored(clean(storable, text))
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
            CapReachedError: The use goes above a cap; the call is recorded.
            UsageConflictError: The attempt told the call otherwise before.
        """
        recorded, at_cap = self._record(call_id, model, occurred_at, figures)
        if at_cap is not None:
            is_first = self.calls_over_cap == 1
            if is_first or self._heeds_caps or not self._is_patient or is_on_loop():
                raise at_cap
            # Whoever goes on after that has swallowed it, and would swallow it again.
            raise SystemExit(str(at_cap))
        if self.alarm is not None and self._is_patient and not is_on_loop():
            self.calls_over_alarm += 1
            if self.calls_over_alarm > 1:  # it does not look whether it is cancelled
                raise SystemExit(self.alarm.why)
        return recorded

    def _record(
        self,
        call_id: str | None,
        model: str | None,
        occurred_at: datetime | None,
        figures: UsageFigures,
    ) -> tuple[Recorded[LlmUsageRecorded], CapReachedError | None]:
        self._check_time(occurred_at)
        usage = LlmUsageRecorded(
            run_id=self.ref.run_id,
            phase_id=self.ref.phase_id,
            attempt=self.number,
            lease_token=self.lease_token,
            call_id=clean(storable, call_id) or f"{self.lease_token}-{secrets.token_hex(4)}",
            request_model=clean(storable, model),
            **clean(storable, checked(figures)),
        )
        usage = self._claims.caps.prices.priced(usage, occurred_at)
        with self._recording:  # executors record from threads of their own
            if call_id is None:
                usage = self._told_before(usage)
            recorded, at_cap = self._recorded(usage, occurred_at)
            self._met(at_cap)
            self._last = recorded.event
        if recorded.event.late:
            state = self._handler.phase_state(self.ref)
            raise LeaseLostError(
                self.ref, token=self.lease_token, state=state.status, holder=state.worker
            )
        return recorded, at_cap

    def _check_time(self, occurred_at: datetime | None) -> None:
        """Refuse a call of the far future: no sum by day would find it."""
        if occurred_at is None or occurred_at.tzinfo is None:
            return  # what has no zone is refused by the log
        ahead = occurred_at - from_us(self._handler.journal.now_us())
        if ahead > timedelta(days=1):
            raise InvalidInputError(
                f"occurred_at is {occurred_at:%Y-%m-%d}, {ahead.days:,} days from now: a call "
                "that is recorded was made before.",
                name="occurred_at",
                value=occurred_at,
            )

    def _met(self, at_cap: CapReachedError | None) -> None:
        """Keep which cap was reached, by how much, and tell whoever waits for the executor."""
        if at_cap is None:
            return
        self.calls_over_cap += 1
        self.at_cap = at_cap
        if not self._heeds_caps:
            self.when_capped()

    def record_response(
        self,
        response: Any,
        *,
        model: str | None = None,
        occurred_at: datetime | None = None,
        **figures: Unpack[UsageFigures],
    ) -> Recorded[LlmUsageRecorded]:
        """
        Record one LLM call from the provider's own answer.

        ``help(autopack.Attempt.record_response)`` tells which answers, and how they are read.
        """
        return self.record_usage(**told_by(response, model, figures), occurred_at=occurred_at)

    async def arecord_response(
        self,
        response: Any,
        *,
        model: str | None = None,
        occurred_at: datetime | None = None,
        **figures: Unpack[UsageFigures],
    ) -> Recorded[LlmUsageRecorded]:
        """Do as :meth:`record_response` does, in a thread, even if the task is cancelled."""
        found = told_by(response, model, figures)
        return await self.arecord_usage(**found, occurred_at=occurred_at)

    async def arecord_usage(
        self,
        *,
        call_id: str | None = None,
        model: str | None,
        occurred_at: datetime | None = None,
        **figures: Unpack[UsageFigures],
    ) -> Recorded[LlmUsageRecorded]:
        """Do as :meth:`record_usage` does, in a thread, even if the task is cancelled."""
        recorded, at_cap = await self._handler.journal.pool.call(
            self._record, call_id, model, occurred_at, figures
        )
        if at_cap is not None:
            raise at_cap
        return recorded

    async def aattach(self, name: str, text: str) -> str:
        """Do as :meth:`attach` does, in a thread, even if the task is cancelled."""
        return await self._handler.journal.pool.call(self.attach, name, text)

    async def aprogress(self, note: str) -> None:
        """Do as :meth:`progress` does, in a thread, even if the task is cancelled."""
        await self._handler.journal.pool.call(self.progress, note)

    def catch_up(self) -> None:
        """Record the calls that were told, and not waited for, while the machine hindered it."""
        if not self._untold:
            return  # nor wait for a thread of the executor's that waits for the machine
        with self._recording:
            while self._untold:
                usage, occurred_at = self._untold[0]
                with contextlib.suppress(UsageConflictError):  # told again since, otherwise
                    self._met(record(self._handler, self._claims, self.ref, usage, occurred_at)[1])
                del self._untold[0]

    def _recorded(
        self, usage: LlmUsageRecorded, occurred_at: datetime | None
    ) -> tuple[Recorded[Any], CapReachedError | None]:
        """Record a call; where nobody may wait for the machine it is kept for the end."""

        def work() -> tuple[Recorded[Any], CapReachedError | None]:
            return record(self._handler, self._claims, self.ref, usage, occurred_at)

        if self._is_patient and not is_on_loop():
            return patiently(work)
        try:
            return work()
        except Exception as fault:
            if hindrance_of(fault):
                self._untold.append((usage, occurred_at))
            raise

    def _told_before(self, usage: LlmUsageRecorded) -> LlmUsageRecorded:
        """Return a call that was kept and is told once more, or else the one that was given."""
        for n, (kept, _at) in enumerate(self._untold):
            if evolved(usage, call_id=kept.call_id) == kept:
                del self._untold[n]
                return kept
        return usage

    def session_use(self, session_id: str) -> SessionUse:
        """Return what the log has of a client's session, whatever attempt it was of."""
        return self._claims.sessions.use(session_id)

    def end_outputs(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Store the phase's output texts and return their digests by name."""
        return {name: self._stored(text) for name, text in outputs.items()}

    def _stored(self, text: str) -> str:
        """Store a text, so that nobody prunes it before an event names it."""
        if not self._is_patient:
            return self._claims.store_text(self.lease_token, text)
        return patiently(lambda: self._claims.store_text(self.lease_token, text))
