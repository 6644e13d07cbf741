"""What a drain does next: the strategy's choice, or why it ends here."""

from datetime import timedelta
from typing import Final

from autopack.draining.engine.drain_session import DrainSession
from autopack.draining.queue.hold_reasons import in_words
from autopack.draining.strategies.strategy_call import ask
from autopack.errors import NothingReadyError
from autopack.ports.drain import Choose, DrainView, Retry, Stop, Wait
from autopack.report.account_text import wait_line

Reason = tuple[str, str | None]
"""Why a drain ends: a word, and details."""

WAITS_FOR_NOTHING: Final = "it waits, and nothing is in work: "
"""What the end of a drain is told with whose strategy waits for what cannot come."""
_SOON: Final = timedelta(minutes=1)


def asked(
    session: DrainSession, view: DrainView, *, n_in_work: int, is_awaited: bool = False
) -> Choose | Retry | Wait | Reason:
    """
    Return what the strategy says, or why the drain ends here.

    Args:
        n_in_work: How many phases this process has in work, ended ones that it is to hear of too.
        is_awaited: Whether a submitted phase is asked for just now, or will be.
    """
    settings = session.settings
    waits = settings.when_empty == "wait"
    is_held = session.guards.is_asking or session.admission.live or session.preparations.are_pending
    may_come = bool(n_in_work or is_held or view.next_ready_at or waits or is_awaited)
    if not (view.ready or may_come or session.may_retry()):
        return _why_nothing(session)
    choice = ask(settings.strategy, view, settings.strategy_name)
    match choice:
        case Stop(reason=reason):
            session.note_end("stop")
            return ("strategy", reason)
        case Wait(reason=reason, until=None) if not may_come:
            session.note_end("wait")
            return ("strategy", f"{WAITS_FOR_NOTHING}{reason}")
    return choice


def check_can_begin(session: DrainSession) -> None:
    """
    Return if the drain may begin and would take a phase, now or once one is free.

    Raises:
        NothingReadyError: It would end at once, or its account rests for long; nothing was written.
    """
    session.check()
    view = session.view()
    for wait in () if view.ready else session.waiting.waits:
        if wait.until - view.now > _SOON:
            raise NothingReadyError("its account rests", wait_line(wait, view.now))
    session.submitted.hear(view.now)
    is_awaited = session.submitted.next_at(view.now) is not None
    found = asked(session, view, n_in_work=0, is_awaited=is_awaited)
    if isinstance(found, tuple):
        reasons = in_words(session.admission.reasons.values())
        raise NothingReadyError(found[0], ", ".join(filter(None, (found[1], reasons))) or None)


def _why_nothing(session: DrainSession) -> Reason:
    n = session.admission.n_waiting
    if len(session.submitted):
        return ("submitted", session.submitted.words(session.now()))
    if not n:
        return ("empty", None)
    if session.guards.held_runs:
        told = "; ".join(f"run {run_id}: {why}" for run_id, why in session.guards.held_runs.items())
        return ("breaker", told)
    if session.guards.unpriced:
        return ("price_unknown", "; ".join(session.guards.unpriced.values()))
    return ("blocked", f"{n} queued phase{'' if n == 1 else 's'} may not be taken")
