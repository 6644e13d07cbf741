"""``autopack views``: what is persisted of the log's own read models."""

import click

from autopack.cli.output import json_option, print_fields, print_json
from autopack.cli.session import LogCommand, Session, example
from autopack.cli.suggestions import CommandGroup


@click.group(cls=CommandGroup, epilog=example("autopack --log work.db views refresh"))
def views() -> None:
    """Persist views, so that later reads fold only what is new."""


@views.command(
    cls=LogCommand,
    short_help="Bring the persisted views up to the head.",
    epilog=example("autopack --log work.db views refresh --rebuild"),
)
@click.option("--rebuild", is_flag=True, help="Fold from the first event and swap the result in.")
@json_option
@click.pass_obj
def refresh(session: Session, rebuild: bool, as_json: bool) -> None:
    """Bring the persisted views up to the head; answers stay the same, only faster."""
    with session.open_log() as log:
        positions = log.refresh_views(rebuild=rebuild)
    if as_json:
        print_json(positions)
    else:
        told = {name: f"at position {position}" for name, position in positions.items()}
        print_fields(told, as_named=True)
