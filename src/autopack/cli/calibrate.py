"""``autopack calibrate``: fit an estimator to recorded outcomes; apply or reject what comes out."""

import shlex
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from autopack.cli.calibration_report import calibration_report
from autopack.cli.number_options import Finite
from autopack.cli.output import json_option, print_json, print_markdown, say, tell_none
from autopack.cli.session import (
    LogCommand,
    ReadingCommand,
    Session,
    example,
    log_option,
    until_option,
    why_option,
)
from autopack.cli.suggestions import CommandGroup


@click.group(
    cls=CommandGroup,
    short_help="Fit the estimates to what was measured; apply, reject.",
    invoke_without_command=True,
    epilog=example(
        "autopack --log work.db calibrate --confidence-threshold 0.7 --out reports",
        "autopack --log work.db calibrate apply reports/REPORT.json",
    ),
)
@click.option(
    "--calibrator",
    default="median-ratio",
    show_default=True,
    metavar="NAME[:OPTION=VALUE,...]",
    help="Or file.py:name.",
)
@click.option(
    "--estimator", default="deliverables", show_default=True, help="What predicts the sizes."
)
@click.option("--min-samples", type=int, help="A group's first gate.  [default: 5]")
@click.option(
    "--confidence-threshold",
    type=Finite(min=0, max=1),
    help="The second gate, 0 to 1.  [default: 0.7]",
)
@click.option("--run-id", "run_ids", multiple=True, help="Use only this run; repeatable.")
@click.option("--also", multiple=True, metavar="PATH|URL", help="Another log; repeatable.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the report files there.")
@click.option("--propose", is_flag=True, help="Also record the proposal in the log.")
@json_option
@click.pass_context
def calibrate(
    ctx: click.Context,
    /,
    calibrator: str,
    estimator: str,
    run_ids: tuple[str, ...],
    also: tuple[str, ...],
    out: Path | None,
    propose: bool,
    as_json: bool,
    **gates: Any,
) -> None:
    """
    Say what was used, what was set aside and why, and which multipliers the rest speaks for.

    Nothing changes until a proposal is applied. Exit 0 if at least one group has --min-samples
    samples, 1 if none has: there is too little evidence to say anything.
    """
    if ctx.invoked_subcommand is not None:
        return
    import autopack as api
    from autopack.exchange.report_files import write_calibration
    from autopack.report.proposal_text import calibration_json, calibration_markdown

    session = ctx.find_object(Session)
    assert session is not None
    options = {name: value for name, value in gates.items() if value is not None}
    now = datetime.fromtimestamp(time.time(), UTC)
    with session.open_log() as log, ExitStack() as others:
        logs = [log, *(others.enter_context(session.other_log(one)) for one in also)]
        proposal = api.calibrate(
            logs, calibrator=calibrator, estimator=estimator, run_ids=run_ids or None, **options
        )
        if propose:
            say(f"proposed: {api.propose(log, proposal)}", err=True)
    files = [] if out is None else write_calibration(proposal, out.absolute(), at=now)
    for file in files:
        say(f"wrote {file}", err=True)
    if out is not None:
        say(_how_to_apply(proposal, out / files[-1].name, session), err=True)
    if as_json:
        print_json({**calibration_json(proposal), "files": [str(file) for file in files]})
    else:
        print_markdown(calibration_markdown(proposal, at=now))
    needed = proposal.settings.get("min_samples", gates["min_samples"] or 5)
    ctx.exit(0 if any(group.n >= needed for group in proposal.groups) else 1)


calibrate.add_command(calibration_report)
calibrate.params += [log_option(), until_option()]


def _how_to_apply(proposal: Any, file: Path, session: Session) -> str:
    if not (proposal.high_confidence and proposal.is_change):
        return "There is nothing to apply: the files only tell what was found."
    return f"Apply it with: {session.typed} calibrate apply {shlex.quote(str(file))}"


@calibrate.command(
    cls=LogCommand,
    short_help="Let the estimator use a report's multipliers.",
    epilog=example("autopack --log work.db calibrate apply FILE.json"),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force-why", help="Apply though no group passed the gates; it is recorded.")
@json_option
@click.pass_obj
def apply(session: Session, file: Path, force_why: str | None, as_json: bool) -> None:
    """
    Let the estimator use a report's multipliers in this log from here on.

    Evidence of another log is taken too, and said loudly; `calibrate rollback` takes it back.
    """
    import autopack as api
    from autopack.api.proposals import foreign_evidence
    from autopack.exchange.run_files import proposal_from_json

    proposal = proposal_from_json(file.absolute())
    with session.open_log() as log:
        now = api.apply(log, proposal, force_why=force_why)
        if said := foreign_evidence(log, proposal):
            undo = f"{session.typed} calibrate rollback --why REASON"
            say(f"WARNING: {said}. Take it back with: {undo}", err=True)
    _show_taught("Applied", now, as_json=as_json)


@calibrate.command(
    cls=LogCommand, epilog=example("autopack --log work.db calibrate reject FILE.json --why 'odd'")
)
@click.argument("file", type=click.Path(path_type=Path))
@why_option()
@click.pass_obj
def reject(session: Session, file: Path, why: str) -> None:
    """Record that a proposal was turned down."""
    import autopack as api

    with session.open_log() as log:
        api.reject(log, file.absolute(), why=why)
    say("Rejected; the estimator goes on as before")


@calibrate.command(
    cls=LogCommand,
    short_help="Go back to the multipliers before those in use.",
    epilog=example("autopack --log work.db calibrate rollback --why 'truncates'"),
)
@why_option()
@click.option(
    "--estimator", default="deliverables", show_default=True, help="What predicts the sizes."
)
@json_option
@click.pass_obj
def rollback(session: Session, why: str, estimator: str, as_json: bool) -> None:
    """Go back to the multipliers before those in use; once more goes further back."""
    import autopack as api

    with session.open_log() as log:
        now = api.rollback(log, why=why, estimator=estimator)
    _show_taught("Rolled back", now, as_json=as_json)


@calibrate.command(
    cls=ReadingCommand,
    short_help="Show what was proposed, applied, rejected, rolled back.",
    epilog=example("autopack --log work.db calibrate history"),
)
@click.option(
    "--estimator", default="deliverables", show_default=True, help="What predicts the sizes."
)
@json_option
@click.pass_obj
def history(session: Session, estimator: str, as_json: bool) -> None:
    """Show what was proposed, applied, rejected and rolled back for an estimator."""
    import autopack as api
    from autopack.report.history import event_json, history_line

    with session.open_log() as log:
        events = api.calibration_history(log, estimator)
    if as_json:
        print_json([event_json(recorded) for recorded in events])
        return
    for recorded in events:
        say(history_line(recorded))
    tell_none(events, f"Nothing was proposed or applied for estimator {estimator!r} so far.")


def _show_taught(done: str, now: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(now)
        return
    say(f"{done}: {now.estimator} is at version {now.version}")
    for group, multiplier in now.multipliers.items():
        say(f"  {group}: x {multiplier:.3f}")
