"""``autopack drain``: work the queue off, with every line of progress on stderr."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from autopack.cli.choosing import executor_of, named
from autopack.cli.output import json_option, print_json, print_table
from autopack.cli.session import LogCommand, Session, example


@click.command(
    cls=LogCommand,
    epilog=example(
        "autopack --log work.db drain --run-id nightly --executor mine.py:execute --workers 4",
        "autopack --log work.db drain --run-id nightly --phase-id p3 --requeue --why 'fixed' \\",
        "    --executor mine.py:execute",
        "autopack --log work.db drain --preset claude --timeout-s 900",
        """autopack --log work.db drain --command '["my-agent", "--task", "{goal}"]'""",
    ),
)
@click.option("--executor", help="A registered name, or file.py:name.")
@click.option("--command", metavar="JSON", help="What the executor `command` runs: a list.")
@click.option("--preset", help="A program that the executor `command` knows: claude, codex.")
@click.option(
    "-x",
    "--executor-option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the executor; several times. JSON, or a text.",
)
@click.option("--strategy", help="A registered name, or file.py:name.  [default: fifo]")
@click.option("--run-id", help="Only this run.")
@click.option("--phase-id", help="Only this phase of --run-id.")
@click.option("--requeue", is_flag=True, help="Put --phase-id back in the queue first.")
@click.option("--why", help="The reason of --requeue; it is recorded.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--timeout-s", type=click.FloatRange(min=0, min_open=True), help="For each attempt.")
@click.option(
    "--lease-s",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="How long a dead worker's phases stay with it.",
)
@click.option("--max-minutes", type=click.FloatRange(min=0, min_open=True))
@click.option("--max-phases", type=click.IntRange(min=1))
@click.option("--max-samples", type=click.IntRange(min=1))
@click.option("--max-tokens", type=click.IntRange(min=1))
@click.option("--max-zero-yield", type=click.IntRange(min=1), help="Phases without any usage.")
@click.option("--watch", is_flag=True, help="When the queue is empty, wait for more.")
@click.option("--resume", "resumes", metavar="DRAIN", help="Go on with the limits of that drain.")
@click.option("--allow-empty", is_flag=True, help="Insist on a log without runs and phases.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; writes nothing.")
@json_option
@click.pass_context
def drain(
    ctx: click.Context,
    /,
    executor: str | None,
    command: str | None,
    preset: str | None,
    options: tuple[str, ...],
    strategy: str | None,
    requeue: bool,
    why: str | None,
    watch: bool,
    dry_run: bool,
    as_json: bool,
    **limits: Any,
) -> None:
    """
    Claim queued phases, let the executor do them, and record what happened.

    Exit 0 if no phase failed, 1 if some did, 130 when interrupted: the first Ctrl-C lets the
    phases in work end or gives them back, the second one leaves at once.
    """
    _check_together(limits["run_id"], limits["phase_id"], requeue, why, dry_run)
    session = ctx.find_object(Session)
    assert session is not None
    registry = session.registry()
    chosen = {
        "executor": executor_of(registry, executor, command, preset, options),
        "strategy": named(registry, "strategy", strategy or "fifo"),
        "when_empty": "wait" if watch else "stop",
    }
    with session.open_log() as log:
        if dry_run:
            _show_plan(log, {**chosen, **limits}, as_json)
            return
        report, was_stopped = _run(log, {**chosen, **limits}, why if requeue else None)
    if as_json:
        print_json(report)
    else:
        from autopack.report.drain import drain_text

        click.echo(drain_text(report))
    failed = bool(report.failed or report.timed_out)
    ctx.exit(130 if was_stopped or report.is_interrupted else 1 if failed else 0)


def _check_together(
    run_id: str | None, phase_id: str | None, requeue: bool, why: str | None, dry_run: bool
) -> None:
    if phase_id is not None and run_id is None:
        raise click.UsageError("--phase-id needs --run-id: an id is unique only within its run.")
    if requeue and (phase_id is None or not (why and why.strip())):
        raise click.UsageError("--requeue needs --run-id, --phase-id and --why REASON.")
    if why is not None and not requeue:
        raise click.UsageError("--why belongs to --requeue.")
    if requeue and dry_run:
        raise click.UsageError("--requeue would write, and --dry-run writes nothing: choose one.")


def _show_plan(log: Any, settings: dict[str, Any], as_json: bool) -> None:
    from autopack.draining.engine import Drain

    plan = Drain(log, **settings).plan()
    if as_json:
        print_json(plan)
        return
    header = ("phase", "predicted_output_tokens", "budget_tokens", "reason")
    rows = [(str(p.ref), p.predicted_output_tokens, p.budget_tokens, p.reason) for p in plan]
    print_table(header, rows)
    click.echo(f"{len(plan)} phases would be worked on; nothing was written.", err=True)


def _run(log: Any, settings: dict[str, Any], requeue_why: str | None) -> tuple[Any, bool]:
    from autopack import api
    from autopack.cli.progress import DrainProgress
    from autopack.draining.engine import Drain
    from autopack.ids import PhaseRef

    if requeue_why is not None:
        ref = PhaseRef(settings["run_id"], settings["phase_id"])
        api.requeue(log, ref, why=requeue_why)
    with DrainProgress() as progress:
        engine = Drain(log, **settings, on_event=progress)
        with _stopping(engine) as stopped:
            report = engine.run()
    return report, stopped.is_set()


@contextmanager
def _stopping(engine: Any) -> Iterator[threading.Event]:
    """Let the first SIGINT or SIGTERM stop the drain cleanly, and a second one leave at once."""
    asked = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        click.echo("Stopping: phases in work are ended or given back.", err=True)
        threading.Thread(target=engine.stop, daemon=True).start()  # takes no lock in a handler

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
