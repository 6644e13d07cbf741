"""``autopack demo``: the main job from nothing to a report, without a key or a network."""

from pathlib import Path

import click

from autopack.cli.session import Session, example


@click.command(epilog=example("autopack demo", "autopack demo first-look"))
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def demo(session: Session, directory: Path | None) -> None:
    """Create a log, drain it, replay it, calibrate, and say what to type next; in a new folder."""
    from autopack.demo import run_demo

    session.registry()
    run_demo(None if directory is None else directory.absolute())
