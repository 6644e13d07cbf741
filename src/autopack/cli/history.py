"""``autopack history``: what happened to a run or a phase, and why."""

import click

from autopack.cli.completion import complete_runs
from autopack.cli.output import json_option, print_json, say
from autopack.cli.session import ReadingCommand, Session, example


@click.command(
    cls=ReadingCommand,
    short_help="Show every event of a run, or of one of its phases.",
    epilog=example("autopack --log work.db history nightly p3"),
)
@click.argument("run_id", metavar="RUN", shell_complete=complete_runs)
@click.argument("phase_id", metavar="[PHASE]", required=False)
@json_option
@click.pass_obj
def history(session: Session, run_id: str, phase_id: str | None, as_json: bool) -> None:
    """Show every event of a run, or of one of its phases (RUN PHASE, or RUN/PHASE), in order."""
    import autopack as api
    from autopack.report.history import event_json, history_line

    with session.open_log() as log:
        events = api.history(log, run_id, phase_id)
    if as_json:
        print_json([event_json(recorded) for recorded in events])
        return
    for recorded in events:
        say(history_line(recorded))
