"""``autopack plugin``: begin a plugin of one's own."""

from pathlib import Path
from typing import Literal

import click

from autopack.cli.output import say
from autopack.cli.session import example
from autopack.cli.suggestions import CommandGroup


@click.group(
    cls=CommandGroup,
    short_help="Begin a plugin of your own.",
    epilog=example("autopack plugin new night-shift --kind strategy"),
)
def plugin() -> None:
    """Begin a plugin of your own; `autopack plugins` lists those that are installed."""


@plugin.command(
    short_help="Write a package that installs and passes its tests.",
    epilog=example("autopack plugin new night-shift --kind strategy"),
)
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(["strategy", "executor"]), required=True, help="What it adds."
)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=".", help="Where; here by default."
)
def new(name: str, kind: Literal["strategy", "executor"], folder: Path) -> None:
    """Write a package that installs, passes its tests and shows up in `autopack plugins`."""
    from autopack.plugins.scaffold import create_plugin

    made = create_plugin(name, kind, folder.absolute())
    say(f"Created {made}")
    say("Next:")
    say(f'  pip install -e "{made}[test]"')
    say(f"  pytest {made}")
    say("  autopack plugins")
