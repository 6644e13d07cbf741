"""The limits of a drain: when it takes no further phase, and in which words it says so."""

from typing import cast

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.exact_figures import figure
from autopack.ports.figures import check_amount
from autopack.projections.sums_by_drain_and_run import Work
from autopack.values.money import Usd, UsdLike


def _usd(given: UsdLike | None) -> Usd | None:
    """Return an amount, or what is none as it is, for :meth:`Limits.__attrs_post_init__`."""
    try:
        return None if given is None else Usd.of(given)
    except InvalidInputError:
        return cast("Usd", given)


@attrs.frozen(kw_only=True)
class Limits:
    """
    When to stop taking phases; None is no limit. A phase in work is always let finish.

    ``max_tokens`` and ``max_usd`` are caps: claims set aside under them what they may use, and
    every process that joins the drain is bound by them. Those ``_per_phase`` and ``_per_day`` hold
    for each phase, and for each day, whoever works on it with such a cap. ``give_up_after_s`` is
    how long it may wait for an account that lets nobody in, ``idle_s`` for anything to do.
    ``max_fingerprint_repeats`` and ``max_timeouts_per_run`` are the breaker's, and hold one run.
    """

    max_phases: int | None = None
    max_minutes: float | None = None
    max_samples: int | None = None
    max_tokens: int | None = None
    max_usd: Usd | None = attrs.field(default=None, converter=_usd)
    max_tokens_per_phase: int | None = None
    max_usd_per_phase: Usd | None = attrs.field(default=None, converter=_usd)
    max_tokens_per_day: int | None = None
    max_usd_per_day: Usd | None = attrs.field(default=None, converter=_usd)
    max_zero_yield: int | None = None
    give_up_after_s: float | None = None
    idle_s: float | None = None
    max_fingerprint_repeats: int | None = 10
    max_timeouts_per_run: int | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse limits that stop a drain before it begins."""
        for name, value in attrs.asdict(self).items():
            if name.startswith("max_usd") and not isinstance(value, Usd | None):
                raise _no_amount(name, value)
            if value is not None:
                check_amount(name, value)


def _no_amount(name: str, given: object) -> InvalidInputError:
    try:
        Usd.of(given)
    except InvalidInputError as fault:
        return InvalidInputError(f"{name} is no limit: {fault}", name=name, value=given)
    raise AssertionError(f"{given!r} is an amount")


def limit_reached(
    limits: Limits,
    work: Work,
    *,
    zero_streak: int,
    elapsed_s: float,
    waited_s: float = 0.0,
    idle_s: float = 0.0,
) -> str | None:
    """
    Return which limit is reached, in words, or None.

    Args:
        work: What the drain's attempts came to.
        zero_streak: How many in a row ended without a call.
        elapsed_s: How long the drain is at work.
        waited_s: How long it waits for an account that lets nobody in.
        idle_s: How long nothing was in work.
    """
    for name, limit, used, unit in (
        ("max_phases", limits.max_phases, work.attempts, "phases taken"),
        ("max_samples", limits.max_samples, work.samples_won, "samples won"),
        ("max_tokens", limits.max_tokens, work.charged_tokens, "tokens used"),
        ("max_usd", limits.max_usd, work.charged_usd, "USD used"),
        ("max_zero_yield", limits.max_zero_yield, zero_streak, "phases without usage"),
    ):  # fmt: skip
        if limit is not None and used >= limit:
            return f"{name}: {figure(used)} of {figure(limit)} {unit}"
    if limits.max_minutes is not None and elapsed_s >= limits.max_minutes * 60:
        minutes = figure(round(elapsed_s / 60, 1))
        return f"max_minutes: {minutes} of {figure(limits.max_minutes)} minutes"
    if limits.give_up_after_s is not None and waited_s >= limits.give_up_after_s:
        return (
            f"give_up_after_s: {figure(round(waited_s))} of {figure(limits.give_up_after_s)} "
            "seconds in which the account let nobody in"
        )
    if limits.idle_s is not None and idle_s >= limits.idle_s:
        return f"idle: {figure(round(idle_s))} of {figure(limits.idle_s)} seconds without work"
    return None


def is_of_time(ending: tuple[str, str | None]) -> bool:
    """Tell whether a drain ends by a limit of time, after which no provider is waited for."""
    return (ending[1] or "").startswith(("max_minutes", "give_up_after_s"))
