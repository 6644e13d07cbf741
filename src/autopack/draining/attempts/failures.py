"""A failure as what is recorded of it: its class, whether and when it is tried again."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from autopack.aggregates.requests import EndRequest
from autopack.draining.attempts.backoff import Backoff
from autopack.draining.attempts.error_facts import facts_of
from autopack.draining.attempts.escalation import (
    Escalation,
    EscalationPolicy,
    Factor,
    NextQuantile,
    checked,
)
from autopack.draining.attempts.failure_classes import (
    RETRYABLE,
    WAITING,
    class_of,
    zero_yield_reason,
)
from autopack.draining.attempts.fingerprints import fingerprint
from autopack.draining.attempts.followed_ends import Followup, followed
from autopack.draining.attempts.refusals import given_up, refused_by, told_wait_s
from autopack.draining.attempts.storable_text import shown, storable, words_of
from autopack.draining.attempts.told_waits import retry_after_s
from autopack.errors import AutopackError, CapReachedError
from autopack.errors.nearest import did_you_mean
from autopack.events import BudgetEscalated, PhaseFailed, PhaseRequeued, PhaseTimedOut
from autopack.format.redaction import clean
from autopack.plugins.narrator import Narrator
from autopack.ports.work import CLASSES, Classed, Failed
from autopack.prediction.calibrators import Quantiles

if TYPE_CHECKING:
    from autopack.draining.attempts.attempt import LiveAttempt
    from autopack.draining.attempts.claims import Claim

_narrator: Final = Narrator("autopack.drain")
_HOOK: Final = "autopack_classify_failure"
_KNOWN: Final = ", ".join(CLASSES)
_VAGUE: Final = frozenset({"execution", "validation", "unknown"})


@attrs.frozen(kw_only=True)
class Failing:
    """
    What becomes of failures.

    Args:
        classify: Names the class of a failure, given whether calls of the attempt were answered.
        backoff: How long a phase waits for its next attempt.
        quantiles: Returns what a calibrator has learned; asked where a budget is escalated.
        escalation: How a cut output gets a larger budget, once; None leaves it.
        draw: Draws a random number from 0 to 1.
        redact: What the log's texts pass; whatever is derived from a failure is made after it.
        followed: Says what a drain's strategy makes of a failure that is not free.
    """

    quantiles: Callable[[], Quantiles]
    redact: Callable[[str], str]

    classify: Callable[[Failed, bool], Classed] = lambda failure, answered: class_of(
        failure, answered=answered
    )
    backoff: Backoff = attrs.Factory(Backoff)
    escalation: EscalationPolicy | None = attrs.Factory(NextQuantile)
    draw: Callable[[], float] = random.random
    followed: Callable[["Claim", PhaseFailed | PhaseTimedOut], Followup] = lambda _claim, _end: (
        Followup()
    )

    def failed(
        self,
        claim: "Claim",
        live: "LiveAttempt",
        failure: Failed,
        *,
        duration_s: float | None,
        now: datetime,
    ) -> EndRequest:
        """Return what records a failure."""
        failure = self._redacted(failure)
        classed = self._class_of(failure, live)
        kind = classed.kind
        retryable = failure.retryable if failure.retryable is not None else kind in RETRYABLE
        asked_s = _seconds(failure.retry_after_s)
        if asked_s is None and (retryable or kind in WAITING):
            asked_s = told_wait_s(failure.source_fields, now)
            if asked_s is None:
                asked_s = retry_after_s(self._spoken(failure), now_s=now.timestamp())
        # Words alone make no attempt free that was answered.
        is_refused = kind in WAITING and not (classed.from_words and live.use.calls)
        why_spent = given_up(claim, kind, now) if is_refused else None
        event = PhaseFailed(
            **claim.names,
            code=failure.code,
            message=failure.message,
            failure_class=kind,
            retryable=retryable,
            fingerprint=_alike(failure, kind),
            artifacts=live.artifacts,
            duration_s=duration_s,
            zero_yield_reason=why_silent(live, "failed", kind, failure.code),
            exit_code=failure.exit_code,
            excerpt=failure.excerpt,
            retry_after_s=asked_s,
            class_basis=classed.basis,
            source_fields=failure.source_fields,
            given_up=why_spent,
        )
        draw = self.draw()
        # Work that was cut off, and so did not pass, wants a larger budget as well.
        is_cut = kind == "truncated" or (kind == "check_failed" and live.is_cut)
        larger = self._escalated(claim, live) if is_cut else None
        wait_s = None
        if retryable:
            wait_s = self.backoff.wait_s(claim.number, draw=draw, retry_after_s=asked_s)
        is_spent = not is_refused or why_spent is not None
        refused = None
        if is_refused:
            refused = refused_by(claim, event, now, backoff=self.backoff, draw=draw)
        request = EndRequest(
            event=event,
            max_attempts=claim.phase.max_attempts,
            escalated=None if larger is None else _larger(claim, live, larger, failure.message),
            requeued=_again(claim, failure.code, now, wait_s, is_spent=is_spent),
            refused=refused,
        )
        return followed(request, self.followed(claim, event), self.redact) if is_spent else request

    def timed_out(
        self, claim: "Claim", live: "LiveAttempt", *, timeout_s: float, now: datetime
    ) -> EndRequest:
        """Return what records that an attempt did not end by its deadline."""
        event = PhaseTimedOut(
            **claim.names,
            timeout_s=timeout_s,
            message=f"no result after {timeout_s:g} s",
            retryable=True,
            artifacts=live.artifacts,
            zero_yield_reason=why_silent(live, "timed_out"),
        )
        wait_s = self.backoff.wait_s(claim.number, draw=self.draw())
        again = _again(claim, "timed_out", now, wait_s)
        request = EndRequest(event=event, max_attempts=claim.phase.max_attempts, requeued=again)
        return followed(request, self.followed(claim, event), self.redact)

    def _spoken(self, failure: Failed) -> str:
        said = failure.source_fields.get("said")
        return " ".join(one for one in (failure.message, said, failure.excerpt) if one)

    def _redacted(self, failure: Failed) -> Failed:
        """Return a failure as the log may keep it: a fingerprint hides a secret from the hook."""
        told: Failed = clean(lambda text: self.redact(storable(text)).strip(), failure)
        return told

    def _class_of(self, failure: Failed, live: "LiveAttempt") -> Classed:
        if failure.failure_class is not None:
            return class_of(failure)
        classed = self.classify(failure, bool(live.use.calls))
        # What fails to parse or to apply after a cut output failed because of the cut.
        if live.is_cut and classed.kind in _VAGUE:
            return Classed("truncated", "an output of the attempt was cut")
        return classed

    def _escalated(self, claim: "Claim", live: "LiveAttempt") -> Escalation | None:
        if self.escalation is None:
            return None
        ceiling = claim.estimate.ceiling_tokens
        try:
            found = self._asked(self.escalation, claim, live)
        except Exception as fault:  # the attempt ended and is to be recorded, whatever comes next
            why = storable(f"the policy failed: {type(fault).__name__}: {words_of(fault)}")
            _narrator.error("escalation failed", phase=str(live.ref), why=why, exc_info=fault)
            found = self._asked(Factor(), claim, live)
            found = found and attrs.evolve(found, why=f"{found.why}; {why}")
        if found is None or ceiling is None or found.tokens <= ceiling:
            return found
        return Escalation(ceiling, f"the ceiling; {found.tokens} would be {found.why}")

    def _asked(
        self, policy: EscalationPolicy, claim: "Claim", live: "LiveAttempt"
    ) -> Escalation | None:
        asked = claim.estimate.asked()
        found = policy.escalated(
            claim.phase,
            selected=live.budget_tokens,
            sent=live.sent_tokens,
            used=live.output_most,
            quantile=lambda tau: self.quantiles().at(asked, tau),
        )
        return None if found is None else checked(found)


def _alike(failure: Failed, kind: str) -> str:
    """Return what failures of the kind have in common: of a check, what its first line says."""
    message = failure.message
    return fingerprint(
        failure.code, message.partition("\n")[0] if kind == "check_failed" else message
    )


def _larger(
    claim: "Claim", live: "LiveAttempt", found: Escalation, message: str
) -> BudgetEscalated:
    before = live.budget_tokens
    return BudgetEscalated(
        run_id=claim.ref.run_id,
        phase_id=claim.ref.phase_id,
        attempt=claim.number,
        from_tokens=before,
        to_tokens=found.tokens,
        why=f"the output was cut at {before} tokens: {found.why or message}",
    )


def _again(
    claim: "Claim", code: str, now: datetime, wait_s: float | None, *, is_spent: bool = True
) -> PhaseRequeued:
    return PhaseRequeued(
        run_id=claim.ref.run_id,
        phase_id=claim.ref.phase_id,
        by="drain",
        why=code if is_spent else f"{code}: waits without spending an attempt",
        not_before=None if wait_s is None else now + timedelta(seconds=wait_s),
        wait_s=wait_s,
        attempt_spent=is_spent,
    )


def _seconds(given: float | None) -> float | None:
    return None if given is None else max(0.0, float(given))


def why_silent(
    live: "LiveAttempt", ending: str, failure_class: str | None = None, code: str | None = None
) -> str | None:
    """Return why no call of an attempt was recorded, or None if one was."""
    if live.use.calls:
        return None
    return zero_yield_reason(ending, failure_class, code, is_misread=live.is_misread)


def failed_by(fault: BaseException) -> Failed:
    """Return an exception as a failure, with a reason even if it says nothing."""
    if isinstance(fault, CapReachedError):
        return capped(fault)
    kind = type(fault).__name__
    said = words_of(fault) or "it says nothing more; see the traceback artifact"
    # Our own refusals name figures and options, which are no provider's words.
    if isinstance(fault, AutopackError):
        return Failed(kind, storable(f"{kind}: {said}"), failure_class="execution")
    facts = facts_of(fault, now_s=time.time())
    wait_s = facts.pop("retry_after_s", None)
    return Failed(kind, storable(f"{kind}: {said}"), retry_after_s=wait_s, source_fields=facts)


def capped(error: CapReachedError | None, n_after: int = 0) -> Failed:
    """Return the failure of an attempt that goes above a cap: it waits for a higher one."""
    after = f" It made {n_after} more call{'' if n_after == 1 else 's'} after that."
    message = f"{error or 'A cap is reached.'}{after if n_after else ''}"
    return Failed("cap_reached", message, retryable=True, failure_class="execution")


def classifier_of(registry: Any) -> Callable[[Failed, bool], Classed]:
    """Return a classifier that asks the plugins first."""

    def classified(failure: Failed, answered: bool) -> Classed:
        for plugin, answer in registry.answers(_HOOK, failure=failure, answered=answered):
            if answer is None or (isinstance(answer, str) and not answer):
                continue
            if isinstance(answer, BaseException):
                _narrator.error("hook failed", hook=_HOOK, plugin=plugin, exc_info=answer)
                continue
            found = answer if isinstance(answer, Classed) else Classed(answer, "a plugin")
            if isinstance(found.kind, str) and found.kind in CLASSES:
                return found
            _narrator.error("hook failed", hook=_HOOK, plugin=plugin, why=_no_class(found.kind))
        return class_of(failure, answered=answered)

    return classified


def _no_class(given: object) -> str:
    hint = did_you_mean(given, CLASSES) if isinstance(given, str) else ""
    return f"it answered {shown(given)}, which is no class of failures.{hint} They are {_KNOWN}."
