"""``autopack forecast``: what the queued phases will take, before any money is spent."""

import click

from autopack.cli.measure_option import by_option
from autopack.cli.output import json_option, print_json, print_table, say
from autopack.cli.session import ReadingCommand, Session, example


@click.command(
    cls=ReadingCommand,
    short_help="Predict what the queued phases will take and cost.",
    epilog=example(
        "autopack --log work.db forecast --run-id r1 --prices prices.toml",
        "autopack --log work.db forecast --by cost_usd",
    ),
)
@click.option("--run-id", help="Only this run's phases.")
@click.option("--calibrator", default="mixture", show_default=True, help="Gives the intervals.")
@click.option(
    "--estimator", default="deliverables", show_default=True, help="What predicts the sizes."
)
@click.option("--prices", metavar="FILE|NAME", help="Dated prices: a file, or a plugin's by name.")
@by_option
@json_option
@click.pass_obj
def forecast(
    session: Session,
    /,
    run_id: str | None,
    calibrator: str,
    estimator: str,
    prices: str | None,
    by: str,
    as_json: bool,
) -> None:
    """
    Predict the queued phases' output tokens and cost, one attempt each, with intervals.

    A cost needs the model's price and the prompt's size; what lacks one is counted apart. With
    --by, predict what the phases take in that measure, in all their attempts, from what phases of
    the log took.
    """
    import autopack as api
    from autopack.report.forecast_text import (
        forecast_json,
        forecast_rows,
        forecast_text,
        forecast_titles,
    )

    with session.open_log() as log:
        found = api.forecast(
            log,
            run_id=run_id,
            calibrator=calibrator,
            estimator=estimator,
            prices=prices,
            by=by,
        )
    if as_json:
        print_json(forecast_json(found))
        return
    if rows := list(forecast_rows(found)):
        print_table(forecast_titles(found.by), rows)
    say(forecast_text(found))
