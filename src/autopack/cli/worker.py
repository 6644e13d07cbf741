"""``autopack worker``: a drain that waits for work where another ends, on any machine."""

from typing import Any, Final

import click

from autopack.cli.forced_exit import CLOSING_S, last_resort
from autopack.cli.lasting_stderr import unhurried
from autopack.cli.number_options import SPAN
from autopack.cli.output import whoever_reads
from autopack.cli.program_arguments import ProgramCommand
from autopack.cli.session import Session, example
from autopack.cli.shown_work import tell, work
from autopack.cli.signals import hear_early
from autopack.cli.work_options import work_options
from autopack.cli.work_settings import settings_said

_AS_ASKED: Final = frozenset({"stopped", "limit", "strategy"})


@click.command(
    cls=ProgramCommand,
    short_help="Work on what is queued, here and whenever, until told to stop.",
    used_first=(
        "executor",
        "preset",
        "run_id",
        "workers",
        "offers",
        "timeout_s",
        "check",
        "workspace",
        "drain",
        "max_minutes",
        "idle_s",
        "grace_s",
    ),
    epilog=example(
        "autopack --log postgresql://db.example.org/work worker \\",
        "    --executor mine.py:execute",
        "autopack --log work.db worker --workers 4 --offers gpu=2 --idle 10m \\",
        "    --preset claude",
    ),
)
@work_options
@click.option("--idle", "idle_s", metavar="SPAN", type=SPAN, help="End after so long without work.")
@click.option(
    "--grace", "grace_s", metavar="SPAN", type=SPAN, default=20.0, show_default=True,
    help="How long phases in work may go on once it is told to stop.",
)  # fmt: skip
@click.option(
    "--json", "as_json", is_flag=True, help="JSON on stdout: a line an event, then the report's."
)
@click.pass_context
def worker(ctx: click.Context, /, grace_s: float, as_json: bool, **given: Any) -> None:
    """
    Do what `autopack drain` does, and wait for work where that ends.

    It takes work by the same claims and caps as all who work on the log, from whichever machine,
    also of runs that are created later. SIGTERM or Ctrl-C: it takes no further phase, and what has
    not ended when the grace is over is given back, its attempt unspent, for others to do; once
    more gives it back at once.

    Exit 0 when it was told to stop, was idle for so long, or reached a limit, whatever became of
    the phases; 1 if an error, the breaker, a missing price or the machine ended it. A program and
    its arguments may stand after --, in place of --command.
    """
    session = ctx.find_object(Session)
    assert session is not None
    last = ctx.with_resource(last_resort())
    hear_early(last)
    ctx.with_resource(unhurried())
    settings = settings_said(ctx, session.registry(), **given)
    settings |= {"when_empty": "wait", "allow_empty": True}
    with session.open_log() as log:
        report = work(log, settings, last, as_json=as_json, grace_s=grace_s)
        last.code = 0 if report.reason in _AS_ASKED else 1
        with whoever_reads():  # before the log is closed, which may be held up
            tell(report, session.typed, settings, as_json=as_json)
        last.end(last.code, CLOSING_S)
    ctx.exit(last.code)
