"""``autopack advise``: what recorded trials speak for."""

import json
import shlex
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import click

from autopack.cli.column_arguments import column_of
from autopack.cli.number_options import Percentage, Whole
from autopack.cli.output import json_option, print_json, say, say_table
from autopack.cli.session import ReadingCommand, Session, example
from autopack.cli.suggestions import CommandGroup

_COLUMN: Final = (
    "Where the trace calls a field otherwise; repeatable. FIELD: task, model, cost_usd, verdict, "
    "checked, calls, input_tokens, output_tokens, at."
)
_SHARE: Final = Percentage(min=0, max=1, max_open=True)


@click.group(
    cls=CommandGroup,
    short_help="Say which models to try one after the other.",
    epilog=example("autopack advise models --trace matrix.csv"),
)
def advise() -> None:
    """Say what recorded trials of models speak for, or that they speak for nothing."""


@advise.command(
    cls=ReadingCommand,
    short_help="Find the cheapest chain of models that is not right less often.",
    epilog=example(
        "autopack --log work.db advise models with-small with-large",
        "autopack advise models --trace matrix.csv --false-passes 10%",
    ),
)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--trace", type=click.Path(path_type=Path), help="A .jsonl or .csv, also .gz.")
@click.option("--check", help="The check to go by; else all that judged before the end.")
@click.option("--model", "names", multiple=True, help="Only these; repeatable.")
@click.option(
    "--max-length",
    type=Whole(2),
    default=3,
    show_default=True,
    help="How many models a chain may have.",
)
@click.option(
    "--margin", type=_SHARE, default=0.01, show_default=True,
    help="By how much less often it may be right: 0.01 is a point.",
)  # fmt: skip
@click.option("--false-passes", type=_SHARE, help="Of wrong work; else as measured.")
@click.option("--false-failures", type=_SHARE, help="Of right work; else as measured.")
@click.option("--column", "columns", multiple=True, metavar="FIELD=NAME", help=_COLUMN)
@click.option("--prices", metavar="FILE|NAME", help="Dated prices: a file, or a plugin's.")
@click.option("--seed", type=Whole(0), default=0, show_default=True, help="Of the order of tasks.")
@json_option
@click.pass_context
def models(
    ctx: click.Context,
    /,
    runs: tuple[str, ...],
    trace: Path | None,
    names: tuple[str, ...],
    columns: tuple[str, ...],
    prices: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Find the chain of models that costs least without being right less often than the best one.

    Each model is tried until the check passes its work. The trials are the attempts of the log, in
    some runs or in all, where phases of one id are one task; or the rows of a --trace. Exit 1 if
    the evidence speaks for no chain.
    """
    import autopack as api
    from autopack.report.advice_text import advice_json, advice_lines

    session = ctx.find_object(Session)
    assert session is not None
    if trace is not None and (runs or given["check"] or session.until is not None):
        raise click.UsageError("RUN, --check and --until are of the log, and --trace reads none.")
    if trace is None and not session.target:
        raise click.UsageError("Name what is to be read: a log (--log PATH), or --trace FILE.")
    with nullcontext() if trace is not None else session.open_log() as log:
        found = api.advise_models(
            log,
            runs,
            trace=None if trace is None else trace.absolute(),
            models=names,
            columns=dict(map(column_of, columns)),
            prices=None if prices is None else api.read_prices(prices, plugins=session.registry()),
            **given,
        )
    if as_json:
        print_json(advice_json(found))
    else:
        say_table(advice_lines(found))
        if found.chain is not None:
            say(f"Use it: {_typed(session)} drain --strategy cascade -s {_models(found.chain)}")
    ctx.exit(1 if found.chain is None else 0)


def _typed(session: Session) -> str:
    return session.typed if session.target else "autopack --log LOG"


def _models(chain: Sequence[str]) -> str:
    """Return a chain as the option of a strategy; as JSON where commas would part a name."""
    has_commas = any("," in name for name in chain)
    return shlex.quote(f"models={json.dumps(list(chain)) if has_commas else ','.join(chain)}")
