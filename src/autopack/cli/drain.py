"""``autopack drain``: work the queue off, with every line of progress on stderr."""

import sys
from contextlib import nullcontext
from typing import Any

import click

from autopack.cli.completion import complete_runs
from autopack.cli.detached_drain import detach as detached
from autopack.cli.drain_control import list_, pause, resume, set_
from autopack.cli.event_lines import EventLines
from autopack.cli.forced_exit import CLOSING_S, INTERRUPTED, LastResort, last_resort
from autopack.cli.lasting_stderr import unhurried
from autopack.cli.named_checks import checks_of
from autopack.cli.named_plugins import executor_of, strategy_of, workspace_of
from autopack.cli.number_options import (
    AMOUNT,
    COUNT,
    PART,
    SHARE,
    SPAN,
    dollars,
    rates,
    resources,
)
from autopack.cli.output import (
    print_json,
    print_json_line,
    print_table,
    say,
    users_prints,
    whoever_reads,
)
from autopack.cli.program_arguments import ProgramGroup, command_of, refuse_for_others
from autopack.cli.session import BY_HAND, Session, example
from autopack.cli.signals import stopping

_NOBODY = "recorded"
_TEACHING = frozenset({"calibrator", "estimator", "max_samples"})


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
@click.option("--executor", help="A registered name, or file.py:name.")
@click.option("--command", metavar="JSON", help="What the executor `command` runs: a list.")
@click.option(
    "--preset", help="A client whose output is known: claude, codex, gemini, llm, opencode, qwen."
)
@click.option(
    "-x",
    "--executor-option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the executor; several times. JSON, or a text.",
)
@click.option("--strategy", help="A registered name, or file.py:name.  [default: fifo]")
@click.option(
    "-s",
    "--strategy-option",
    "strategy_options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the strategy; several times.",
)
@click.option(
    "--workspace", metavar="NAME|FOLDER",
    help="Where attempts work: a folder, or `worktree` for one of its own for each.",
)  # fmt: skip
@click.option(
    "-w", "--workspace-option", "workspace_options", multiple=True, metavar="NAME=VALUE",
    help="An option of the workspace; several times.",
)  # fmt: skip
@click.option("--estimator", help="Predicts outputs.  [default: deliverables]")
@click.option("--calibrator", help="Budget a quantile by it, from the log's samples.")
@click.option(
    "--tau", type=SHARE, default=0.9,
    show_default=True, help="The share of outputs that those budgets are to hold.",
)  # fmt: skip
@click.option(
    "--escalation", type=click.Choice(["quantile", "factor", "none"]), default="quantile",
    show_default=True, help="What a cut output's next budget is.",
)  # fmt: skip
@click.option("--run-id", shell_complete=complete_runs, help="Only this run.")
@click.option("--phase-id", help="Only this phase of --run-id.")
@click.option("--requeue", is_flag=True, help="Put --phase-id back in the queue first.")
@click.option("--why", help="The reason of --requeue; it is recorded.")
@click.option(
    "--check", "check", multiple=True, metavar="CHECK",
    help="What work is judged by where phase and run name none: a name, or a program; repeatable.",
)  # fmt: skip
@click.option("--workers", type=COUNT, default=1, show_default=True, help="Phases at a time.")
@click.option("--timeout-s", type=AMOUNT, help="For each attempt.")
@click.option(
    "--lease-s", type=AMOUNT, default=30.0, show_default=True,
    help="How long a dead worker's phases stay with it.",
)  # fmt: skip
@click.option("--max-minutes", type=AMOUNT, help="Take no phase after so long.")
@click.option("--max-phases", type=COUNT, help="Take so many, retries among them.")
@click.option("--max-samples", type=COUNT, help="Stop once so many samples are won.")
@click.option("--max-tokens", type=COUNT, help="A cap: claims set aside what they may use.")
@click.option("--max-usd", metavar="USD", callback=dollars, help="A cap in USD; it needs prices.")
@click.option("--max-tokens-per-phase", type=COUNT, help="A cap of each phase without its own.")
@click.option("--max-usd-per-phase", metavar="USD", callback=dollars, help="Likewise, in USD.")
@click.option("--max-tokens-per-day", type=COUNT, help="A cap of each day.")
@click.option("--max-usd-per-day", metavar="USD", callback=dollars, help="Likewise, in USD.")
@click.option("--day-zone", default="UTC", show_default=True, help="Whose midnight begins a day.")
@click.option(
    "--at-cap", type=click.Choice(["stop", "ask"]), default="stop", show_default=True,
    help="Ask a cap's owner, and wait: autopack cap approve.",
)  # fmt: skip
@click.option(
    "--alarm", metavar="[MEASURE:]TAU:POLICY",
    help="Note, ask about or stop what used more than a share of its like did, as 0.99:ask.",
)  # fmt: skip
@click.option("--prices", metavar="FILE|NAME", help="Dated prices: a file, or a plugin's.")
@click.option("--allow-unknown-price", is_flag=True, help="Under a cap in USD, go on without.")
@click.option(
    "--assume-usd-per-call", metavar="USD", callback=dollars,
    help="What a call counts as under caps whose price nobody tells.",
)  # fmt: skip
@click.option("--max-zero-yield", type=COUNT, help="Phases in a row without any usage.")
@click.option(
    "--give-up-after", "give_up_after_s", metavar="SPAN", type=SPAN,
    help="Stop once the account has let nobody in for so long, as 2h.  [default: wait]",
)  # fmt: skip
@click.option(
    "--max-fingerprint-repeats", type=COUNT, default=10, show_default=True,
    help="Leave a run that fails the same way so often, with no success in between.",
)  # fmt: skip
@click.option("--max-timeouts-per-run", type=COUNT, help="Leave a run after so many time-outs.")
@click.option(
    "--requests-per-minute", "--rpm", multiple=True, metavar="[MODEL=]N", callback=rates,
    help="For every model, or for one; repeatable.",
)  # fmt: skip
@click.option(
    "--tokens-per-minute", "--tpm", multiple=True, metavar="[MODEL=]N", callback=rates,
    help="Likewise.",
)  # fmt: skip
@click.option(
    "--offers", multiple=True, metavar="NAME=N|WORD", callback=resources,
    help="For phases that require it, as gpu=2 or label=eu; repeatable.",
)  # fmt: skip
@click.option("--account", metavar="LABEL", help="Whose limits the calls count under.")
@click.option(
    "--leave", metavar="SHARE", type=PART,
    help="Leave so much of each of the account's windows to others, as 10%.",
)  # fmt: skip
@click.option("--drain", metavar="ID", help="Join this drain: its caps bind all that do.")
@click.option("--watch", is_flag=True, help="When the queue is empty, wait for more.")
@click.option(
    "--collect", type=click.Choice(["wait", "once"]), default="wait", show_default=True,
    help="Wait for what providers have, or ask once for what is due.",
)  # fmt: skip
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
    command: str | None,
    preset: str | None,
    options: tuple[str, ...],
    strategy_options: tuple[str, ...],
    workspace_options: tuple[str, ...],
    requeue: bool,
    why: str | None,
    detach: bool,
    dry_run: bool,
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
    with users_prints():
        settings = _settings(
            ctx,
            session.registry(),
            given,
            (command_of(ctx, command), preset, options),
            (strategy_options, workspace_options),
            dry_run,
        )
    with session.open_log() as log:
        if dry_run:
            _show_plan(log, settings, as_json)
            return
        report = _run(log, settings, (why or BY_HAND) if requeue else None, last, as_json)
        is_stopped = last.is_asked or report.is_interrupted
        last.code = INTERRUPTED if is_stopped else 0 if report.is_clean else 1
        with whoever_reads():  # before the log is closed, which may be held up
            is_learning = not _TEACHING.isdisjoint(settings)
            _tell(report, session.typed, as_json, is_learning)
        last.end(last.code, CLOSING_S)
    ctx.exit(last.code)


