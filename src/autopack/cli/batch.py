"""``autopack batch``: a file of tasks, answered; the same line again goes on."""

import contextlib
import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

import click

from autopack.cli.answers_file import AnswersFile
from autopack.cli.forced_exit import CLOSING_S, INTERRUPTED, LastResort, last_resort
from autopack.cli.lasting_stderr import unhurried
from autopack.cli.named_checks import checks_of
from autopack.cli.named_plugins import executor_of
from autopack.cli.number_options import AMOUNT, COUNT, dollars
from autopack.cli.output import note, say, users_prints, whoever_reads
from autopack.cli.program_arguments import ProgramCommand, program_of
from autopack.cli.session import Session, absolute_target, example
from autopack.cli.signals import stopping

_PIPE: Final = "-"
_SETTINGS: Final = (
    "workers", "max_usd", "max_tokens", "max_minutes", "timeout_s", "prices",
    "assume_usd_per_call", "allow_unknown_price",
)  # fmt: skip


@click.command(
    cls=ProgramCommand,
    short_help="Answer a file of tasks, each row once.",
    used_first=(
        "executor",
        "workers",
        "max_usd",
        "max_tokens",
        "max_minutes",
        "timeout_s",
        "id_column",
        "goal",
        "model",
        "run_id",
        "out",
        "changed",
    ),
    epilog=example(
        "autopack batch tasks.csv --workers 4 --max-usd 5 -- claude -p {goal}",
        "autopack batch tasks.csv -- llm -m gpt-4o-mini {prompt}",
        "autopack batch tasks.jsonl --executor answers.py:answer",
    ),
)
@click.argument("file", metavar="FILE|-")
@click.option("--executor", help="A registered name, or file.py:name; or a program after --.")
@click.option(
    "-x", "--executor-option", "options", multiple=True, metavar="NAME=VALUE",
    help="An option of the executor; several times. JSON, or a text.",
)  # fmt: skip
@click.option("--workers", type=COUNT, default=1, show_default=True, help="Rows at a time.")
@click.option("--max-usd", metavar="USD", callback=dollars, help="The most that this call spends.")
@click.option("--max-tokens", type=COUNT, help="Likewise in tokens.")
@click.option("--max-minutes", type=AMOUNT, help="Begin no row after so long.")
@click.option("--prices", metavar="FILE|NAME", help="Dated prices: a file, or a plugin's.")
@click.option(
    "--assume-usd-per-call", metavar="USD", callback=dollars,
    help="What a call counts as whose price nobody tells.",
)  # fmt: skip
@click.option("--allow-unknown-price", is_flag=True, help="Under --max-usd, go on without a price.")
@click.option("--timeout-s", type=AMOUNT, help="For each attempt at a row.")
@click.option("--max-attempts", type=COUNT, default=3, show_default=True, help="At each row.")
@click.option(
    "--check", "check", multiple=True, metavar="CHECK",
    help="What an answer is judged by: a registered name, or a program; repeatable.",
)  # fmt: skip
@click.option("--id", "id_column", metavar="COL", help="The column of ids.  [default: id]")
@click.option("--goal", metavar="COL", help="The column of what is to be done.")
@click.option("--model", help="The model of rows without a column `model`.")
@click.option("--category", help="The category of rows without a column `category`.")
@click.option("--run-id", help="The run in the log.  [default: FILE without its ending]")
@click.option("--out", type=click.Path(path_type=Path), help="Answers.  [default: FILE.out.jsonl]")
@click.option(
    "--changed", type=click.Choice(["keep", "requeue"]), default="keep", show_default=True,
    help="What becomes of a row that changed under its id.",
)  # fmt: skip
@click.pass_context
def batch(ctx: click.Context, /, file: str, **given: Any) -> None:
    """
    Answer each row of a CSV, TSV, JSON or JSON lines file (- is a pipe) once.

    Columns are placeholders of the program: {goal}, {prompt}, {anything}. The log is --log, else
    AUTOPACK_LOG, else FILE.autopack, made the first time and gone on with after that. Answers go
    into a file as they come, a JSON object a line: id, state, output, tokens, cost_usd, seconds,
    error.
    """
    from autopack.values.ids import run_id as check_run_id

    last = ctx.with_resource(last_resort())
    ctx.with_resource(unhurried())
    session = ctx.find_object(Session)
    assert session is not None
    tasks = _tasks(file, given)
    run_id = given["run_id"] or ("batch" if file == _PIPE else Path(file).stem)
    check_run_id(run_id)
    executor = _executor(ctx, session, given["executor"], given["options"], tasks)
    settings = {name: given[name] for name in _SETTINGS if given[name] is not None}
    columns = {column for task in tasks for column in task.spec.payload}
    with users_prints():
        checks = checks_of(
            session.registry(), given["check"], lambda text: _filled(text, columns, ("outputs",))
        )
    settings |= {} if checks is None else {"check": checks}
    if "prices" in settings:
        from autopack.api.prices import read_prices

        settings["prices"] = read_prices(settings["prices"], plugins=session.registry())
    answers = AnswersFile(given["out"] or (None if file == _PIPE else _beside(file, ".out.jsonl")))
    with _log(session, file) as log:
        from autopack.api.batch_rows import queue_rows

        queued = queue_rows(log, run_id, tasks, changed=given["changed"])
        _tell_queued(queued, file)
        answers.begin(log, run_id, queued.phases)
        report = _drained(log, run_id, {**settings, "executor": executor}, answers, last)
        is_stopped = last.is_asked or (report is not None and report.is_interrupted)
        results = answers.finish()
        is_clean = all(result.state == "COMPLETE" for result in results)
        last.code = INTERRUPTED if is_stopped else int(not is_clean or len(results) < len(tasks))
        with whoever_reads():
            _tell_end(session, run_id, results, len(tasks), answers, report)
        last.end(last.code, CLOSING_S)
    ctx.exit(last.code)


