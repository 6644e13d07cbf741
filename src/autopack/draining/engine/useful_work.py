"""What workers could be at now, and why the rest of the queue waits."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import attrs

from autopack.draining.attempts.living_workers import living_workers
from autopack.draining.engine.drain_session import DrainSession
from autopack.draining.engine.dry_run import plan_caps_of
from autopack.draining.queue.drain_limits import limit_reached
from autopack.draining.queue.hold_reasons import HeldBy
from autopack.draining.settings.settings import Settings
from autopack.errors import CapFullError, CapReachedError, PriceUnknownError
from autopack.errors.exact_figures import figure
from autopack.log import views
from autopack.log.log import Log, journal_of
from autopack.ports.work import PhaseView
from autopack.projections.phases import PHASES
from autopack.report.quantities import count, moment

SOON: Final = timedelta(minutes=1)
"""What waits no longer than this counts as ready: a worker takes as long to come."""
_WHY: Final = {
    HeldBy.PREDECESSOR: "{} {} for phases before {them}",
    HeldBy.RUN_PAUSED: "{} {} for paused runs",
    HeldBy.TOUCHES: "{} {} for files that phases in work touch",
    HeldBy.ATTEMPTS_SPENT: "{} {} for somebody to grant another attempt",
}


@attrs.frozen(kw_only=True)
class UsefulWork:
    """
    What workers could be at.

    Args:
        requirements: What each phase requires that is in work here or may be taken, in order.
        more: How many further ones may be taken, that were not looked at one by one.
        why_not: Why others may not be, a line each.
    """

    requirements: tuple[Mapping[str, Any], ...] = ()
    more: int = 0
    why_not: tuple[str, ...] = ()


def useful_work(log: Log, settings: Settings, most: int, *, paused: str | None) -> UsefulWork:
    """
    Return what workers of a drain could be at; writes nothing.

    Phases that others are at are left out; those whose worker is gone count as ready.

    Args:
        settings: Those of the workers, with the drain that they join. If they offer nothing, any
            requirement can be met.
        most: How many phases to look at.
        paused: Why the drain is paused, if it is.
    """
    offers = settings.offers or _all_required(views.current(journal_of(log), PHASES).rows.values())
    session = DrainSession(log, attrs.evolve(settings, offers=offers))
    session.check()
    alive = living_workers(session.journal)
    held = session.admission.live.values()
    ours = [row for row in held if alive.get(row.worker or "") == session.drain_id]
    lost = [row for row in held if row.worker not in alive]
    in_work = [dict(row.requires) for row in (*ours, *lost)]
    if session.admission.submitted:  # somebody has to ask for them
        in_work.append({})
    limit = limit_reached(settings.limits, session.account.work, zero_streak=0, elapsed_s=0.0)
    if why := f"the drain is paused: {paused}" if paused is not None else limit:
        return UsefulWork(requirements=tuple(in_work), why_not=(why,))
    session.admission.catch_up(session.now() + SOON)
    let_in = list(session.view().ready)
    taken, room = _under_caps(session, let_in[: max(0, most - len(in_work))])
    whys = [*_of_lanes(session), *room, *_of_the_rest(session)]
    return UsefulWork(
        requirements=(*in_work, *(dict(row.requires) for row in taken)),
        more=0 if room else max(0, len(let_in) - most + len(in_work)),
        why_not=tuple(whys),
    )


def _all_required(rows: Iterable[PhaseView]) -> dict[str, Any]:
    """Return offers that meet whatever phases require, one by one."""
    found: dict[str, Any] = {}
    for row in rows:
        for name, wanted in row.requires.items():
            before = found.get(name)
            if isinstance(wanted, list | tuple):
                words = before if isinstance(before, list) else []
                found[name] = list(dict.fromkeys((*words, *wanted)))
            elif not isinstance(before, list):
                found[name] = max(before or 0, wanted)
    return found


def _under_caps(
    session: DrainSession, phases: Sequence[PhaseView]
) -> tuple[list[PhaseView], list[str]]:
    """Return the phases that caps have room for, and how much room that is where it ends."""
    caps, taken = plan_caps_of(session), list[PhaseView]()
    full: dict[str, CapFullError | PriceUnknownError] = {}
    for phase in phases:
        if f"run-{phase.run_id}" in full:
            continue
        refusal = caps.take(phase, session.estimate(phase))
        if refusal is None or isinstance(refusal, CapReachedError):
            taken.append(phase)
            continue
        full.setdefault(refusal.scope, refusal)
        if not refusal.scope.startswith(("run-", "phase-")):
            break
    return taken, [_room(refusal, taken) for refusal in full.values()]


def _room(refusal: CapFullError | PriceUnknownError, taken: Sequence[PhaseView]) -> str:
    kind, _dash, name = refusal.scope.partition("-")
    if isinstance(refusal, PriceUnknownError):
        return f"nobody knows the price that the cap of {kind} {name} asks for"
    unit = "USD" if refusal.unit == "usd" else refusal.unit
    own = [row for row in taken if kind not in ("run", "phase") or name in (row.run_id, row.key)]
    return f"the cap of {kind} {name}, {figure(refusal.cap)} {unit}, has room for {len(own)} more"


def _of_lanes(session: DrainSession) -> Iterator[str]:
    for wait in session.waiting.waits:
        model = "" if wait.model is None else f", model {wait.model},"
        until = moment(wait.until, session.now())
        told = _waiting("{} {} for account {name}{model} until {until}", wait.phases or 0)
        yield told.format(name=wait.account, model=model, until=until)


def _of_the_rest(session: DrainSession) -> Iterator[str]:
    """Yield why phases are not ready, those that wait for one kind of thing together."""
    held = session.admission.reasons
    for by, words in _WHY.items():
        if n := sum(one.by is by for one in held.values()):
            yield _waiting(words, n)
    if n := session.admission.n_backing_off:
        first = session.admission.next_ready_at
        at = "" if first is None else f", the first until {moment(first, session.now())}"
        yield f"{count(n, 'phase')} {'backs' if n == 1 else 'back'} off{at}"
    others = Counter(one.words for one in held.values() if one.by not in (*_WHY, HeldBy.BACK_OFF))
    for words, n in others.items():
        yield f"{count(n, 'phase')}: {words}"


def _waiting(words: str, n: int) -> str:
    verb, them = ("waits", "it") if n == 1 else ("wait", "them")
    return words.replace("{}", count(n, "phase"), 1).replace("{}", verb, 1).replace("{them}", them)
