"""``autopack calibrate report``: what a log says of its estimates, on one page."""

from pathlib import Path
from typing import Any

import click

from autopack.cli.number_options import SHARE
from autopack.cli.output import json_option, print_json, say
from autopack.cli.session import ReadingCommand, Session, example


@click.command(
    "report",
    cls=ReadingCommand,
    short_help="Write how good the estimates are, as a page or a text.",
    epilog=example(
        "autopack --log work.db calibrate report calibration.html",
        "autopack --log work.db calibrate report --json",
    ),
)
@click.argument("out", required=False, type=click.Path(path_type=Path))
@click.option("--tau", type=SHARE, default=0.9, show_default=True, help="The share to cover.")
@click.option(
    "--estimator", default="deliverables", show_default=True, help="What predicts the sizes."
)
@click.option("--calibrator", default="median-ratio", show_default=True, help="Which one proposes.")
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@json_option
@click.pass_obj
def calibration_report(
    session: Session,
    /,
    out: Path | None,
    replace: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Write how the estimates did, what to do about it, and how far calibrators can be trusted.

    OUT ends in .html (a page: one file, nothing fetched), .md or .json. Without OUT the report is
    printed.
    """
    import autopack as api
    from autopack.report.evaluation_summary import summary

    with session.open_log() as log:
        if out is not None:
            path = api.write_report(log, out.absolute(), replace=replace, **given)
            say(f"wrote {path}", err=True)
            if not as_json:
                return
        data = api.evaluate(log, **given)
    if as_json:
        print_json(data)
    else:
        say(summary(data), nl=False)
