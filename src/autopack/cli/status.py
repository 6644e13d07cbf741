"""``autopack status``: how the log stands, and what to type next."""

import click

from autopack.cli.output import json_option, print_json, say
from autopack.cli.repeated_text import watch
from autopack.cli.session import ReadingCommand, Session, example


@click.command(
    cls=ReadingCommand,
    short_help="Show how the log stands, and what to type next.",
    epilog=example("autopack --log work.db status --markdown"),
)
@json_option
@click.option("--markdown", is_flag=True, help="As Markdown.")
@click.option("--watch", "is_watch", is_flag=True, help="Show it anew every two seconds.")
@click.pass_obj
def status(session: Session, as_json: bool, markdown: bool, is_watch: bool) -> None:
    """
    Show counts, live workers, last failures, and what to do next.

    With --watch it is shown anew until Ctrl-C, on a terminal in its place.
    """
    import autopack as api
    from autopack.report.status import status_json, status_markdown, status_text

    if as_json and markdown:
        raise click.UsageError("Choose one of --json and --markdown.")
    if is_watch and (as_json or markdown or session.until is not None):
        raise click.UsageError("--watch shows the text as it stands now: leave the others out.")
    with session.open_log() as log:
        if is_watch:
            watch(lambda: status_text(api.status(log)))
            return
        found = api.status(log)
    if as_json:
        print_json(status_json(found))
    else:
        say(status_markdown(found) if markdown else status_text(found))
