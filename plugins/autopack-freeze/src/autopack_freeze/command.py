"""``autopack freeze set|lift|list``."""

import click

from autopack.cli.output import json_option, print_json, print_table, say
from autopack.cli.session import LogCommand, Session


@click.group()
def freeze() -> None:
    """Let nobody begin a drain for a while, with the reason in the log."""


@freeze.command("set", cls=LogCommand)
@click.argument("name")
@click.option("--why", required=True, help="The reason; it is recorded, and told to who drains.")
@click.option("--by", "actor", default="user", show_default=True, help="Who says so.")
@click.pass_obj
def set_(session: Session, name: str, why: str, actor: str) -> None:
    """Let nobody begin a drain; one that runs goes on."""
    from autopack_freeze.setting import freeze as set_freeze

    with session.open_log() as log:
        changed = set_freeze(log, name, why=why, actor=actor)
    say(f"Freeze {name} holds" + ("" if changed else "; it did before"))


@freeze.command(cls=LogCommand)
@click.argument("name")
@click.option("--why", required=True, help="The reason; it is recorded.")
@click.option("--by", "actor", default="user", show_default=True, help="Who says so.")
@click.pass_obj
def lift(session: Session, name: str, why: str, actor: str) -> None:
    """End a freeze."""
    from autopack_freeze.setting import freezes
    from autopack_freeze.setting import lift as lift_freeze

    with session.open_log() as log:
        lift_freeze(log, name, why=why, actor=actor)
        left = [one.name for one in freezes(log)]
    say(f"Freeze {name} is lifted" + (f"; left: {', '.join(left)}" if left else ""))


@freeze.command("list", cls=LogCommand)
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Show the freezes that hold."""
    from autopack_freeze.setting import freezes

    with session.open_log() as log:
        found = freezes(log)
    if as_json:
        print_json(found)
    elif found:
        print_table(["name", "by", "since", "why"], [[f.name, f.by, f.since, f.why] for f in found])
    else:
        say("Nothing is frozen.")
