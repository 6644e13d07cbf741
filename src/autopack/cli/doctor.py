"""``autopack doctor``: what may be wrong with the installation or with a log, and what to do."""

import click

from autopack.cli.output import json_option, print_json, say
from autopack.cli.session import LogCommand, Session, absolute_target, example


@click.command(
    cls=LogCommand,
    short_help="Look for faults of the installation and of the log.",
    epilog=example("autopack doctor", "autopack --log work.db doctor --full"),
)
@click.option("--full", is_flag=True, help="Verify every event, not only the last 1,000.")
@json_option
@click.pass_context
def doctor(ctx: click.Context, full: bool, as_json: bool) -> None:
    """
    Check versions, plugins, variables and the clock, and the log if one is named.

    Nothing is changed. Exit 0 if there is no fault, 1 if there is one; warnings are no faults.
    """
    import autopack as api
    from autopack.report.doctor_findings import diagnosis_json, diagnosis_text

    session = ctx.find_object(Session)
    assert session is not None
    target = session.target
    if target is not None and target.strip():
        target = absolute_target(target)
    found = api.diagnose(target, full=full, plugins=session.registry())
    if found.log_id is not None:
        say(f"log: {found.target} (log_id {found.log_id})", err=True)
    if as_json:
        print_json(diagnosis_json(found))
    else:
        say(diagnosis_text(found))
    ctx.exit(0 if found.is_fine else 1)
