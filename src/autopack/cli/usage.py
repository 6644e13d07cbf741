"""``autopack usage``: what calls used and cost, by day, model, run and so on."""

import shutil

import click

from autopack.cli.output import json_option, print_json, say_table
from autopack.cli.position_arguments import place_of
from autopack.cli.session import LogCommand, Session, example


@click.command(
    cls=LogCommand,
    short_help="Show what calls used and cost, by day, model or run.",
    epilog=example(
        "autopack --log work.db usage --by day,model",
        "autopack --log work.db usage --by run --since yesterday",
        "autopack --log work.db usage --prices prices.toml",
    ),
)
@click.option(
    "--by",
    default="model",
    show_default=True,
    metavar="KEY[,KEY...]",
    help="day, model, run, phase, category, account, provider, role.",
)
@click.option("--since", metavar="TIME|POSITION", help="Calls from then on: yesterday 14:00, -2d.")
@click.option("--until", metavar="TIME|POSITION", help="Calls up to then.")
@click.option("--zone", help="Whose days, such as Europe/Berlin.  [default: this machine's]")
@click.option("--prices", metavar="FILE|NAME", help="What they would cost by: a file, a plugin's.")
@json_option
@click.pass_obj
def usage(
    session: Session,
    /,
    by: str,
    since: str | None,
    until: str | None,
    zone: str | None,
    prices: str | None,
    as_json: bool,
) -> None:
    """
    Show what calls used, how much of their input came from a cache, and what they cost.

    A TIME chooses calls by when they were made, with what is known of them now; a POSITION shows
    what the log knew there. A cost that nobody told is unknown, not 0: a sum that lacks some is
    shown as "≥ 1.20", or >= 1.20 where the terminal has no such sign. With --prices, what each call
    would have cost by that table stands beside; nothing is written.
    """
    import autopack as api
    from autopack.report.usage_text import usage_json, usage_lines

    keys = [key.strip() for key in by.split(",") if key.strip()]
    start = None if since is None else place_of(since)
    end = None if until is None else place_of(until)
    with session.open_log() as log:
        found = api.usage(log, by=keys, since=start, until=end, zone=zone, prices=prices)  # type: ignore[arg-type]
    if as_json:
        print_json(usage_json(found.by, found.rows, found.total, found.repricing))
        return
    width = shutil.get_terminal_size().columns
    say_table(usage_lines(found.by, found.rows, found.total, found.repricing, width=width))
