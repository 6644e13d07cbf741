"""``autopack backtest``: judge calibrators on history, before they are trusted with money."""

from pathlib import Path
from typing import Final, Literal

import click

from autopack.cli.column_arguments import column_of
from autopack.cli.measure_option import by_option
from autopack.cli.number_options import SHARE
from autopack.cli.output import json_option, print_json, print_markdown
from autopack.cli.session import ReadingCommand, Session, example

_COLUMN: Final = (
    "Where the trace calls a field otherwise; repeatable. FIELD: output_tokens (needed), call_id, "
    "at, known_at, duration_s, prompt_tokens, predicted_tokens, category, complexity, model, "
    "success, truncated, stop_reason; with --by, that measure (needed)."
)


@click.command(
    cls=ReadingCommand,
    short_help="Judge calibrators on history that they have not seen.",
    epilog=example(
        "autopack --log work.db backtest",
        "autopack backtest --trace calls.jsonl.gz --calibrator mixture",
        "autopack --log work.db backtest --by cost_usd",
        "autopack backtest --trace azure.csv --column output_tokens=GeneratedTokens",
    ),
)
@click.option(
    "--calibrator",
    "calibrators",
    multiple=True,
    metavar="NAME[:OPTION=VALUE,...]",
    help="Or file.py:name; repeatable.  [default: those to budget by, and two rules of thumb]",
)
@click.option("--tau", type=SHARE, default=0.9, show_default=True, help="The share to cover.")
@by_option
@click.option("--trace", type=click.Path(path_type=Path), help="A .jsonl or .csv, also .gz.")
@click.option("--column", "columns", multiple=True, metavar="FIELD=NAME", help=_COLUMN)
@click.option(
    "--without", multiple=True, help="Keep back prompt_tokens, model or tasks; repeatable."
)
@click.option(
    "--estimator", default="deliverables", show_default=True, help="What predicts the sizes."
)
@json_option
@click.pass_context
def backtest(
    ctx: click.Context,
    /,
    calibrators: tuple[str, ...],
    tau: float,
    by: str,
    trace: Path | None,
    columns: tuple[str, ...],
    without: tuple[Literal["model", "prompt_tokens", "tasks"], ...],
    estimator: str,
    as_json: bool,
) -> None:
    """
    Predict each row of a log or a trace before learning it, and say how well that went.

    Without --trace the log's own attempts are the rows, or with --by its phases, by what all
    their attempts used. A trace needs a column of output sizes, or of that measure. Exit 1 if
    there is no row to judge.
    """
    import autopack as api
    from autopack.api.backtests import DEFAULT_CALIBRATORS
    from autopack.report.backtest_text import backtest_json, backtest_markdown

    session = ctx.find_object(Session)
    assert session is not None
    named = dict(map(column_of, columns))
    if trace is not None and session.until is not None:
        raise click.UsageError("--until is of the log, and --trace reads none.")
    log = None if trace is not None else session.open_log()
    try:
        found = api.backtest(
            log if log is not None else (trace or Path()).absolute(),
            calibrators=calibrators or DEFAULT_CALIBRATORS,
            tau=tau,
            by=by,
            estimator=estimator,
            without=without,
            columns=named,
            registry=session.registry(),
        )
    finally:
        if log is not None:
            log.close()
    if as_json:
        print_json(backtest_json(found))
    else:
        print_markdown(backtest_markdown(found))
    ctx.exit(0 if found.rows else 1)
