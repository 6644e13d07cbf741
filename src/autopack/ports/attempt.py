"""What an executor may ask of, and say to, the attempt that it works for."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias, Unpack, runtime_checkable

import attrs

from autopack.events.usage import LlmUsageRecorded
from autopack.ports.log import Recorded
from autopack.ports.usage import UsageFigures
from autopack.values.ids import PhaseRef


@attrs.frozen(kw_only=True)
class AttemptCheckpoint:
    """How far an attempt came: a name and a text of its own, the attempt's number, and when."""

    name: str
    text: str
    attempt: int
    at: datetime


class Attempt(Protocol):
    """
    One attempt at a phase, in the hands of its worker.

    ``workspace`` is the folder that it works in, whole; None is wherever its executor chooses.
    ``feedback`` is what the attempt should know: what the last one failed with, and what people
    said when they sent the phase back.
    """

    ref: PhaseRef
    number: int
    lease_token: str
    budget_tokens: int
    deadline: datetime | None
    workspace: Path | None
    feedback: str | None

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the run's phases have in common, as it was created with."""

    @property
    def cancelled(self) -> bool:
        """
        Whether to stop: the deadline has passed, a cap is reached, the lease is lost, or a stop
        was asked for.
        """

    @property
    def left_s(self) -> float | None:
        """
        How many seconds are left until the deadline; None without one, below 0 after it.

        By the machine's steady clock: a wall clock that is set moves :attr:`deadline` away from
        what it meant, and changes nothing here.
        """

    def progress(self, note: str) -> None:
        """Say which step the worker is at; kept beside the log, for ``status``."""

    def attach(self, name: str, text: str) -> str:
        """Store a text beside the log and return its digest; it is named in the phase's end."""

    def checkpoint(self, name: str, text: str) -> str:
        """
        Keep how far the attempt came, for the next one; durable on return, whatever comes then.

        Args:
            name: What it is called, in up to 200 characters.
            text: What the next attempt needs to go on; up to ten million characters.

        Returns:
            The digest of the text, which is stored beside the log.

        Raises:
            InvalidInputError: The name or the text cannot be that.
            LeaseLostError: The phase is not this worker's any more; nothing is kept.
        """

    @property
    def last_checkpoint(self) -> AttemptCheckpoint | None:
        """
        What was kept last at this phase, by this attempt or one before it; None if nothing was.

        It stays until it is kept anew; ``requeue(..., fresh=True)`` lets the next attempt begin
        from the start.
        """

    @property
    def checkpoints(self) -> Mapping[str, AttemptCheckpoint]:
        """What was kept last at this phase under each name, as :attr:`last_checkpoint` says."""

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

        Give what is known and leave out the rest: unknown is not 0.

        Args:
            call_id: The provider's own id of the call; without it one is made, and the same call
                told again counts twice.
            model: The model that was asked for; None if nobody knows.
            occurred_at: When the call ended, aware; now, if it is left out.
            figures: Tokens, cost and the rest, by their names in
                :class:`autopack.types.UsageFigures`.

        Raises:
            InvalidInputError: There is no figure of that name, or they cannot be so together.
            InvalidEventError: A figure is of a wrong kind, below 0 or another word than those.
            LeaseLostError: The phase is not this worker's any more; the call is recorded as late.
            CapReachedError: The use goes above a cap; the call is recorded. The attempt is
                cancelled, and whoever goes on all the same meets SystemExit at the next call.
            UsageConflictError: The attempt told the call otherwise before.
        """

    def record_response(
        self,
        response: Any,
        *,
        model: str | None = None,
        occurred_at: datetime | None = None,
        **figures: Unpack[UsageFigures],
    ) -> Recorded[LlmUsageRecorded]:
        """
        Record one LLM call from the provider's own answer; as :meth:`record_usage` otherwise.

        Args:
            response: The answer of OpenAI (chat or responses), Anthropic, Gemini, Bedrock, or one
                in the same form, as litellm gives: an object, a table, or JSON. By whose
                convention it was read is in ``source_fields``, as ``read_as``.
            model: The model that was asked for; that which answered, if it is left out.
            figures: What is known besides, or better.

        Raises:
            InvalidInputError: It is of no convention that is known; besides as for
                :meth:`record_usage`.
        """

    def report_limit(
        self,
        window: str,
        *,
        utilization: float | None = None,
        resets_at: datetime | None = None,
        model: str | None = None,
        source: str = "executor",
    ) -> None:
        """
        Say how much of a limit's window is used; what is no news is not recorded.

        Args:
            window: The window's name, as its provider calls it.
            utilization: The share that is used; 1 is all of it.
            resets_at: When it starts anew, aware.
            model: Whose window it is, where it is not all models'.
            source: Who says so.

        Raises:
            InvalidEventError: A value is of a wrong kind.
        """

    async def aprogress(self, note: str) -> None:
        """Do as :meth:`progress` does, while the event loop goes on."""

    async def acheckpoint(self, name: str, text: str) -> str:
        """Do as :meth:`checkpoint` does, while the event loop goes on."""

    async def aattach(self, name: str, text: str) -> str:
        """Do as :meth:`attach` does, while the event loop goes on."""

    async def arecord_usage(
        self,
        *,
        call_id: str | None = None,
        model: str | None,
        occurred_at: datetime | None = None,
        **figures: Unpack[UsageFigures],
    ) -> Recorded[LlmUsageRecorded]:
        """
        Do as :meth:`record_usage` does, while the event loop goes on.

        A task that is cancelled meanwhile is cancelled once the call is recorded: it is neither
        lost nor, by its ``call_id``, counted twice.
        """

    async def arecord_response(
        self,
        response: Any,
        *,
        model: str | None = None,
        occurred_at: datetime | None = None,
        **figures: Unpack[UsageFigures],
    ) -> Recorded[LlmUsageRecorded]:
        """Do as :meth:`record_response` does, while the event loop goes on."""


SessionUse: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What a session's calls used: token counts and ``cost_usd`` by name, by model."""


