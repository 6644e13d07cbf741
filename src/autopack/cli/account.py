"""``autopack account``: whose limits are met, and by hand, that they are over."""

from typing import Final

import click

from autopack.cli.output import json_option, print_json, say
from autopack.cli.session import LogCommand, ReadingCommand, Session, example, why_option
from autopack.cli.suggestions import CommandGroup

_NONE: Final = "No account is closed by a limit, and no provider told how much of one is used."


@click.group(
    cls=CommandGroup,
    short_help="List accounts, and open one that rests.",
    epilog=example("autopack --log work.db account list"),
)
def account() -> None:
    """List accounts whose limits were told of, and open one that rests."""


@account.command("list", cls=ReadingCommand, epilog=example("autopack --log work.db account list"))
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """List the windows and the lanes that rest, by account."""
    import autopack as api
    from autopack.report.account_text import limit_line, wait_line
    from autopack.report.escaping import on_line

    with session.open_log() as log:
        found = api.status(log)
    if as_json:
        print_json({"waits": found.waits, "limits": found.limits})
        return
    lines = [wait_line(one, found.at) for one in found.waits]
    lines += [limit_line(one, found.at) for one in found.limits]
    for line in lines or [_NONE]:
        say(on_line(line))


@account.command(
    "open",
    cls=LogCommand,
    short_help="Let an account be asked again at once.",
    epilog=example("autopack --log work.db account open anthropic --why 'a larger plan'"),
)
@click.argument("name", metavar="ACCOUNT")
@click.option("--model", help="Only the lane of this model.")
@why_option()
@click.pass_obj
def open_(session: Session, name: str, model: str | None, why: str) -> None:
    """
    Let an account be asked again at once, since its plan was changed, or its windows began anew.

    Drains that run look again within a second. If it refuses after all, it rests again.
    """
    import autopack as api

    with session.open_log() as log:
        opened = api.open_account(log, name, model=model, why=why)
    lanes = "1 lane is" if len(opened) == 1 else f"{len(opened)} lanes are"
    say(f"Account {name}: {lanes} open" if opened else f"Account {name}: no lane rested")
