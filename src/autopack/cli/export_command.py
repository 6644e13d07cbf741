"""``autopack export``: write the log in another form."""

from pathlib import Path

import click

from autopack.cli.output import say
from autopack.cli.session import ReadingCommand, Session, example


@click.command(
    cls=ReadingCommand,
    short_help="Write every event, or a view, to a new file.",
    epilog=example(
        "autopack --log work.db export jsonl work.jsonl",
        "autopack --log work.db export csv calls.csv --view usage",
    ),
)
@click.argument("kind", metavar="KIND")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--view",
    metavar="NAME",
    help="For csv and others that hold one: events, runs, phases, usage, samples; else as PATH "
    "is named.",
)
@click.pass_obj
def export(session: Session, kind: str, path: Path, view: str | None) -> None:
    """Write every event, or one view, to PATH, a new file; what is there already is left alone."""
    import autopack as api
    from autopack.errors import InvalidInputError

    dest = path.absolute()
    exporter = session.registry().resolve("exporter", kind)
    if dest.exists():
        raise InvalidInputError(
            f"{dest} exists already and was left as it is. Choose another path.",
            name="dest",
            value=dest,
        )
    with session.open_log() as log:
        written = api.export_history(log, kind, dest, view=view)
    say(f"Wrote {written} {getattr(exporter, 'counts', 'events')} to {dest}")