@runtime_checkable
class RecallsSessions(Protocol):
    """An attempt that can say what of a client's session is recorded."""

    def session_use(self, session_id: str) -> SessionUse:
        """Return what the log has of a session, whatever attempt it was of; may be slow."""


@runtime_checkable
class KeepsCheckpoints(Protocol):
    """An attempt that keeps how far it came, and knows what was kept of its phase."""

    async def acheckpoint(self, name: str, text: str) -> str:
        """Do as :meth:`Attempt.checkpoint` does, while the event loop goes on."""

    def checkpoint_of(self, name: str) -> AttemptCheckpoint | None:
        """Return what was kept last at this phase under a name; may be slow."""


@runtime_checkable
class HeedsCaps(Protocol):
    """An attempt whose executor may see to caps itself."""

    def heed_caps(self) -> None:
        """
        Say that the executor ends its work itself where a cap is reached.

        Without it an attempt that goes on after ``CapReachedError`` is cancelled, and fails as
        ``cap_reached``. With it a result that was there by then stands.
        """


class OwnAttempt(Attempt, Protocol):
    """An attempt of a loop of one's own, as ``attempt()`` gives it: the loop says how it ends."""

    def complete(
        self, outputs: Mapping[str, str] | None = None, summary: str | None = None
    ) -> None:
        """Say what the attempt gave; it is recorded when the ``with`` block ends."""

    def needs_person(
        self, question: str, outputs: Mapping[str, str] | None = None, summary: str | None = None
    ) -> None:
        """Leave the phase at a gate, with what was done, when the ``with`` block ends."""

    def fail(self, code: str, message: str, *, retryable: bool | None = None) -> None:
        """Say that the attempt failed; it is recorded when the ``with`` block ends."""
