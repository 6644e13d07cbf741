"""``autopack scale``: as many workers as the queue can use, by an engine that starts them."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from autopack.cli.named_plugins import made
from autopack.cli.named_plugins import options_of as named_options
from autopack.cli.number_options import SPAN, WORKERS
from autopack.cli.output import print_json_line, say, users_prints
from autopack.cli.program_arguments import ProgramCommand, take_program
from autopack.cli.session import Session, absolute_target, example
from autopack.cli.work_settings import settings_said
from autopack.cli.worker import worker

_IDLE: Final = "5m"


@click.command(
    cls=ProgramCommand,
    short_help="Start as many workers as the queue can use, by an engine.",
    epilog=example(
        "autopack --log work.db scale --launcher local --max 4 --once -- \\",
        "    --executor work.py:execute",
        "autopack --log postgresql://db/work scale --launcher slurm --max 50 \\",
        "    -l partition=main -- --executor work.py:execute --workers 4",
    ),
)
@click.option("--launcher", required=True, metavar="NAME", help="A registered name: local, ...")
@click.option(
    "-l", "--launcher-option", "launcher_options", multiple=True, metavar="NAME=VALUE",
    help="An option of the launcher; several times.",
)  # fmt: skip
@click.option(
    "--max", "most", type=WORKERS, required=True, metavar="N",
    help="How many workers there may be; 0 asks all to end.",
)  # fmt: skip
@click.option("--once", is_flag=True, help="Look once, and end.")
@click.option(
    "--every", "every_s", type=SPAN, default=15.0, metavar="SPAN", show_default=True,
    help="How long to wait before each further look.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each look.")
@click.pass_context
def scale(
    ctx: click.Context,
    launcher: str,
    launcher_options: tuple[str, ...],
    most: int,
    once: bool,
    every_s: float,
    as_json: bool,
) -> None:
    """
    Keep as many workers as the queue, lanes and caps can use, and say why not more.

    What stands after -- are options of `autopack worker`, with which each is started. Those who
    need what a machine may not have, since phases require it, are started with such --offers. A
    worker ends by itself once it was idle for five minutes; --idle says otherwise.

    Nothing is kept: the engine is asked what runs, and the log what can be done. So it may be
    stopped, killed and called again at any time, and by several at once.
    """
    session = ctx.find_object(Session)
    assert session is not None
    options, settings = worker_said(ctx, session)
    command = [
        sys.executable, "-P", "-m", "autopack", "--log", absolute_target(session.target or ""),
        *(part for folder in session.plugins_dirs for part in ("--plugins-dir", folder)),
        "worker", *options,
    ]  # fmt: skip
    given = named_options("-l", launcher_options)
    found = made(session.registry(), "launcher", launcher, given)
    with session.open_log() as log, _until_told() as told:
        import autopack as api

        def look() -> None:
            with users_prints():
                scaled = api.scale(log, launcher=found, most=most, command=command, **settings)
            if as_json:
                print_json_line(scaled)
            else:
                say(scaled.done)
                say(scaled.stands)

        look()
        while not once and not told(every_s):
            _again(look)


def worker_said(ctx: click.Context, session: Session) -> tuple[list[str], dict[str, Any]]:
    """Return the options of a worker that stand after ``--``, and the settings that they say."""
    typed = take_program(ctx)
    if typed is None:
        raise click.UsageError("After -- say how each works: -- --executor work.py:execute.", ctx)
    options = list(typed)
    with worker.make_context("worker", list(options), parent=ctx.parent) as said:
        given = dict(said.params)
        if given["idle_s"] is None:
            options = ["--idle", _IDLE, *options]
        for name in ("grace_s", "as_json"):
            del given[name]
        settings = settings_said(said, session.registry(), **given)
    return options, settings


def _again(look: Callable[[], None]) -> None:
    """Look once more; an engine, or a log, that is away for a while ends nothing."""
    from autopack.errors import AutopackError
    from autopack.log.addresses import masked

    try:
        look()
    except AutopackError as fault:
        say(f"autopack: {masked(str(fault))}", err=True)


@contextmanager
def _until_told() -> Iterator[Callable[[float], bool]]:
    """Yield what waits for so many seconds, and tells whether a signal came meanwhile."""
    told = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread():
        yield told.wait
        return
    before = [signal.signal(number, lambda *_given: told.set()) for number in numbers]
    try:
        yield told.wait
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
