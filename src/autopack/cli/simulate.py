"""``autopack simulate``: strategies side by side, without executing anything."""

from math import exp
from pathlib import Path
from typing import Any, Final

import click

from autopack.cli.column_arguments import column_of
from autopack.cli.named_plugins import strategy_of
from autopack.cli.number_options import AMOUNT, COUNT
from autopack.cli.output import (
    json_option,
    print_json,
    say,
    say_table,
    terminal_width,
    users_prints,
)
from autopack.cli.session import LogCommand, Session, example

_USUAL: Final = "fifo,triage,explore"
_MEANT: Final = (
    "In vain: for runs of which no phase completes. Learned: predictions that were\n"
    "met by a measured output. Width: how well the typical output of a category and\n"
    "complexity is known, nine times of ten: {width:g} is within a factor of {factor:.2f}."
)


@click.command(
    cls=LogCommand,
    short_help="Run strategies side by side on work that is known.",
    epilog=example(
        "autopack simulate --synthetic 7 --strategy fifo,triage,explore",
        "autopack --log work.db simulate --strategy fifo,mine.py:Mine --max-phases 99",
    ),
)
@click.option("--strategy", default=_USUAL, show_default=True, help="Names, or file.py:name.")
@click.option(
    "-s", "--strategy-option", "options", multiple=True, metavar="NAME=VALUE",
    help="An option of the one strategy; several times.",
)  # fmt: skip
@click.option(
    "--trace", type=click.Path(path_type=Path), help="On a matrix of models tried on tasks."
)
@click.option("--column", "columns", multiple=True, metavar="FIELD=NAME", help="Of the matrix.")
@click.option("--synthetic", type=int, metavar="SEED", help="On made-up work, and no log.")
@click.option(
    "--width", type=AMOUNT, default=0.5, show_default=True,
    help="How well every group is to be known.",
)  # fmt: skip
@click.option("--max-minutes", type=AMOUNT, help="Of the time that the work would take.")
@click.option("--max-phases", type=COUNT, help="Take so many, retries among them.")
@click.option("--max-samples", type=COUNT, help="Stop once so many samples are won.")
@click.option("--max-tokens", type=COUNT, help="Stop once so many tokens are used.")
@click.option("--max-zero-yield", type=COUNT, help="Phases in a row without any usage.")
@click.option(
    "--max-fingerprint-repeats", type=COUNT, default=10, show_default=True,
    help="Leave a run that fails the same way so often, with no success in between.",
)  # fmt: skip
@click.option("--max-timeouts-per-run", type=COUNT, help="Leave a run after so many time-outs.")
@json_option
@click.pass_obj
def simulate(
    session: Session,
    /,
    strategy: str,
    options: tuple[str, ...],
    trace: Path | None,
    columns: tuple[str, ...],
    synthetic: int | None,
    width: float,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Run strategies on the phases of a log that have ended, as if none had been tried.

    Of a --trace each task is a phase, and ends as it did with the model that the strategy names.
    Nothing is executed or written. Several strategies are separated by commas.
    """
    registry = session.registry()
    listed = [name.strip() for name in strategy.split(",") if name.strip()]
    if options and len(listed) != 1:
        raise click.UsageError("--strategy-option (-s) is for one --strategy: name just that one.")
    if trace is not None and synthetic is not None:
        raise click.UsageError("--trace and --synthetic are two kinds of work: name one.")
    work = trace if trace is None else trace.absolute(), dict(map(column_of, columns)), synthetic
    limits = {name: limit for name, limit in given.items() if limit is not None}
    with users_prints():
        chosen = [strategy_of(registry, name, options) for name in listed]
        if trace is not None or synthetic is not None:  # no log has the plugins of this command
            chosen = [registry.resolve("strategy", one) for one in chosen]
        results = _simulated(session, chosen, work, width, limits)
    found = [_named(one, name) for one, name in zip(results, listed, strict=True)]
    if as_json:
        print_json([{**_fields(one), "samples_per_100k": one.samples_per_100k} for one in found])
        return
    _print(found)


def _simulated(
    session: Session,
    chosen: list[Any],
    work: tuple[Path | None, dict[str, str], int | None],
    width: float,
    limits: dict[str, Any],
) -> list[Any]:
    import autopack as api

    trace, columns, seed = work
    if trace is not None:
        return api.simulate(trace, chosen, width=width, columns=columns, **limits)
    if seed is not None:
        from autopack.draining.simulation.synthetic import synthetic_backlog

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
    from autopack.report.plain_tables import table_lines

    say(f"Simulated on {found[0].source}; nothing was executed or written.")
    told = [_figures(one) for one in found]
    rows = [(name, *(figures[name] for figures in told)) for name in told[0]]
    titles = ("", *(one.strategy for one in found))
    say_table(table_lines(titles, rows, width=terminal_width()))
    if found[0].right is None:
        say(_MEANT.format(width=found[0].width, factor=exp(found[0].width / 2)))
    for one in found:
        say(f"{one.strategy} ended: {one.reason}")


def _figures(one: Any) -> dict[str, str]:
    return {
        "attempts": f"{one.attempts:,}",
        "completed": f"{one.completed:,}",
        "failed": f"{one.failed:,}",
        "timed out": f"{one.timed_out:,}",
        **(_sizes(one) if one.right is None else _truth(one)),
    }


def _sizes(one: Any) -> dict[str, str]:
    return {
        "tokens": f"{one.tokens:,}",
        "tokens in vain": f"{one.hopeless_tokens:,}",
        "sizes learned": f"{one.samples:,}",
        "for 100,000 tokens": f"{one.samples_per_100k:.2f}",
        f"tokens to width {one.width:g}": _of(one.tokens_to_width, ","),
        "width in the end": _of(one.widest, ".2f"),
    }


def _truth(one: Any) -> dict[str, str]:
    """Return what a matrix tells: how many phases end with right work, and what all cost."""
    from autopack.report.quantities import usd

    return {
        "right": f"{one.right:,}",
        "USD": "unknown" if one.cost_usd is None else usd(one.cost_usd),
    }


def _of(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
