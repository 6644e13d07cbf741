"""Caps: what they are, what is used of them, how they are changed, and what is asked of them."""

from collections.abc import Mapping
from typing import Literal

import attrs

from autopack.aggregates.cap import checked_caps
from autopack.aggregates.requests import CapsRequest
from autopack.api.given_reasons import check_why
from autopack.errors import InvalidInputError, RunMissingError
from autopack.events import CapDecided, CapSet
from autopack.events.cap_table import UNITS
from autopack.log import views
from autopack.log.log import Log, handler_of, journal_of
from autopack.projections.attempt_row import NO_WORK
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.runs import RUNS
from autopack.projections.sums_by_drain_and_run import Work
from autopack.values.money import Usd, UsdLike


@attrs.frozen(kw_only=True)
class CapUse:
    """
    One cap of a run, in its unit: ``tokens``, ``usd``, ``attempts`` or ``minutes``.

    Args:
        cap: None is no cap.
        used: What attempts that ended have used, late calls included.
        reserved: What attempts in work have set aside.
    """

    unit: str
    cap: float | Usd | None
    used: float | Usd
    reserved: float | Usd


def get_caps(log: Log, run_id: str) -> list[CapUse]:
    """Return what a run has used in each unit that a cap may be in, and the caps."""
    from autopack.draining.caps.cap_streams import used_by

    handler, scope = handler_of(log), f"run-{run_id}"
    _check_run(log, run_id)
    caps, state = handler.run_caps(run_id), handler.cap_state(scope)
    used, reserved = state.spent, state.reserved
    if not handler.known_cap(scope)[0]:
        account = views.current(journal_of(log), ATTEMPTS, with_rows=False).total
        work: Work = account.by_run.get(run_id, NO_WORK)
        used = used_by(work)
    return [
        CapUse(unit=unit, cap=caps.get(unit), used=used.of(unit), reserved=reserved.of(unit))
        for unit in UNITS
    ]


@attrs.frozen(kw_only=True)
class ScopedCaps:
    """
    The caps of one scope: ``run-RUN``, ``drain-DRAIN``, ``phase-RUN/PHASE`` or ``day-DAY@ZONE``.

    Args:
        caps: Those that are set, with what is used and set aside.
        asked: What is asked of their owner, in words; None if nothing is.
        is_refused: Whether the owner has said no since they were set.
    """

    scope: str
    caps: tuple[CapUse, ...]
    asked: str | None = None
    is_refused: bool = False

    @property
    def stands(self) -> str:
        """How it stands, in a word."""
        return "asked" if self.asked is not None else "refused" if self.is_refused else "set"


def list_caps(log: Log) -> list[ScopedCaps]:
    """Return every scope that has caps, in the order in which they were first set."""
    scopes = dict.fromkeys(recorded.event.scope for recorded in log.read_all(types=(CapSet,)))
    found = (_scoped(log, scope) for scope in scopes)
    return [one for one in found if one.caps]


def decide_cap(
    log: Log,
    scope: str,
    *,
    decision: Literal["approve", "reject"],
    raise_to: Mapping[str, UsdLike] | None = None,
    why: str,
    actor: str = "user",
) -> ScopedCaps:
    """
    Answer what a drain that was told ``at_cap="ask"`` asks of a cap's owner; see ``list_caps``.

    Args:
        raise_to: The new caps, by unit; those that are not named stay. An approval has some.

    Raises:
        InvalidInputError: Nothing is asked of that cap, or the answer is none: an approval that
            raises no cap, or one that would leave no room.
    """
    if decision not in ("approve", "reject") or (decision == "approve") is not bool(raise_to):
        raise InvalidInputError(
            f"decision is {decision!r} with raise_to {dict(raise_to or {})}: "
            "'approve' says to what a cap is raised, 'reject' does not.",
            name="decision",
            value=decision,
        )
    check_why(f"The cap of {scope}", why)
    raised = checked_caps(scope, raise_to or {})
    decided = CapDecided(scope=scope, raise_to=raised, by=actor, why=why)
    handler = handler_of(log)
    handler.append(lambda: [handler.decided(decided)])
    return _scoped(log, scope)


def _scoped(log: Log, scope: str) -> ScopedCaps:
    state = handler_of(log).cap_state(scope)
    caps = tuple(
        CapUse(unit=unit, cap=cap, used=state.spent.of(unit), reserved=state.reserved.of(unit))
        for unit, cap in state.caps.items()
    )
    asked = None if state.asked is None else state.asked.why
    return ScopedCaps(scope=scope, caps=caps, asked=asked, is_refused=state.is_refused)


def set_caps(
    log: Log, run_id: str, caps: Mapping[str, UsdLike | None], *, why: str, actor: str = "user"
) -> list[CapUse]:
    """
    Change a run's caps, and return those in force; what it used so far counts under them.

    Args:
        caps: New limits by unit, ``tokens``, ``usd``, ``attempts`` (begun in it) or ``minutes``
            (that attempts took, summed); None lifts one. Those that are not named stay.

    Raises:
        RunMissingError: There is no such run.
        InvalidInputError: An unknown unit, a limit that is not above 0, or no reason.
    """
    from autopack.draining.caps.enforcement import Caps

    handler = handler_of(log)
    _check_run(log, run_id)
    check_why(f"Run {run_id}", why)
    request = CapsRequest(
        scope=f"run-{run_id}",
        caps=caps,
        by=actor,
        why=why,
        may_change=True,
        otherwise=handler.run_state(run_id).caps,
    )
    Caps(handler).set_run(run_id, request)
    return get_caps(log, run_id)


def _check_run(log: Log, run_id: str) -> None:
    if not handler_of(log).run_state(run_id).exists:
        raise RunMissingError(run_id, known=views.current(journal_of(log), RUNS).rows)
