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
@click.option(
    "--pictures/--no-pictures",
    default=None,
    help="In a page; they need the extra autopack[report].  [default: if it is installed]",
)
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@json_option
@click.pass_obj
def calibration_report(
    session: Session,
    /,
    out: Path | None,
    pictures: bool | None,
    replace: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Write how the estimates did, what to do about it, and how far calibrators can be trusted.

    OUT ends in .html (a page: one file, nothing fetched), .md or .json. Without OUT the report is
    printed. A page has pictures if matplotlib is there: pip install 'autopack[report]'.
    """
    import autopack as api
    from autopack.report.evaluation_summary import summary

    with session.open_log() as log:
        if out is not None:
            path = api.write_report(
                log, out.absolute(), pictures=pictures, replace=replace, **given
            )
            say(f"wrote {path}", err=True)
            _tell_missing_pictures(path, pictures)
            if not as_json:
                return
        data = api.evaluate(log, **given)
    if as_json:
        print_json(data)
    else:
        say(summary(data), nl=False)


def _tell_missing_pictures(path: Path, pictures: bool | None) -> None:
    from autopack.exchange.svg_charts import EXTRA, can_draw

    if pictures is None and path.suffix.lower() == ".html" and not can_draw():
        say(f"without pictures: for these, pip install '{EXTRA}'", err=True)