def _tasks(file: str, given: dict[str, Any]) -> list[Any]:
    from autopack.exchange.task_files import parse_tasks, read_tasks
    from autopack.exchange.task_rows import tasks_of

    rows = parse_tasks(sys.stdin.read(), "the pipe") if file == _PIPE else read_tasks(Path(file))
    if not rows:
        raise click.UsageError(f"{file} holds no rows.")
    return tasks_of(
        rows,
        id=given["id_column"],
        goal=given["goal"],
        model=given["model"],
        category=given["category"],
        max_attempts=given["max_attempts"],
    )


def _executor(
    ctx: click.Context,
    session: Session,
    name: str | None,
    options: Sequence[str],
    tasks: list[Any],
) -> Any:
    from autopack.draining.executors.known_clients import as_read
    from autopack.draining.executors.shell_texts import check_shell_texts
    from autopack.draining.settings.named_parts import check_executor

    program = program_of(ctx)
    if (program is None) == (name is None):
        raise click.UsageError("Say who answers, once: --executor NAME, or a program after --.")
    with users_prints():
        if program is None:
            found = executor_of(session.registry(), name, None, None, options)
            check = getattr(check_executor(session.registry(), found), "check", None)
            if check is not None:  # before a log is made
                check()
            return found
        columns = {column for task in tasks for column in task.spec.payload}
        if not any(task.spec.goal for task in tasks) and any("{goal}" in one for one in program):
            listed = ", ".join(sorted(columns))
            raise click.UsageError(
                f"No column says what is to be done, for {{goal}}: name it with --goal COL. "
                f"There are: {listed}."
            )
        check_shell_texts(program)  # with its columns as they were typed
        command, preset = as_read([_filled(text, columns) for text in program])
        executor = executor_of(session.registry(), None, json.dumps(command), preset, options)
        executor.thing.check()
        return executor


def _filled(text: str, columns: set[str], more: Collection[str] = ()) -> str:
    """Return an argument whose placeholders of columns say so."""
    from autopack.draining.executors.placeholders import is_known, renamed
    from autopack.errors.nearest import did_you_mean

    def place(name: str) -> str:
        if name in columns and name not in _FIELDS:
            return f"payload.{name}"
        if name not in more and not is_known(name):
            listed = ", ".join(sorted(columns))
            hint = did_you_mean(name, columns)
            raise click.UsageError(f"There is no column {{{name}}}.{hint} There are: {listed}.")
        return name

    return renamed(text, place)


_FIELDS: Final = frozenset({"goal", "model", "category", "complexity"})


def _beside(file: str, ending: str) -> Path:
    path = Path(file)
    return path.with_name(path.stem + ending)


def _log(session: Session, file: str) -> Any:
    """Open the log that is named, or the one beside the file; it is made the first time."""
    import autopack as api
    from autopack.errors import LogMissingError

    if not session.target:
        if file == _PIPE:
            raise click.UsageError("A pipe has no place beside it: give --log PATH.")
        session.target = f"{file}.autopack"
    with contextlib.suppress(LogMissingError):
        return session.open_log()
    api.create_log(absolute_target(session.target), plugins=session.registry()).close()
    note(f"made {session.target}, the log of {'the pipe' if file == _PIPE else file}")
    return session.open_log()


def _tell_queued(queued: Any, file: str) -> None:
    from autopack.report.quantities import count

    known = len(queued.phases) - len(queued.added)
    if known and queued.added:
        note(f"{count(len(queued.added), 'row')} of {file} new, {known:,} known")
    if queued.changed:
        shown = ", ".join(queued.changed[:5]) + (", ..." if len(queued.changed) > 5 else "")
        say(
            f"{len(queued.changed)} rows changed under their ids and keep their answers ({shown}); "
            "--changed requeue asks them again",
            err=True,
        )


def _drained(
    log: Any, run_id: str, settings: dict[str, Any], answers: AnswersFile, last: LastResort
) -> Any:
    """Drain the run, if anything is left of it; return the drain's report."""
    from autopack.cli.progress import DrainProgress
    from autopack.cli.shown_work import tell_promise
    from autopack.draining.engine.engine import Drain
    from autopack.ports.log import from_us
    from autopack.report.drain_lines import result_line

    if not answers.waited_for:
        return None
    tell_promise(settings)

    def see(recorded: Any) -> None:
        if result := answers.see(recorded):
            progress.line(result_line(result, from_us(recorded.row[6])))

    names = {f"{run_id}/{phase}": row for phase, row in answers.waited_for.items()}
    shown = DrainProgress(names=names, with_ends=False, before=answers.n_known)
    with shown as progress, users_prints():
        progress.also = see
        engine = progress.engine = Drain(log, run_id=run_id, on_event=progress, **settings)
        with stopping(engine, last):
            return engine.run()


def _tell_end(
    session: Session, run_id: str, results: list[Any], n: int, answers: AnswersFile, report: Any
) -> None:
    from autopack.report.batch_text import batch_text
    from autopack.report.drain_text import end_words

    text = batch_text(
        results,
        n,
        command=session.typed,
        run_id=run_id,
        answers=answers.place,
        reason=None if report is None else report.reason,
    )
    if report is not None and report.reason not in ("empty", "stopped"):
        say(f"The batch {end_words(report)}", err=True)
    say(text, err=answers.is_stdout)
