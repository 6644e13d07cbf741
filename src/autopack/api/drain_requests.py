"""Hands on a drain that runs, in whichever process: set, paused and resumed by the log."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Unpack

import attrs

from autopack.aggregates.requests import CapsRequest
from autopack.api.given_reasons import check_why
from autopack.draining.attempts.living_workers import living_workers
from autopack.draining.engine.resume import drain_named
from autopack.errors import InvalidInputError
from autopack.events import (
    DrainPauseRequested,
    DrainRequest,
    DrainRequestAnswered,
    DrainResumeRequested,
    DrainSetRequested,
)
from autopack.log import views
from autopack.log.log import Log, handler_of, journal_of
from autopack.ports.log import ANY
from autopack.projections.attempt_row import NO_WORK
from autopack.projections.attempts import ATTEMPTS
from autopack.values.ids import drain_stream

if TYPE_CHECKING:
    from autopack.draining.settings.parameters import DrainChanges

_LOOK_S: Final = 0.05


@attrs.frozen(kw_only=True)
class DrainAnswers:
    """
    What was asked of one drain, and what came of it.

    Args:
        workers: The processes that were at work on the drain when it was asked, by their names.
        answers: What they answered while it was waited for.
    """

    drain_id: str
    workers: tuple[str, ...]
    answers: tuple[DrainRequestAnswered, ...] = ()


def set_drain(
    log: Log,
    *,
    why: str,
    drain: str | None = None,
    actor: str = "user",
    wait_s: float = 0.0,
    **changes: "Unpack[DrainChanges]",
) -> list[DrainAnswers]:
    """
    Change settings of a drain while it runs, in whichever process; it obeys within a second.

    The request is an event of the drain's stream, ``drain.set_requested``, and each process that
    works on the drain answers it with ``drain.request_answered``. Who goes on with the drain later
    goes by what was set last.

    Args:
        drain: A drain's id; all drains that some process works on, if it is left out.
        wait_s: For how long to wait for the answers. Not to be waited for in a thread that the
            drain itself needs.
        changes: Settings by name, as :class:`autopack.types.DrainChanges` has them.

    Raises:
        InvalidInputError: No drain is at work, there is none of that name, a setting cannot be
            changed, or there is no reason. Nothing was written.
    """
    from autopack.draining.settings.changes import kept_changes

    check_why("The drain", why)
    kept = kept_changes(changes)

    def request(drain_id: str) -> DrainRequest:
        _set_caps(log, drain_id, kept, why, actor)
        return DrainSetRequested(drain_id=drain_id, settings=kept, why=why, actor=actor)

    return _ask(log, drain, request, wait_s)


def pause_drain(
    log: Log,
    *,
    drain: str | None = None,
    now: bool = False,
    why: str | None = None,
    actor: str = "user",
    wait_s: float = 0.0,
) -> list[DrainAnswers]:
    """
    Let a drain take no phase until it is resumed, in whichever process; see :func:`set_drain`.

    Args:
        now: Give back the phases in work too, without spending their attempts.
    """

    def request(drain_id: str) -> DrainRequest:
        return DrainPauseRequested(drain_id=drain_id, is_now=now, why=why, actor=actor)

    return _ask(log, drain, request, wait_s)


def resume_drain(
    log: Log,
    *,
    drain: str | None = None,
    why: str | None = None,
    actor: str = "user",
    wait_s: float = 0.0,
) -> list[DrainAnswers]:
    """Let a paused drain take phases again, in whichever process; see :func:`set_drain`."""

    def request(drain_id: str) -> DrainRequest:
        return DrainResumeRequested(drain_id=drain_id, why=why, actor=actor)

    return _ask(log, drain, request, wait_s)


def _set_caps(log: Log, drain_id: str, changes: Mapping[str, Any], why: str, actor: str) -> None:
    """Let the drain's caps bind all of its processes at once, and who goes on with it."""
    from autopack.draining.caps.cap_streams import used_by
    from autopack.draining.caps.enforcement import Caps

    units = ("tokens", "usd")
    caps = {unit: changes[f"max_{unit}"] for unit in units if f"max_{unit}" in changes}
    request = CapsRequest(scope=f"drain-{drain_id}", caps=caps, by=actor, why=why, may_change=True)
    account = views.current(journal_of(log), ATTEMPTS, with_rows=False).total
    Caps(handler_of(log)).go_on(request, used_by(account.by_drain.get(drain_id, NO_WORK)))


def _ask(
    log: Log, drain: str | None, request: Callable[[str], DrainRequest], wait_s: float
) -> list[DrainAnswers]:
    """Append a request to each drain that is meant, and wait for what is answered."""
    asked: dict[str, list[str]] = {}
    for worker, name in sorted(living_workers(journal_of(log)).items()):
        if name is not None and drain in (name, None):
            asked.setdefault(name, []).append(worker)
    if not asked:
        asked[_known(log, drain)] = []
    versions: dict[str, int] = {}
    for name in asked:
        recorded = log.append(drain_stream(name), [request(name)], expected_version=ANY)
        versions[name] = recorded[0].version
    answers = _answers(log, versions, asked, wait_s)
    return [
        DrainAnswers(drain_id=name, workers=tuple(there), answers=answers[name])
        for name, there in asked.items()
    ]


def _known(log: Log, drain: str | None) -> str:
    """Return the drain that is meant, although nobody works on it."""
    if drain is not None:
        return drain_named(log, drain)
    raise InvalidInputError(
        "No drain is at work in this log. Name one that is to be gone on with; all of them are in:",
        do="list_drains(log)",
        typed="autopack drain list",
        name="drain",
        value=None,
    )


def _answers(
    log: Log, versions: dict[str, int], asked: dict[str, list[str]], wait_s: float
) -> dict[str, tuple[Any, ...]]:
    """Return the answers to each request, by drain; wait for all workers' for so long at most."""
    found: dict[str, tuple[Any, ...]] = dict.fromkeys(asked, ())
    until_s = time.monotonic() + wait_s
    while True:
        for name, version in versions.items():
            read = log.read(drain_stream(name), after_version=version, types=[DrainRequestAnswered])
            found[name] = tuple(r.event for r in read if r.event.request == version)
        is_done = all(len(found[name]) >= len(there) for name, there in asked.items())
        if is_done or time.monotonic() >= until_s:
            return found
        time.sleep(_LOOK_S)
