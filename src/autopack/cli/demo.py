"""``autopack demo``: the main job from nothing to its costs, without a key or a network."""

import shlex
import shutil
import sys
from pathlib import Path

import click

from autopack.cli.session import Session, example


@click.command(
    short_help="See the whole job, without a key or a network.",
    epilog=example("autopack demo", "autopack demo first-look", "autopack demo --real"),
)
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--real", is_flag=True, help="A real small model answers, if its wheels are there.")
@click.pass_obj
def demo(session: Session, directory: Path | None, *, real: bool) -> None:
    """Answer a table of tasks in a new folder: killed, gone on with, and asked what it was."""
    from autopack.cli.demo_run import run_demo

    session.registry()
    run_demo(None if directory is None else directory.absolute(), program=program_name(), real=real)


def program_name() -> str:
    """Return what to type for this program: its path, if its name alone means none or another."""
    typed, found = sys.argv[0], shutil.which("autopack")
    if Path(typed).name == "__main__.py":
        return "python -m autopack"
    if not Path(typed).is_file() or (found and Path(found).samefile(typed)):
        return "autopack"
    return shlex.quote(str(Path(typed).absolute()))  # the story goes on in another folder
