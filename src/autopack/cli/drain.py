"""``autopack drain``: work the queue off, with every line of progress on stderr."""

from functools import partial
from typing import Any

import click

from autopack.cli.detached_drain import detach as detached
from autopack.cli.drain_control import list_, pause, resume, set_
from autopack.cli.forced_exit import CLOSING_S, INTERRUPTED, last_resort
from autopack.cli.lasting_stderr import unhurried
from autopack.cli.output import print_json, print_table, say, users_prints, whoever_reads
from autopack.cli.program_arguments import ProgramGroup, refuse_for_others
from autopack.cli.session import BY_HAND, Session, example
from autopack.cli.shown_work import tell, work
from autopack.cli.work_options import work_options
from autopack.cli.work_settings import settings_said


@click.group(
    cls=ProgramGroup,
    invoke_without_command=True,
    short_help="Work the queued phases off, and record what happened.",
    used_first=(
        "executor",
        "preset",
        "strategy",
        "run_id",
        "workers",
        "timeout_s",
        "check",
        "max_usd",
        "max_tokens",
        "max_minutes",
        "resumes",
        "detach",
        "dry_run",
    ),
    epilog=example(
        "autopack --log work.db drain --executor mine.py:execute --workers 4",
        "autopack --log work.db drain --executor mine.py:execute --run-id nightly \\",
        "    --phase-id p3 --requeue --why 'fixed'",
        "autopack --log work.db drain --preset claude --timeout-s 900",
        "autopack --log work.db drain --timeout-s 900 -- my-agent --task '{goal}'",
        "autopack --log work.db drain --resume --detach",
    ),
)
@work_options
@click.option("--phase-id", help="Only this phase of --run-id.")
@click.option("--requeue", is_flag=True, help="Put --phase-id back in the queue first.")
@click.option("--why", help="The reason of --requeue; it is recorded.")
@click.option("--watch", is_flag=True, help="When the queue is empty, wait for more.")
@click.option(
    "--resume", "resumes", metavar="[DRAIN]", is_flag=False, flag_value="last",
    help="Go on with that drain, or the last one: its settings, limits and use.",
)  # fmt: skip
@click.option("--allow-empty", is_flag=True, help="Insist on a log without runs and phases.")
@click.option("--detach", is_flag=True, help="Go on in a process that outlives the terminal.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; writes nothing.")
@click.option(
    "--json", "as_json", is_flag=True, help="JSON on stdout: a line an event, then the report's."
)
@click.pass_context
def drain(
    ctx: click.Context,
    /,
    requeue: bool,
    why: str | None,
    detach: bool,
    dry_run: bool,
    watch: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Claim queued phases, let the executor do them, and record what happened.

    Exit 0 if no phase failed, 1 if some did, or if an error, the breaker, a missing price or the
    machine ended it, 130 when interrupted: the first Ctrl-C lets the phases in work end, the second
    one gives them back at once. Ten seconds after that it ends, whatever still goes on. A program
    and its arguments may stand after --, in place of --command.

    With --detach the drain goes on by itself; drain list says where it is, and how it ended.

    The commands below are for drains that run, in whichever process.
    """
    if ctx.invoked_subcommand is not None:
        refuse_for_others(ctx, ctx.invoked_subcommand)
        return
    _check_together(given["run_id"], given["phase_id"], requeue, why, dry_run)
    session = ctx.find_object(Session)
    assert session is not None
    if detach:
        if dry_run:
            raise click.UsageError("--detach begins a drain, and --dry-run none: choose one.")
        ctx.exit(detached(ctx, session, given, as_json))
    last = ctx.with_resource(last_resort())
    ctx.with_resource(unhurried())
    settings = settings_said(ctx, session.registry(), is_plan=dry_run, **given)
    if watch:
        settings["when_empty"] = "wait"
    with session.open_log() as log:
        if dry_run:
            _show_plan(log, settings, as_json)
            return
        begin = partial(_put_back, log, settings, why or BY_HAND) if requeue else None
        report = work(log, settings, last, as_json=as_json, begin=begin)
        is_stopped = last.is_asked or report.is_interrupted
        last.code = INTERRUPTED if is_stopped else 0 if report.is_clean else 1
        with whoever_reads():  # before the log is closed, which may be held up
            tell(report, session.typed, settings, as_json=as_json)
        last.end(last.code, CLOSING_S)
    ctx.exit(last.code)


for _command in (list_, set_, pause, resume):
    drain.add_command(_command)


def _check_together(
    run_id: str | None, phase_id: str | None, requeue: bool, why: str | None, dry_run: bool
) -> None:
    if phase_id is not None and run_id is None:
        raise click.UsageError("--phase-id needs --run-id: an id is unique only within its run.")
    if requeue and phase_id is None:
        raise click.UsageError("--requeue needs --run-id and --phase-id.")
    if why is not None and not requeue:
        raise click.UsageError("--why belongs to --requeue.")
    if requeue and dry_run:
        raise click.UsageError("--requeue would write, and --dry-run writes nothing: choose one.")


def _put_back(log: Any, settings: dict[str, Any], why: str) -> None:
    import autopack as api
    from autopack.values.ids import PhaseRef

    api.requeue(log, PhaseRef(settings["run_id"], settings["phase_id"]), why=why)


def _show_plan(log: Any, settings: dict[str, Any], as_json: bool) -> None:
    from autopack.draining.engine.engine import Drain
    from autopack.report.stuck_phases import stuck_lines

    with users_prints():
        drain = Drain(log, **settings)
        plan, stuck = drain.plan(), drain.stuck()
    if as_json:
        print_json(plan)
    else:
        header = ("phase", "predicted_output_tokens", "budget_tokens", "predicted_usd", "reason")
        print_table(header, [_row(planned) for planned in plan])
        say(_sums(plan), err=True)
    if plan.ended is not None:
        say(f"Then it takes no phase: {plan.ended}", err=True)
    for name, why in plan.held.items():
        say(f"Left in the queue: {name}: {why}", err=True)
    say(f"Not known, or not counted: {'; '.join(plan.notes)}", err=True)
    for line in stuck_lines(stuck):
        say(f"Never: {line}", err=True)
    if stuck:
        say(f"Mend it with: autopack {stuck[0].remedy}", err=True)


def _row(planned: Any) -> tuple[Any, ...]:
    cost = None if planned.predicted_usd is None else f"{planned.predicted_usd:.4f}"
    reason = f"retry: {planned.reason}" if planned.is_retry else planned.reason
    if planned.problem is not None:
        says = planned.problem  # one that would wait for a person says that itself
        reason = says if says.startswith("it would ") else f"it would fail: {says}"
    predicted, budget = planned.predicted_output_tokens, planned.budget_tokens
    return (str(planned.ref), predicted, budget, cost, reason)


def _sums(plan: list[Any]) -> str:
    from autopack.values.money import total

    predicted = sum(planned.predicted_output_tokens for planned in plan)
    budget = sum(planned.budget_tokens for planned in plan)
    priced = [planned.predicted_usd for planned in plan if planned.predicted_usd is not None]
    cost = f"{total(priced):.4f} USD for {len(priced)} of them" if priced else "the cost is unknown"
    n = len(plan)
    return (
        f"{n} phase{'' if n == 1 else 's'} would be worked on: {predicted:,} output tokens "
        f"predicted, {budget:,} budgeted, {cost}; nothing was written."
    )
