"""``autopack plugins``: what was found, what it adds, what went wrong; and how to begin one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from autopack.cli.output import json_option, print_json, say
from autopack.cli.session import Session, example
from autopack.cli.suggestions import CommandGroup

_KINDS: Final = (
    "strategy",
    "executor",
    "preset",
    "estimator",
    "calibrator",
    "projection",
    "event",
    "importer",
    "exporter",
    "backend",
    "workspace",
    "launcher",
    "check",
    "prices",
    "command",
    "hook",
)
"""Those of ``autopack.plugins.scaffold``, which help need not load."""


@click.group(
    cls=CommandGroup,
    invoke_without_command=True,
    short_help="List plugins, what they add, and what went wrong; begin one.",
    epilog=example(
        "autopack --plugins-dir mine plugins", "autopack plugins new night-shift --kind strategy"
    ),
)
@json_option
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """List plugins with their distribution, version and names; exit 1 if any has a fault."""
    if ctx.invoked_subcommand is not None:
        return
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


@plugins.command(
    short_help="Write a package that installs and passes its tests.",
    epilog=example("autopack plugins new night-shift --kind strategy"),
)
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(_KINDS),
    metavar="KIND",
    required=True,
    help=f"What it adds: {', '.join(_KINDS)}.",
)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=".", help="Where; here by default."
)
def new(name: str, kind: str, folder: Path) -> None:
    """
    Write a package that installs, passes its tests and shows up in `autopack plugins`.

    The kind `hook` is for what is asked or told, such as gates, guards, prices and observers.
    """
    from autopack.plugins.scaffold import create_plugin

    made = create_plugin(name, kind, folder.absolute())
    say(f"Created {made}")
    say("Next:")
    say(f'  pip install -e "{made}[test]"')
    say(f"  pytest {made}")
    say(f"  autopack plugins check {name.removeprefix('autopack-')}")


@plugins.command(
    short_help="Hold a plugin to the promises of its kinds.",
    epilog=example(
        "autopack plugins check night-shift",
        "autopack --plugins-dir mine plugins check night --json",
    ),
)
@click.argument("name")
@click.option(
    "--source",
    "sources",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="What an importer of it reads; may be given again.",
)
@click.option(
    "--live",
    is_flag=True,
    help="Ask what works too: executors, workspaces, launchers. They may call a model.",
)
@json_option
@click.pass_context
def check(
    ctx: click.Context, name: str, sources: tuple[Path, ...], live: bool, as_json: bool
) -> None:
    """
    Run the suites that fit on all that an installed plugin registers.

    Says what was asked, what differs and where; exit 1 if a promise is not kept. The suites are
    those of `autopack.testing`, and come with the extra `testing`.
    """
    from autopack.cli.plugin_checks import checked_plugin, say_check

    session = ctx.find_object(Session)
    assert session is not None
    found = checked_plugin(session.registry(), name, sources=sources, live=live)
    if as_json:
        print_json(found)
    else:
        say_check(found)
    ctx.exit(0 if found.is_sound else 1)


def _by_kind(provides: Sequence[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for one in provides:
        kind, _, name = one.partition(" ")
        named.setdefault(kind, []).append(name)
    return named
