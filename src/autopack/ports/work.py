"""Phases as workers see them, and what an executor gives back."""

import reprlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias, Unpack, runtime_checkable

import attrs

from autopack.errors import InvalidInputError
from autopack.events.cap_table import NO_CAPS, CapTable
from autopack.events.usage import LlmUsageRecorded
from autopack.ports.log import Recorded
from autopack.ports.states import PhaseStatus
from autopack.ports.usage import UsageFigures
from autopack.values.ids import PhaseRef

USAGE_PROBLEMS: Final = "usage-problems"
"""
The artifact in which an executor tells what of an attempt's usage it could not read.

An attempt that has it used more than was recorded of it.
"""

DENIED_USES: Final = "denied-uses"
"""The artifact in which an executor tells which uses of tools were denied, a line for each."""


@attrs.frozen(kw_only=True)
class PhaseView:
    """
    A phase as it stands: what was asked for, and how it went so far. Token counts are exact.

    ``outputs``, ``artifacts`` (digests by name) and ``summary`` are those of the attempt that ended
    last; ``log.artifacts.get(digest)`` is the text. ``feedback`` is what the next attempt should
    know: what the last one failed with, and what people said when they sent it back.
    """

    run_id: str
    phase_id: str
    order: int
    index: int = 0
    status: PhaseStatus = PhaseStatus.QUEUED
    category: str = ""
    complexity: str = ""
    tier: str | None = None
    deliverables: tuple[str, ...] = ()
    goal: str | None = None
    payload: Any = None
    inputs: Mapping[str, str] = attrs.Factory(dict)
    model: str | None = None
    priority: int = 0
    after: tuple[str, ...] = ()
    timeout_s: float | None = None
    max_attempts: int = 3
    prompt_tokens: int | None = None
    labels: Mapping[str, str] = attrs.Factory(dict)
    attempts: int = 0
    attempts_spent: int = 0
    lease_token: str | None = None
    worker: str | None = None
    since: datetime | None = None
    not_before: datetime | None = None
    wait_s: float | None = None
    reason_code: str | None = None
    reason: str | None = None
    failure_class: str | None = None
    fingerprint: str | None = None
    zero_yield_reason: str | None = None
    calls: int = 0
    calls_this_attempt: int = 0
    predicted_output_tokens: int | None = None
    budget_tokens: int | None = None
    escalated_tokens: int | None = None
    duration_s: float | None = None
    outputs: Mapping[str, str] = attrs.Factory(dict)
    artifacts: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None
    feedback: str | None = None

    @property
    def ref(self) -> PhaseRef:
        """The phase's name in the log."""
        return PhaseRef(self.run_id, self.phase_id)

    @property
    def key(self) -> str:
        """``RUN/PHASE``."""
        return f"{self.run_id}/{self.phase_id}"


@attrs.frozen(kw_only=True)
class RunView:
    """A run as it stands, without its phases; its status is OPEN, PAUSED or FINISHED."""

    run_id: str
    order: int
    created: bool = True
    goal: str | None = None
    status: str = "OPEN"
    is_paused: bool = False
    outcome: str | None = None
    caps: CapTable = NO_CAPS
    labels: Mapping[str, str] = attrs.Factory(dict)
    settings: Mapping[str, Any] = attrs.Factory(dict)
    is_prepared: bool | None = None
    created_at: datetime | None = None


