"""A failure with what its drain's strategy says comes next."""

from collections.abc import Callable
from typing import Any

import attrs

from autopack.aggregates.requests import EndRequest
from autopack.draining.attempts.storable_text import storable
from autopack.events import PhaseFailed
from autopack.ports.drain import Afterwards, Ask, GiveUp, Retry


def followed(request: EndRequest, after: Afterwards, redact: Callable[[str], str]) -> EndRequest:
    """
    Return the request that records a failure and what follows it.

    Args:
        after: What the strategy says; None leaves the request as it is.
        redact: What the log's texts pass.
    """

    def text(said: str) -> str:
        return storable(redact(said)).strip()

    match after:
        case Retry(reason=reason):
            again: Any = request.requeued
            again = again and attrs.evolve(again, why=f"{again.why}, {text(reason)}")
            return attrs.evolve(request, event=_with(request, retryable=True), requeued=again)
        case Ask(question=question):
            return _at_an_end(request, asked=text(question) or "What is to become of it?")
        case GiveUp(reason=reason):
            is_failure = isinstance(request.event, PhaseFailed)
            told = {"given_up": text(reason)} if is_failure else {}
            return _at_an_end(request, **told)
    return request


def _at_an_end(request: EndRequest, asked: str | None = None, **told: str) -> EndRequest:
    ended = _with(request, retryable=False, **told)
    return attrs.evolve(request, event=ended, requeued=None, escalated=None, asked=asked)


def _with(request: EndRequest, **changes: Any) -> Any:
    event: Any = request.event
    return attrs.evolve(event, **changes)
