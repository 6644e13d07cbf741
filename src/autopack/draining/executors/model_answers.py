"""An answer of a model as it comes: its text, its figures, and what it makes of the attempt."""

import contextlib
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

import attrs

from autopack.draining.attempts.failures import failed_by
from autopack.draining.attempts.storable_text import words_of
from autopack.errors import CapReachedError, InvalidEventError, InvalidInputError
from autopack.events.usage import Split, says_cut
from autopack.format.redaction import clean
from autopack.ports.attempt import Attempt
from autopack.ports.work import USAGE_PROBLEMS, Completed, Failed, Outcome

PARTIAL: Final = "partial-answer"
"""The artifact that holds what was written of an answer that is no result."""

_REFUSED: Final = frozenset({"content_filter", "refusal", "safety"})
_NOT_SENT: Final = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "gaierror"})
_OWN_ID_CHARS: Final = 16
_HIDDEN: Final = "[key]"


class CalledOffError(Exception):
    """The attempt is to stop: nobody waits for its answer any more."""


class NotAskedError(Exception):
    """Nobody was asked, so that no call was made: says why."""

    def __init__(self, failure: Failed) -> None:
        super().__init__(failure.message)
        self.failure = failure


class ModelAnswer:
    """
    An answer of one call, filled while it comes.

    ``told`` is what the provider told of the call, in the form in which it answers, for
    ``Attempt.record_response``; ``is_whole`` says that nothing of it is missing.

    Args:
        attempt: Whose call it is.
        model: The model that is asked.
        provider: Whose it is.
        max_tokens: The most output that it is allowed; None if it was not told.
    """

    def __init__(
        self, attempt: Attempt, *, model: str, provider: str, max_tokens: int | None
    ) -> None:
        self.told: dict[str, Any] = {}
        self.stop_reason: str | None = None
        self.refusal: str = ""
        self.is_begun = self.is_whole = False
        self._attempt, self._model, self._provider = attempt, model, provider
        self.max_tokens = max_tokens
        self._parts: list[str] = []
        self._began_s = time.monotonic()

    @property
    def text(self) -> str:
        """What was written so far."""
        return "".join(self._parts)

    @property
    def duration_s(self) -> float | None:
        """How long the call took so far, in seconds; None if nobody knows."""
        return time.monotonic() - self._began_s

    def write(self, text: str | None) -> None:
        """
        Take a piece of the answer.

        Raises:
            CalledOffError: The attempt is to stop.
        """
        self.is_begun = True
        if isinstance(text, str):
            self._parts.append(text)
        if self._attempt.cancelled and not self.is_whole:
            raise CalledOffError

    async def record(self) -> None:
        """
        Record the call, with what is known of it; what is not known is said.

        Raises:
            LeaseLostError: The phase is not this worker's any more; the call is recorded as late.
        """
        figures: Any = {
            "provider": self._provider,
            "max_tokens": self.max_tokens,
            "duration_s": self.duration_s,
            **self._call_id(),
        }
        why = self._why_not_known()
        with contextlib.suppress(CapReachedError):  # it was the last call, and is done
            if self._has_figures:
                split: Split = "measured" if self.is_whole else "inferred"
                try:
                    await self._tell(why)
                    await self._attempt.arecord_response(
                        self.told, model=self._model, split=split, **figures
                    )
                    return
                except (InvalidInputError, InvalidEventError) as fault:
                    why = f"the figures cannot be so: {fault}"
            await self._tell(why)
            await self._attempt.arecord_usage(
                model=self._model, split="total_only", stop_reason=self.stop_reason, **figures
            )

    async def keep(self) -> None:
        """Keep what was written as an artifact: it is no result."""
        if self.text:
            await self._attempt.aattach(PARTIAL, self.text)

    def outcome(self) -> Outcome:
        """Return what an answer that came to its end makes of the attempt."""
        text, reason = self.text, self.stop_reason
        if self.refusal or (reason or "").lower() in _REFUSED:
            said = self.refusal or f"the answer ended with {reason}"
            return Failed("refused", f"{self._model} refused: {said}", failure_class="refused")
        if says_cut(reason):
            most = "its limit" if self.max_tokens is None else f"{self.max_tokens:,} tokens"
            why = f"the answer of {self._model} was cut at {most} ({reason})"
            return Failed("truncated", why, failure_class="truncated")
        if not self.is_whole:
            return Failed(
                "broken_off",
                f"{self._provider} closed the connection before the answer was whole",
                source_fields={"error": "stream_disconnected"},
            )
        if not text.strip():
            why = f"{self._model} answered without a word ({reason or 'no reason was told'})"
            return Failed("no_result", why, retryable=True, failure_class="execution")
        return Completed({"result": text})

    def _call_id(self) -> dict[str, Any]:
        """Return whose id the call goes by: three digits, as some servers count, come again."""
        found = self.told.get("id")
        if isinstance(found, str) and len(found) >= _OWN_ID_CHARS:
            return {"call_id": found}
        told = {"source_fields": {"id": found}} if isinstance(found, str) and found else {}
        return {"call_id": f"{self._attempt.lease_token}-call", **told}

    @property
    def _has_figures(self) -> bool:
        """Whether figures were told: a server that counts nothing tells zeros, or none."""
        usage = self.told.get("usage")
        counts = usage.values() if isinstance(usage, Mapping) else ()
        return any(isinstance(count, int) and count > 0 for count in counts)

    def _why_not_known(self) -> str | None:
        if not self.is_whole:
            known = "what is recorded is the least that it used"
            unknown = "what it used is not known"
            return f"the call was broken off: {known if self._has_figures else unknown}"
        if self._has_figures:
            return None
        return f"{self._provider} told no figures of the call: what it used is not known"

    async def _tell(self, why: str | None) -> None:
        if why is not None:
            await self._attempt.aattach(USAGE_PROBLEMS, why)


def is_paid(fault: BaseException, answer: ModelAnswer) -> bool:
    """
    Tell whether a call that failed may have been paid: it was sent, and nobody refused it.

    Args:
        fault: What the client raised.
        answer: What came of the answer before.
    """
    if answer.is_begun:
        return True
    is_told = isinstance(getattr(fault, "body", None), Mapping)
    if is_told or (getattr(fault, "status_code", None) or 0) >= 400:
        return False
    return not any(type(one).__name__ in _NOT_SENT for one in _chain(fault))


def failed_call(fault: BaseException, secrets: Iterable[str] = ()) -> Failed:
    """Return what a client raised as a failure, by its facts, with no text that holds a secret."""
    failure = failed_by(fault)
    said = words_of(fault.__cause__) if fault.__cause__ is not None else ""
    if type(fault).__name__ == "JSONDecodeError":
        why = f"the answer cannot be read, since it is no JSON: {words_of(fault)}"
        failure = Failed("malformed_answer", why, retryable=True, failure_class="execution")
    elif said and said not in failure.message:
        failure = attrs.evolve(failure, message=f"{failure.message} ({said})")
    for secret in secrets:
        failure = clean(partial(_hidden, secret), failure)
    return failure


def _hidden(secret: str, text: str) -> str:
    return text.replace(secret, _HIDDEN)


def _chain(fault: BaseException) -> Iterable[BaseException]:
    one: BaseException | None = fault
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__
