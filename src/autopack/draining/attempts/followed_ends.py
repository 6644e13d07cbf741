"""A failure with what its drain's strategy says comes next."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from autopack.aggregates.requests import EndRequest
from autopack.draining.attempts.storable_text import storable
from autopack.events import PhaseFailed
from autopack.ports.drain import Afterwards, Ask, GiveUp, Retry

_ACTS: Final[Mapping[type, str]] = {
    Retry: "retry",
    Ask: "ask",
    GiveUp: "give_up",
    type(None): "none",
}


@attrs.frozen(kw_only=True)
class Followup:
    """
    What a strategy says of a failure.

    Args:
        after: What is to follow; None leaves it to the failure's class.
        went_by: What it was shown, as fields of the failure; empty where nobody was asked.
        fault: What went wrong with it, if it failed.
    """

    after: Afterwards = None
    went_by: Mapping[str, Any] = attrs.Factory(dict)
    fault: str | None = None

    @property
    def act(self) -> str:
        """The answer in a word, as it is recorded."""
        return "failed" if self.fault is not None else _ACTS[type(self.after)]

    @property
    def why(self) -> str:
        """Its reason, or its question; empty where it says nothing."""
        match self.after:
            case Ask(question=question):
                return question
            case Retry(reason=reason) | GiveUp(reason=reason):
                return reason
        return self.fault or ""


def followed(request: EndRequest, followup: Followup, redact: Callable[[str], str]) -> EndRequest:
    """
    Return the request that records a failure and what follows it.

    Args:
        followup: What the strategy says; where nobody was asked, the request stays as it is.
        redact: What the log's texts pass.
    """
    if not followup.went_by:
        return request
    why = storable(redact(followup.why)).strip()
    told = {**followup.went_by, "act": followup.act}
    request = attrs.evolve(request, event=_with(request, followed=told, followed_why=why or None))
    match followup.after:
        case Retry():
            again: Any = request.requeued
            again = again and attrs.evolve(again, why=f"{again.why}, {why}")
            return attrs.evolve(request, event=_with(request, retryable=True), requeued=again)
        case Ask():
            return _at_an_end(request, asked=why or "What is to become of it?")
        case GiveUp():
            is_failure = isinstance(request.event, PhaseFailed)
            return _at_an_end(request, **({"given_up": why} if is_failure else {}))
    return request


def _at_an_end(request: EndRequest, asked: str | None = None, **told: str) -> EndRequest:
    ended = _with(request, retryable=False, **told)
    return attrs.evolve(request, event=ended, requeued=None, escalated=None, asked=asked)


def _with(request: EndRequest, **changes: Any) -> Any:
    event: Any = request.event
    return attrs.evolve(event, **changes)
