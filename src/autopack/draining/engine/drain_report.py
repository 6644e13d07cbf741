"""What a drain did, and why it ended."""

from typing import Any

import attrs

from autopack.aggregates.order import Stuck
from autopack.projections.sums_by_drain_and_run import Work
from autopack.values.money import Usd


@attrs.frozen(kw_only=True)
class DrainReport:
    """
    What a drain did, and why it ended.

    The reason is ``empty``, ``blocked`` (what is queued may not be taken), ``submitted`` (what is
    left is with providers, and not waited for), ``limit``, ``breaker``, ``price_unknown``,
    ``machine`` (it hindered the drain for too long), ``strategy`` or ``stopped``. A drain that was
    gone on with counts from its first start, its time at work included. ``failed``, ``timed_out``
    and ``gated`` count attempts; ``left_failed`` and ``left_gated`` count phases that it tried, or
    took back from a worker that was gone, and that stood so when it ended.
    ``assumed_tokens`` and ``assumed_usd`` stand in caps for what nobody told.
    ``unreadable`` counts attempts of whose usage some could not be read, so that tokens and cost
    are the least that was used; ``unreadable_in`` names a phase that shows it.
    ``denied`` counts attempts whose program was denied the use of a tool, which may have kept it
    from its work; ``denied_in`` names a phase of one.
    ``samples`` are attempts whose prediction was met by a measured output, ``samples_won`` those
    of them that completed: the same words as in ``status``, which counts the whole log.
    ``passed_over`` counts phases that were not to be had at a time, by the reason given last.
    ``stuck`` are queued phases that no drain can ever take, because of what they come after.
    ``observer_faults`` counts what observers raised meanwhile, by who and what; it changed nothing.
    ``left`` counts the phases that it left in the queue, ``submitted`` those in scope that are with
    providers, and ``collected`` those that it asked for and that have ended, whoever submitted
    them: their attempts and what they used count for the drain that did.
    ``held`` names what goes on although the drain has ended, a phase's or the drain's own.
    """

    drain_id: str
    reason: str
    detail: str | None
    attempts: int
    completed: int
    failed: int
    timed_out: int
    gated: int
    released: int
    lost: int
    calls: int
    total_tokens: int
    cost_usd: Usd
    unpriced_calls: int
    unmetered: int
    assumed_tokens: int
    assumed_usd: Usd
    samples: int
    samples_won: int
    zero_yield: dict[str, int]
    failures: dict[str, int]
    passed_over: dict[str, int]
    duration_s: float
    left_failed: int = 0
    left_gated: int = 0
    left: int = 0
    submitted: int = 0
    collected: int = 0
    unreadable: int = 0
    unreadable_in: str | None = None
    denied: int = 0
    denied_in: str | None = None
    stuck: tuple[Stuck, ...] = ()
    observer_faults: dict[str, int] = attrs.Factory(dict)
    held: tuple[str, ...] = ()

    @property
    def is_interrupted(self) -> bool:
        """Tell whether the drain was stopped from outside."""
        return self.reason == "stopped"

    @property
    def is_clean(self) -> bool:
        """Tell whether it left no phase failed or out of time, and nothing was held or refused."""
        is_held = self.reason in ("breaker", "price_unknown", "machine")
        return not (self.left_failed or is_held)


def sums_of(work: Work) -> dict[str, Any]:
    """Return what attempts came to, by the names of a report's fields."""
    use, endings = work.use, work.endings
    named = ("completed", "failed", "timed_out", "gated", "released")
    return {
        "attempts": work.attempts,
        **{name: endings.get(name, 0) for name in named},
        "lost": work.lost,
        "calls": use.calls,
        "total_tokens": use.total_tokens,
        "cost_usd": use.cost_usd,
        "unpriced_calls": use.calls_without_cost,
        "unmetered": work.unmetered,
        "assumed_tokens": work.assumed_tokens,
        "assumed_usd": work.assumed_usd,
        "unreadable": work.unreadable,
        "denied": work.denied,
        "samples": work.samples,
        "samples_won": work.samples_won,
        "zero_yield": dict(sorted(work.zero_yield.items())),
        "failures": dict(sorted(work.failures.items())),
    }
