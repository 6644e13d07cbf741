"""``autopack drain --simulate``: strategies side by side, without executing anything."""

from typing import Any, Final

import click

from autopack.cli.choosing import strategy_of
from autopack.cli.output import print_json, print_table, say, users_prints
from autopack.cli.session import Session

_USUAL: Final = "fifo,triage,explore"
_LIMITS: Final = (
    "max_phases", "max_minutes", "max_samples", "max_tokens", "max_zero_yield",
    "max_fingerprint_repeats", "max_timeouts_per_run",
)  # fmt: skip


def simulate_strategies(
    ctx: click.Context,
    names: str | None,
    options: tuple[str, ...],
    seed: int | None,
    width: float,
    given: dict[str, Any],
    as_json: bool,
) -> None:
    """Print what each of the strategies *names* (separated by commas) makes of the same work."""
    session = ctx.find_object(Session)
    assert session is not None
    registry = session.registry()
    listed = [name.strip() for name in (names or _USUAL).split(",") if name.strip()]
    if options and len(listed) != 1:
        raise click.UsageError("--strategy-option (-s) is for one --strategy: name just that one.")
    limits = {name: given[name] for name in _LIMITS if given[name] is not None}
    with users_prints():
        chosen = [strategy_of(registry, name, options) for name in listed]
        results = _simulated(session, chosen, seed, width, limits)
    found = [_named(one, name) for one, name in zip(results, listed, strict=True)]
    if as_json:
        print_json([{**_fields(one), "samples_per_100k": one.samples_per_100k} for one in found])
        return
    _print(found)


def _simulated(
    session: Session, chosen: list[Any], seed: int | None, width: float, limits: dict[str, Any]
) -> list[Any]:
    import autopack as api

    if seed is not None:
        from autopack.draining.synthetic import synthetic_backlog

        return api.simulate(synthetic_backlog(seed), chosen, width=width, **limits)
    with session.open_log() as log:
        return api.simulate(log, chosen, width=width, **limits)


def _named(one: Any, name: str) -> Any:
    """Call a result as the user called its strategy, whatever its whole path is."""
    import attrs

    return attrs.evolve(one, strategy=name)


def _fields(one: Any) -> dict[str, Any]:
    import attrs

    return attrs.asdict(one)


def _print(found: list[Any]) -> None:
    say(f"Simulated on {found[0].source}; nothing was executed or written.")
    told = [_figures(one) for one in found]
    rows = [(name, *(figures[name] for figures in told)) for name in told[0]]
    print_table(("", *(one.strategy for one in found)), rows)
    for one in found:
        say(f"{one.strategy} ended: {one.reason}")


def _figures(one: Any) -> dict[str, str | int | None]:
    return {
        "phases": one.attempts,
        "completed": one.completed,
        "failed": one.failed,
        "timed_out": one.timed_out,
        "tokens": f"{one.tokens:,}",
        "hopeless_tokens": f"{one.hopeless_tokens:,}",
        "samples_won": one.samples,
        "samples_per_100k": f"{one.samples_per_100k:.2f}",
        f"tokens_to_width_{one.width:g}": _of(one.tokens_to_width, ","),
        "widest": _of(one.widest, ".2f"),
    }


def _of(value: float | None, form: str) -> str | None:
    return None if value is None else format(value, form)
