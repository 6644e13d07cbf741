"""Phases as workers see them, and what an executor gives back."""

import reprlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.events.cap_table import NO_CAPS, CapTable
from autopack.ports.attempt import Attempt
from autopack.ports.states import PhaseStatus
from autopack.values.ids import PhaseRef
from autopack.values.money import Usd

USAGE_PROBLEMS: Final = "usage-problems"
"""
The artifact in which an executor tells what of an attempt's usage it could not read.

An attempt that has it used more than was recorded of it.
"""

DENIED_USES: Final = "denied-uses"
"""The artifact in which an executor tells which uses of tools were denied, a line for each."""

CLASSES: Final = (
    "rate_limited", "usage_limit", "overloaded", "connection", "timeout", "truncated", "boundary",
    "refused", "validation", "check_failed", "auth", "quota", "invalid_request", "execution",
    "unknown",
)  # fmt: skip
"""The classes of failures, as ``autopack_classify_failure`` names them."""


@attrs.frozen(kw_only=True)
class PhaseView:
    """
    A phase as it stands: what was asked for, and how it went so far. Token counts are exact.

    ``outputs``, ``artifacts`` (digests by name) and ``summary`` are those of the attempt that ended
    last; ``log.artifacts.get(digest)`` is the text. ``feedback`` is what the next attempt should
    know: what the last one failed with, what was found wrong with its work, and what people said
    when they sent it back. ``is_right`` is what was said last of the last attempt's work, and
    ``judged_by`` who said so; None where nobody did. ``checks`` are those that it was queued with.
    ``model`` is what was asked for; an executor is shown that of its attempt. ``last_model`` and
    ``last_executor`` are those of the last claim. ``handle`` is what the provider has the work by,
    of a SUBMITTED phase, and ``poll_at`` when it is asked for first.
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
    touches: tuple[str, ...] = ()
    requires: Mapping[str, Any] = attrs.Factory(dict)
    timeout_s: float | None = None
    max_attempts: int = 3
    prompt_tokens: int | None = None
    max_tokens: int | None = None
    max_usd: Usd | None = None
    labels: Mapping[str, str] = attrs.Factory(dict)
    attempts: int = 0
    attempts_spent: int = 0
    last_model: str | None = None
    last_executor: str | None = None
    lease_token: str | None = None
    worker: str | None = None
    handle: str | None = None
    poll_at: datetime | None = None
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
    checks: tuple[Mapping[str, Any], ...] | None = None
    is_right: bool | None = None
    judged_by: str | None = None

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
    """
    A run as it stands, without its phases; its status is OPEN, PAUSED or FINISHED.

    A fork names its parent, and the position of the log at which they part.
    """

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
    workspace: Any = None
    created_at: datetime | None = None
    forked_from: str | None = None
    forked_at: int | None = None


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
            boundary, refused, validation, check_failed, auth, quota, invalid_request, execution,
            unknown; None lets the facts decide, then the classifiers.
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
        if (kind := self.failure_class) is not None and kind not in CLASSES:
            close = did_you_mean(kind, CLASSES)
            raise _refusal(self, "failure_class", f"one of {', '.join(CLASSES)}, or None", close)
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


@attrs.frozen
class Pending:
    """
    The work is with a provider that answers later: the executor's ``collect`` is asked for it.

    Args:
        handle: What the provider has it by, a text of up to 4,000 characters; kept in the log.
        poll_after_s: Not to be asked again before so many seconds.
    """

    handle: str
    poll_after_s: float = 60.0

    def __attrs_post_init__(self) -> None:
        """Refuse what nobody could be asked for, or that cannot be recorded."""
        if not isinstance(self.handle, str) or not 0 < len(self.handle.strip()) <= _HANDLE_MOST:
            wanted = f"what the provider has the work by, a text of up to {_HANDLE_MOST:,}"
            raise _refusal(self, "handle", f"{wanted} characters")
        wait_s = self.poll_after_s
        is_number = isinstance(wait_s, int | float) and not isinstance(wait_s, bool)
        if not is_number or not 0 <= wait_s < _SECONDS_MOST:
            raise _refusal(self, "poll_after_s", f"seconds, from 0 to {_SECONDS_MOST:,}")


_HANDLE_MOST: Final = 4_000
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


def _refusal(outcome: Any, name: str, wanted: str, close: str = "") -> InvalidInputError:
    value = reprlib.repr(getattr(outcome, name))
    return InvalidInputError(
        f"{type(outcome).__name__}({name}={value}): give {wanted}.{close}",
        name=name,
        value=getattr(outcome, name),
    )


Result: TypeAlias = Completed | Failed | NeedsPerson
"""How work ended."""
Outcome: TypeAlias = Result | Pending


@attrs.frozen(kw_only=True)
class Prepared:
    """What a run starts from, captured once: by default nothing is known."""

    commit: str | None = None
    environment: Mapping[str, str] = attrs.Factory(dict)
    artifacts: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None


class Executor(Protocol):
    """
    Does a phase. A plain or async callable with the same arguments will do.

    An executor may also have ``prepare(run) -> Prepared``, called once a run; ``check()``, which
    raises if something is missing before a drain writes anything; ``settings``, which the log
    keeps; ``again(settings)``, a class method that makes it as a drain recorded it; and
    ``foresee(phase, *, budget_tokens, settings)``, which a plan asks why a phase would fail before
    it begins, in words, or None.

    One that answers ``Pending`` has ``collect``, as :class:`Collects` says.
    """

    def execute(
        self, phase: PhaseView, attempt: Attempt
    ) -> Outcome | Awaitable[Outcome | None] | None:
        """
        Do the phase and return how it ended; None is ``Completed()``.

        An exception becomes a failure with its text.
        """


@runtime_checkable
class Collects(Protocol):
    """
    An executor whose provider answers later: what ``execute`` answers with ``Pending`` is recorded,
    nobody holds the phase, and this drain, or any later one, asks ``collect`` for it.
    """

    def collect(self, handle: str, attempt: Attempt) -> Outcome | Awaitable[Outcome | None] | None:
        """
        Return how the work of a handle ended, or ``Pending`` with when to ask again.

        *attempt* is the one that submitted it, to record its usage by; a ``collect`` that needs
        nothing of it may take the handle alone. It may be asked more than once for one handle, also
        after it answered: a drain may be killed before that is recorded. So it tells each call by
        the provider's own ``call_id``; those without one are known by their order.

        An exception says that the provider was not reached, and nothing of the work: it is asked
        again later. ``Failed`` ends the attempt. ``Pending`` with another handle replaces it.
        """


ExecutorLike: TypeAlias = (
    str
    | Executor
    | type[Executor]
    | Callable[[PhaseView, Attempt], Outcome | Awaitable[Outcome | None] | None]
)
"""A registered name, ``file.py:name``, an executor, a class of one, or a callable like it."""