for _command in (list_, set_, pause, resume):
    drain.add_command(_command)


def _tell(report: Any, command: str, as_json: bool, is_learning: bool) -> None:
    if as_json:
        print_json_line(report)
        return
    from autopack.report.drain_text import drain_text

    say(drain_text(report, command, with_samples=is_learning))


def _settings(
    ctx: click.Context,
    registry: Any,
    given: dict[str, Any],
    program: tuple[str | None, str | None, tuple[str, ...]],
    more_options: tuple[tuple[str, ...], tuple[str, ...]],
    is_plan: bool,
) -> dict[str, Any]:
    """Return what was said on the command line; a drain to go on with says the rest."""
    source, (strategy_options, workspace_options) = ctx.get_parameter_source, more_options
    said = {
        name: value
        for name, value in given.items()
        if source(name) is not click.core.ParameterSource.DEFAULT
    }
    if said.pop("watch", False):
        said["when_empty"] = "wait"
    if "resumes" not in said or "executor" in said or any(program):
        nobody = _NOBODY if is_plan and not any(program) else None  # a plan calls none
        said["executor"] = executor_of(registry, said.get("executor") or nobody, *program)
    if "check" in said:
        said["check"] = checks_of(registry, said["check"])
    if "prices" in said:
        from autopack.api.prices import read_prices

        said["prices"] = read_prices(said["prices"], plugins=registry)
    if "strategy" in said:
        said["strategy"] = strategy_of(registry, said["strategy"], strategy_options)
    if "workspace" in said:
        said["workspace"] = workspace_of(registry, said["workspace"], workspace_options)
    if "tau" in said and not {"calibrator", "resumes"} & said.keys():
        raise click.UsageError("--tau belongs to --calibrator.")
    if strategy_options and "strategy" not in said:
        raise click.UsageError("--strategy-option (-s) is for a --strategy: name that too.")
    if workspace_options and "workspace" not in said:
        raise click.UsageError("--workspace-option (-w) is for a --workspace: name that too.")
    return said


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


def tell_promise(settings: dict[str, Any]) -> None:
    """Say on stderr what a cap in USD promises where prices are unknown."""
    from autopack.draining.caps.price_book import promise_of

    promise = promise_of(
        allow_unknown_price=settings.get("allow_unknown_price", False),
        assume_usd_per_call=settings.get("assume_usd_per_call"),
    )
    if promise is not None:
        say(f"Note: {promise}.", err=True)


def _run(
    log: Any, settings: dict[str, Any], requeue_why: str | None, last: LastResort, as_json: bool
) -> Any:
    import autopack as api
    from autopack.cli.progress import DrainProgress
    from autopack.draining.engine.engine import Drain
    from autopack.values.ids import PhaseRef

    tell_promise(settings)
    lines = EventLines() if as_json else nullcontext(None)
    may_draw = not (as_json and sys.stdout.isatty())  # two that write to one terminal
    shown = DrainProgress(may_draw=may_draw)
    with lines as print_line, shown as progress, users_prints():
        progress.also = print_line
        engine = progress.engine = Drain(log, **settings, on_event=progress)
        if requeue_why is not None:  # not before the settings are known to be right
            ref = PhaseRef(settings["run_id"], settings["phase_id"])
            api.requeue(log, ref, why=requeue_why)
        with stopping(engine, last):
            return engine.run()
