"""A run's caps: what they are, what is used of them, and how they are changed."""

from collections.abc import Mapping

import attrs

from autopack.aggregates.requests import CapsRequest
from autopack.errors import InvalidInputError, RunMissingError
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
    from autopack.draining.caps.enforcement import used_by

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
    if not why.strip():
        raise InvalidInputError(
            f"Run {run_id}: say why (--why); the reason is kept in the log.", name="why", value=why
        )
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
