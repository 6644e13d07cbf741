"""``autopack view`` and ``views``: the log's read models as they stand, and what is persisted."""

import click

from autopack.cli.output import json_option, print_fields, print_json
from autopack.cli.session import LogCommand, ReadingCommand, Session, example
from autopack.cli.suggestions import CommandGroup


@click.command(
    cls=ReadingCommand,
    short_help="Show a view of the log as it stands.",
    epilog=example("autopack --log work.db view phases --key nightly/cache"),
)
@click.argument("name", metavar="NAME")
@click.option("--key", help="Show this row alone, e.g. RUN/PHASE; no other is read.")
@json_option
@click.pass_obj
def view(session: Session, name: str, key: str | None, as_json: bool) -> None:
    """Show a projection as it stands: NAME is registered, or file.py:name."""
    import autopack as api
    from autopack.cli.replay import show_row, show_view

    with session.open_log() as log:
        found = api.view(log, name) if key is None else api.view(log, name, key=key)
    if as_json:
        print_json(found)
    elif key is None:
        show_view(found)
    else:
        show_row(key, found)


@click.group(cls=CommandGroup, epilog=example("autopack --log work.db views refresh"))
def views() -> None:
    """Persist views, so that later reads fold only what is new."""


@views.command(
    cls=LogCommand,
    short_help="Bring the persisted views up to the head.",
    epilog=example("autopack --log work.db views refresh --rebuild"),
)
@click.argument("also", nargs=-1, metavar="[FILE.PY:NAME]...")
@click.option("--rebuild", is_flag=True, help="Fold from the first event and swap the result in.")
@json_option
@click.pass_obj
def refresh(session: Session, also: tuple[str, ...], rebuild: bool, as_json: bool) -> None:
    """Bring the persisted views up to the head, and projections of your own; answers stay."""
    with session.open_log() as log:
        positions = log.refresh_views(rebuild=rebuild, also=also)
    if as_json:
        print_json(positions)
    else:
        told = {name: f"at position {position}" for name, position in positions.items()}
        print_fields(told, as_named=True)
