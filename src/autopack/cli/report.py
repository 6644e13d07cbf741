"""``autopack report``: what became of runs, on a page to read in the morning."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from autopack.cli.output import json_option, print_json, say, say_table
from autopack.cli.position_arguments import place_of
from autopack.cli.session import ReadingCommand, Session, example

if TYPE_CHECKING:
    from autopack.report.sheet import Sheet

Format = Literal["text", "markdown", "html"]

_ENDINGS: Final[dict[str, Format]] = {
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
    ".txt": "text",
}


@click.command(
    cls=ReadingCommand,
    short_help="Say what is done, what it cost, what failed, what waits.",
    epilog=example(
        "autopack --log work.db report nightly",
        "autopack --log work.db report nightly --to nightly.html",
        "autopack --log work.db report --since -12h --notify ntfy://ntfy.sh/TOPIC",
    ),
)
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--since", metavar="TIME", help="What happened from then on.  [default: -1d, if no "
              "RUN is named]")  # fmt: skip
@click.option("--to", type=click.Path(path_type=Path), help="A file: .html, .md or .txt.")
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "html"]),
    help="How to write it.  [default: by the file's ending, else text]",
)  # fmt: skip
@click.option(
    "--notify", metavar="ADDRESS",
    help="Also send it: https://, ntfy://HOST/TOPIC, mailto:, smtp://.  [needs autopack-notify]",
)  # fmt: skip
@json_option
@click.pass_context
def report(
    ctx: click.Context,
    /,
    runs: tuple[str, ...],
    since: str | None,
    to: Path | None,
    replace: bool,
    form: Format | None,
    notify: str | None,
    as_json: bool,
) -> None:
    """
    Say on one page how much of RUN is done, what it cost and of which cap, what failed and how
    often, what waits for whom or until when, and what to type next.

    Without RUN: of every run that something happened in since --since. How good estimates are is
    on another page: autopack calibrate report. Exit 1 if --notify did not arrive.
    """
    import autopack as api
    from autopack.report.run_report import report_json, report_sheet

    start = None if since is None else place_of(since)
    if isinstance(start, int):
        raise click.UsageError("--since is a time here: 'yesterday 18:00', -12h, 2026-01-31.")
    if to is not None:
        _check_file(to, form, replace)
    session = ctx.find_object(Session)
    assert session is not None
    with session.open_log() as log:
        found = api.report_runs(log, runs, since=start)
        is_told = notify is None or api.send_report(log, found, notify)
    sheet = report_sheet(found)
    if to is not None:
        to.write_text(_written(sheet, form or _ENDINGS[to.suffix.lower()]), encoding="utf-8")
        say(f"wrote {to}", err=True)
    if as_json:
        print_json(report_json(found))
    elif to is None:
        text = _written(sheet, form or "text", width=shutil.get_terminal_size().columns)
        say_table(text.splitlines())
    ctx.exit(int(not is_told))


def _written(sheet: "Sheet", form: Format, *, width: int = 80) -> str:
    from autopack.report import sheet as sheets

    writers: dict[Format, Callable[[Sheet], str]] = {
        "text": lambda page: sheets.sheet_text(page, width=width),
        "markdown": sheets.sheet_markdown,
        "html": sheets.sheet_html,
    }
    return writers[form](sheet).rstrip("\n") + "\n"


def _check_file(to: Path, form: Format | None, replace: bool) -> None:
    if form is None and to.suffix.lower() not in _ENDINGS:
        raise click.UsageError(f"{to} must end in .html, .md or .txt, or say --format.")
    if not to.parent.is_dir():
        raise click.UsageError(f"There is no folder {to.parent} to write {to.name} in.")
    if to.exists() and not replace:
        raise click.UsageError(f"{to} is there already: choose another name, or say --replace.")
