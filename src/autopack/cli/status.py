"""``autopack status``: how the log stands, and what to type next."""

import click

from autopack.cli.output import json_option, print_json, say
from autopack.cli.session import ReadingCommand, Session, example


@click.command(
    cls=ReadingCommand,
    short_help="Show how the log stands, and what to type next.",
    epilog=example("autopack --log work.db status --markdown"),
)
@json_option
@click.option("--markdown", is_flag=True, help="As Markdown.")
@click.pass_obj
def status(session: Session, as_json: bool, markdown: bool) -> None:
    """Show counts, live workers, last failures, what was yielded, and what to do next."""
    import autopack as api
    from autopack.report.status import status_json, status_markdown, status_text

    if as_json and markdown:
        raise click.UsageError("Choose one of --json and --markdown.")
    with session.open_log() as log:
        found = api.status(log)
    if as_json:
        print_json(status_json(found))
    else:
        say(status_markdown(found) if markdown else status_text(found))