@attrs.frozen
class Completed:
    """The phase is done; *outputs* are texts by name, stored beside the log."""

    outputs: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be recorded."""
        _check_texts(self)


@attrs.frozen
class Failed:
    """
    The attempt failed.

    Args:
        code: A short word (``"tests_failed"``); never empty.
        message: What happened, for people; never empty.
        retry_after_s: Not before so many seconds, if there is a next attempt.
        retryable: Whether another attempt may help; None leaves it to the failure's class.
        failure_class: rate_limited, usage_limit, overloaded, connection, timeout, truncated,
            boundary, refused, validation, auth, quota, invalid_request, execution; None lets the
            facts decide, then the classifiers.
        exit_code: That of a process, negative for a signal.
        excerpt: The telling part of what was printed; attach the whole text.
        source_fields: What the provider or its client told as facts, JSON values by name:
            ``http_status``, ``error`` (its own word for the kind of error), ``said`` (its own
            sentence), ``window`` and ``resets_at`` (of a limit, Unix seconds), and what else it
            told. The class is taken from these before any word of the message.
    """

    code: str
    message: str
    retry_after_s: float | None = None
    retryable: bool | None = None
    failure_class: str | None = None
    exit_code: int | None = None
    excerpt: str | None = None
    source_fields: Mapping[str, Any] = attrs.Factory(dict)

    def __attrs_post_init__(self) -> None:
        """Refuse a failure without a reason, and what cannot be recorded."""
        for name in ("code", "message"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise _refusal(self, name, f"a {name} that says why the phase failed")
        for name, kinds, wanted in _FAILED_FIELDS:
            if not isinstance(getattr(self, name), kinds):
                raise _refusal(self, name, f"{wanted}, or None")
        if not isinstance(self.source_fields, Mapping):
            raise _refusal(self, "source_fields", "a table of JSON values")
        wait_s = self.retry_after_s
        if isinstance(wait_s, bool) or not (wait_s is None or wait_s < _SECONDS_MOST):
            raise _refusal(self, "retry_after_s", f"seconds, under {_SECONDS_MOST:,}")


@attrs.frozen
class Classed:
    """
    A failure's class.

    Args:
        kind: A class of failures, as ``Failed`` lists them.
        basis: What it was taken from, for people.
        from_words: Whether nothing but a sentence says so.
    """

    kind: str
    basis: str
    from_words: bool = False


@attrs.frozen
class NeedsPerson:
    """The phase waits at a gate until a person decides; what was done by then is kept with it."""

    question: str
    outputs: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a gate without a question, and what cannot be recorded."""
        if not isinstance(self.question, str) or not self.question.strip():
            raise _refusal(self, "question", "what a person is to decide")
        _check_texts(self)


_FAILED_FIELDS: Final[tuple[tuple[str, Any, str], ...]] = (
    ("retry_after_s", int | float | None, "seconds"),
    ("retryable", bool | None, "True, False"),
    ("failure_class", str | None, "the name of a class"),
    ("exit_code", int | None, "a whole number"),
    ("excerpt", str | None, "a text"),
)
_SECONDS_MOST: Final = 10**9


def _check_texts(outcome: "Completed | NeedsPerson") -> None:
    outputs, summary = outcome.outputs, outcome.summary
    if not isinstance(outputs, Mapping) or not all(
        isinstance(name, str) and isinstance(text, str) for name, text in outputs.items()
    ):
        raise _refusal(outcome, "outputs", "texts by name, as {'a.md': '...'}")
    if not isinstance(summary, str | None):
        raise _refusal(outcome, "summary", "a text, or None")


def _refusal(outcome: Any, name: str, wanted: str) -> InvalidInputError:
    value = reprlib.repr(getattr(outcome, name))
    return InvalidInputError(
        f"{type(outcome).__name__}({name}={value}): give {wanted}.",
        name=name,
        value=getattr(outcome, name),
    )


Outcome: TypeAlias = Completed | Failed | NeedsPerson


@attrs.frozen(kw_only=True)
class Prepared:
    """What a run starts from, captured once: by default nothing is known."""

    commit: str | None = None
    environment: Mapping[str, str] = attrs.Factory(dict)
    artifacts: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None


class Attempt(Protocol):
    """One attempt at a phase, in the hands of its worker."""

    ref: PhaseRef
    number: int
    lease_token: str
    budget_tokens: int
    deadline: datetime | None

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


SessionUse: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What a session's calls used: token counts and ``cost_usd`` by name, by model."""


@runtime_checkable
class RecallsSessions(Protocol):
    """An attempt that can say what of a client's session is recorded."""

    def session_use(self, session_id: str) -> SessionUse:
        """Return what the log has of a session, whatever attempt it was of; may be slow."""


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


class Executor(Protocol):
    """
    Does a phase. A plain or async callable with the same arguments will do.

    An executor may also have ``prepare(run) -> Prepared``, called once a run; ``check()``, which
    raises if something is missing before a drain writes anything; ``settings``, which the log
    keeps; and ``again(settings)``, a class method that makes it as a drain recorded it.
    """

    def execute(
        self, phase: PhaseView, attempt: Attempt
    ) -> Outcome | Awaitable[Outcome | None] | None:
        """
        Do the phase and return how it ended; None is ``Completed()``.

        An exception becomes a failure with its text.
        """


ExecutorLike: TypeAlias = (
    str
    | Executor
    | type[Executor]
    | Callable[[PhaseView, Attempt], Outcome | Awaitable[Outcome | None] | None]
)
"""A registered name, ``file.py:name``, an executor, a class of one, or a callable like it."""
