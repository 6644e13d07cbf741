"""``autopack cap``: every cap of a log, and answers to what is asked of their owners."""

import click

from autopack.cli.output import json_option, note, print_json, print_table, say
from autopack.cli.run import CAPS_MEANT, cap_given, shown
from autopack.cli.session import LogCommand, ReadingCommand, Session, example, why_option
from autopack.cli.suggestions import CommandGroup


@click.group(cls=CommandGroup, epilog=example("autopack --log work.db cap list"))
def cap() -> None:
    """List all caps, and answer for them."""


@cap.command("list", cls=ReadingCommand, epilog=example("autopack --log work.db cap list"))
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """List the caps, and what is used of them."""
    import autopack as api

    with session.open_log() as log:
        found = api.list_caps(log)
    if as_json:
        print_json(found)
        return
    if not found:
        say("No caps are set.")
        return
    rows = [
        (one.scope, use.unit, shown(use.cap), shown(use.used), shown(use.reserved), one.stands)
        for one in found
        for use in one.caps
    ]
    print_table(("scope", "unit", "cap", "used", "set aside", "stands"), rows)
    note(CAPS_MEANT)


@cap.command(
    cls=LogCommand,
    epilog=example(
        "autopack --log work.db cap approve run-nightly --raise usd=40 --why ok",
    ),
)
@click.argument("scope")
@click.option(
    "--raise", "raised", multiple=True, required=True, metavar="UNIT=N",
    help="To what: tokens=N, usd=N, attempts=N or minutes=N; repeatable.",
)  # fmt: skip
@why_option()
@click.pass_obj
def approve(session: Session, scope: str, raised: tuple[str, ...], why: str) -> None:
    """Raise a cap whose owner is asked; work goes on."""
    import autopack as api

    raise_to = {unit: cap for unit, cap in map(cap_given, raised) if cap is not None}
    with session.open_log() as log:
        found = api.decide_cap(log, scope, decision="approve", raise_to=raise_to, why=why)
    caps = ", ".join(f"{use.unit} {shown(use.cap)}" for use in found.caps)
    say(f"The cap of {scope} is {caps}")


@cap.command(
    cls=LogCommand,
    epilog=example("autopack --log work.db cap reject run-nightly --why 'enough for tonight'"),
)
@click.argument("scope")
@why_option()
@click.pass_obj
def reject(session: Session, scope: str, why: str) -> None:
    """Leave a cap as it is; what waits stays queued."""
    import autopack as api

    with session.open_log() as log:
        api.decide_cap(log, scope, decision="reject", why=why)
    say(f"The cap of {scope} stays as it is")
