"""``autopack plugins``: what was found, what it adds, and what went wrong."""

from collections.abc import Sequence

import click

from autopack.cli.output import json_option, print_json, say
from autopack.cli.session import Session, example


@click.command(
    short_help="List plugins, what they add, and what went wrong.",
    epilog=example("autopack --plugins-dir mine plugins"),
)
@json_option
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """List plugins with their distribution, version and names; exit 1 if any has a fault."""
    session = ctx.find_object(Session)
    assert session is not None
    infos = session.registry().infos
    if as_json:
        print_json(infos)
    else:
        for info in infos:
            source = f"{info.distribution} {info.version}".strip()
            say(f"{info.name} ({source})")
            for kind, names in _by_kind(info.provides).items():
                say(f"  {kind}: {', '.join(names)}")
            if not info.provides:
                say("  provides nothing")
            for fault in info.faults:
                say(f"  fault: {fault}")
    ctx.exit(1 if any(info.faults for info in infos) else 0)


def _by_kind(provides: Sequence[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for one in provides:
        kind, _, name = one.partition(" ")
        named.setdefault(kind, []).append(name)
    return named
