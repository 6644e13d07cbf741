"""What a plan cannot know, and how long it takes at least, in sentences."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from autopack.aggregates.account import lane_of
from autopack.draining.queue.drain_limits import Limits
from autopack.draining.queue.rate_limits import Rates
from autopack.draining.simulation.plans import Planned
from autopack.errors.exact_figures import figure
from autopack.ports.work import PhaseView


def notes_of(
    planned: Sequence[Planned],
    phases: Iterable[PhaseView],
    *,
    limits: Limits,
    rates: Rates,
    workers: int,
    waits: Sequence[str],
    promise: str | None,
) -> list[str]:
    """
    Return what the figures of a plan leave open.

    Args:
        phases: Those that are planned.
        waits: What phases wait for now, in words.
        promise: What caps in USD promise where prices may be unknown.
    """
    return [
        "each phase is taken to complete at its first attempt, with the output that is predicted",
        *filter(None, [promise]),
        *_unmeasured(planned, list(phases)),
        *_of_limits(limits, workers, is_any=bool(planned)),
        *_of_rates(planned, rates),
        *waits,
    ]


def _unmeasured(planned: Sequence[Planned], phases: Sequence[PhaseView]) -> Iterator[str]:
    if blind := sum(phase.prompt_tokens is None for phase in phases):
        yield f"the prompts of {blind} phases are not known: tokens and prices count their output"
    if unpriced := sum(one.predicted_usd is None for one in planned):
        yield f"what {unpriced} phases cost is not known"


def _of_limits(limits: Limits, workers: int, *, is_any: bool) -> Iterator[str]:
    if limits.max_minutes is not None and is_any:
        yield (
            f"how long phases take is not known: {figure(limits.max_minutes)} minutes may be over "
            "before"
        )
    is_capped = any(
        getattr(limits, f"max_{unit}{each}") is not None
        for unit in ("tokens", "usd")
        for each in ("", "_per_phase", "_per_day")
    )
    if workers > 1 and is_capped:
        yield f"{workers} workers set aside at once, so that a cap may hold some of them back"


def _of_rates(planned: Sequence[Planned], rates: Rates) -> Iterator[str]:
    calls: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for one in planned:
        lane = lane_of(one.model)
        calls[lane] += 1
        tokens[lane] += one.predicted_output_tokens
    for lane in calls:
        requests, most = rates.of(lane)
        for used, rate, unit in (
            (calls[lane], requests, "requests"),
            (tokens[lane], most, "tokens"),
        ):
            if rate is not None and used > rate:
                minutes = f"{(used - rate) / rate:,.0f}"
                yield f"at {rate:,} {unit} a minute {_lane(lane)} takes at least {minutes} minutes"


def _lane(lane: str) -> str:
    return "what names no model" if lane == lane_of(None) else f"model {lane}"
