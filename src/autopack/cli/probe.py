"""``autopack probe``: try one phase before draining many, and say go or no-go."""

from typing import Any

import click

from autopack.cli.forced_exit import CLOSING_S, INTERRUPTED, last_resort
from autopack.cli.lasting_stderr import unhurried
from autopack.cli.named_plugins import executor_of
from autopack.cli.number_options import AMOUNT
from autopack.cli.output import json_option, print_json, say, users_prints, whoever_reads
from autopack.cli.session import LogCommand, Session, example
from autopack.cli.signals import stopping


@click.command(
    cls=LogCommand,
    short_help="Drain one phase, and say whether to drain the rest.",
    epilog=example("autopack --log work.db probe --run-id nightly --executor mine.py:execute"),
)
@click.option("--executor", help="A registered name, or file.py:name.")
@click.option("--command", metavar="JSON", help="What the executor `command` runs: a list.")
@click.option("--preset", help="A program that the executor `command` knows: claude, codex.")
@click.option(
    "-x", "--executor-option", "options", multiple=True, metavar="NAME=VALUE",
    help="An option of the executor; several times. JSON, or a text.",
)  # fmt: skip
@click.option("--run-id", help="Only this run.")
@click.option("--phase-id", help="Only this phase of --run-id.")
@click.option("--timeout-s", type=AMOUNT, help="For the attempt.")
@json_option
@click.pass_context
def probe(
    ctx: click.Context,
    /,
    executor: str | None,
    command: str | None,
    preset: str | None,
    options: tuple[str, ...],
    as_json: bool,
    **settings: Any,
) -> None:
    """
    Drain one phase, once, and say whether draining the rest is worth it, check by check.

    Exit 0 for go, 1 for no-go, 2 if no phase can be taken: then nothing is written,
    130 when interrupted, as `autopack drain`.
    """
    from autopack.cli.progress import DrainProgress
    from autopack.draining.engine.probes import probe as probed
    from autopack.draining.engine.probes import probe_drain
    from autopack.report.probe_text import probe_text

    last = ctx.with_resource(last_resort())
    ctx.with_resource(unhurried())
    if settings["phase_id"] is not None and settings["run_id"] is None:
        raise click.UsageError("--phase-id needs --run-id: an id is unique only within its run.")
    session = ctx.find_object(Session)
    assert session is not None
    with users_prints():
        found = executor_of(session.registry(), executor, command, preset, options)
    with session.open_log() as log:
        with DrainProgress() as progress, users_prints():
            drain = probe_drain(log, executor=found, strategy=None, on_event=progress, **settings)
            progress.engine = drain
            with stopping(drain, last):
                report = probed(drain)
        is_stopped = last.is_asked or report.drain.is_interrupted
        last.code = INTERRUPTED if is_stopped else 0 if report.is_go else 1
        with whoever_reads():  # before the log is closed, which may be held up
            if as_json:
                print_json(report)
            else:
                say(probe_text(report))
        last.end(last.code, CLOSING_S)
    ctx.exit(last.code)
