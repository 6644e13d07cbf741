"""``autopack run``: create runs, look at them, pause and resume them."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from autopack.cli.completion import complete_runs
from autopack.cli.output import (
    json_option,
    note,
    print_fields,
    print_json,
    print_table,
    say,
    tell_none,
)
from autopack.cli.session import LogCommand, ReadingCommand, Session, example, why_option
from autopack.cli.suggestions import CommandGroup

if TYPE_CHECKING:
    from autopack.exchange.run_files import RunFile


_REASON_MOST: Final = 120
_SILENT: Final = "told of no call"


@click.group(
    cls=CommandGroup,
    epilog=example("autopack --log work.db run create nightly --phases nightly.toml"),
)
def run() -> None:
    """Create, list, show, pause and resume runs."""


@run.command(
    cls=LogCommand,
    short_help="Create a run with its phases, all or nothing.",
    epilog=example("autopack --log work.db run create nightly --phases nightly.toml"),
)
@click.argument("run_id", metavar="ID")
@click.option(
    "--phases",
    "file",
    type=click.Path(path_type=Path),
    help="A run file: TOML, YAML or JSON with `phases`, and optionally goal, caps, settings.",
)
@click.option(
    "--from", "table", type=click.Path(path_type=Path),
    help="A table of tasks, a phase a row: CSV, TSV, JSON or JSON lines.",
)  # fmt: skip
@click.option("--id", "id_column", metavar="COL", help="Of --from: the column of ids.")
@click.option("--goal", metavar="COL", help="Of --from: the column of what is to be done.")
@click.option("--model", help="Of --from: the model of rows without a column `model`.")
@click.option("--category", help="Of --from: the category of rows without a column for it.")
@click.pass_obj
def create(
    session: Session, /, run_id: str, file: Path | None, table: Path | None, **columns: str | None
) -> None:
    """
    Create a run with its phases, all or nothing; a run of that ID is left as it is.

    A file without phases is refused; more can be added later with autopack phase add.
    """
    import autopack as api

    wanted = _wanted(file, table, columns)
    if not wanted.phases:
        raise click.UsageError(
            f"{file or table} holds no phases, so there is no run to create: describe them under "
            "`phases`, or a row each."
        )
    with session.open_log() as log:
        api.create_run(
            log,
            run_id,
            wanted.phases,
            goal=wanted.goal,
            caps=wanted.caps,
            settings=wanted.settings,
            labels=wanted.labels,
            workspace=wanted.workspace,
            check=wanted.check,
        )
    n = len(wanted.phases)
    say(f"Created run {run_id} with {n} phase{'' if n == 1 else 's'}")


def _wanted(file: Path | None, table: Path | None, columns: dict[str, Any]) -> "RunFile":
    """Return the run that a file describes, or a table of tasks."""
    from autopack.exchange.run_files import RunFile, read_run_file
    from autopack.exchange.task_files import read_tasks
    from autopack.exchange.task_rows import tasks_of

    if (file is None) == (table is None):
        raise click.UsageError("Say what is to be done, once: --phases FILE, or --from TABLE.")
    if table is None and any(columns.values()):
        raise click.UsageError("--id, --goal, --model and --category belong to --from.")
    if file is not None:
        return read_run_file(file.absolute())
    assert table is not None
    columns["id"] = columns.pop("id_column")
    tasks = tasks_of(read_tasks(table), **columns)
    return RunFile(phases=tuple(task.spec for task in tasks))


@run.command(
    cls=LogCommand,
    short_help="Create a run that begins where another one stood.",
    epilog=example(
        "autopack --log work.db run fork nightly --as what-if --at 'yesterday 23:00'",
        "autopack --log work.db run fork nightly --as cheap --model m-small",
    ),
)
@click.argument("run_id", metavar="ID", shell_complete=complete_runs)
@click.option("--as", "new_id", metavar="ID", required=True, help="The new run's name.")
@click.option("--at", metavar="POSITION|TIME", help="As it stood then; now, if not given.")
@click.option("--model", help="For the phases that are not done.")
@click.pass_obj
def fork(session: Session, run_id: str, new_id: str, at: str | None, model: str | None) -> None:
    """
    Create a run that begins where another one stood, and refers to it.

    Phases that had ended stand as they did; the others are queued with all their attempts. No usage
    is copied. `autopack compare` shows both from where they part.
    """
    import autopack as api
    from autopack.cli.position_arguments import place_of

    with session.open_log() as log:
        api.fork_run(log, run_id, new_id, at=None if at is None else place_of(at), model=model)
        made = api.view(log, "runs").rows[new_id]
        states = Counter(one.status.value for one in api.list_phases(log, new_id))
    told = ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
    say(f"Created run {new_id} from {run_id} as of position {made.forked_at}: {told}")


@run.command(
    "list",
    cls=ReadingCommand,
    short_help="List the runs with their phases by state.",
    epilog=example("autopack --log work.db run list"),
)
@json_option
@click.pass_obj
def list_runs(session: Session, as_json: bool) -> None:
    """List the runs with their phases by state; runs that were never created are `implied`."""
    import autopack as api

    with session.open_log() as log:
        counts = api.view(log, "phases", with_rows=False).total.by_run
        runs = sorted(api.view(log, "runs").rows.values(), key=lambda row: row.order)
    rows = [
        {
            "run_id": row.run_id,
            "status": row.status if row.created else "IMPLIED",
            "outcome": row.outcome,
            "goal": row.goal,
            "created_at": row.created_at,
            "phases_by_state": dict(counts.get(row.run_id) or {}),
        }
        for row in runs
    ]
    if as_json:
        print_json(rows)
        return
    header = ("run", "status", "outcome", "created", "phases")
    print_table(
        header,
        [
            (
                row["run_id"], row["status"], row["outcome"], row["created_at"],
                ", ".join(f"{n:,} {state}" for state, n in row["phases_by_state"].items()),
            )
            for row in rows
        ],
    )  # fmt: skip
    tell_none(rows, "There are no runs yet: autopack run create RUN --phases FILE makes one.")


@run.command(cls=ReadingCommand, epilog=example("autopack --log work.db run show nightly"))
@click.argument("run_id", metavar="ID", shell_complete=complete_runs)
@json_option
@click.pass_obj
def show(session: Session, run_id: str, as_json: bool) -> None:
    """Show a run with each of its phases, and what each of them used."""
    import autopack as api
    from autopack.api.batch_rows import work_by_phase

    with session.open_log() as log:
        phases = api.list_phases(log, run_id)
        row = api.view(log, "runs").rows[run_id]
        caps = api.get_caps(log, run_id) if row.created else []
        work = work_by_phase(log, run_id)
    if as_json:
        print_json({"run": row, "phases": phases, "caps": caps, "work": work})
        return
    fields = {"run": run_id, "status": row.status, "outcome": row.outcome, "goal": row.goal}
    if row.forked_from is not None:
        fields["forked from"] = f"{row.forked_from} as of position {row.forked_at}"
    print_fields(fields)
    if any(one.cap is not None for one in caps):
        _print_caps(caps)
    header = ("phase", "state", "attempts", "tokens", "usd", "seconds", "reason")
    print_table(header, [_row(one, work.get(one.key)) for one in phases])


def _row(phase: Any, work: Any) -> list[Any]:
    """Return a phase as a row, with what all attempts at it used; what nobody told is left out."""
    shown: list[Any] = [None, None, None]
    if work is not None:
        use = work.use
        shown = [
            use.total_tokens if use.calls > use.calls_without_total else None,
            f"{use.cost_usd:,.4f}" if use.calls > use.calls_without_cost else None,
            f"{work.worked_us / 1e6:,.1f}",
        ]
    return [phase.phase_id, phase.status.value, phase.attempts, *shown, _reason(phase)]


@run.command(
    cls=ReadingCommand,
    short_help="Write the answers of a run into files.",
    epilog=example(
        "autopack --log work.db run outputs nightly --jsonl answers.jsonl",
        "autopack --log work.db run outputs nightly --to answers",
    ),
)
@click.argument("run_id", metavar="ID", shell_complete=complete_runs)
@click.option("--jsonl", type=click.Path(path_type=Path), help="A JSON object a phase; or -.")
@click.option("--to", "folder", type=click.Path(path_type=Path), help="A folder: a file an output.")
@click.pass_obj
def outputs(session: Session, run_id: str, jsonl: Path | None, folder: Path | None) -> None:
    """Write what the phases of a run gave, as JSON lines or as files in a folder."""
    from autopack.cli.run_outputs import write_files, write_results

    if (jsonl is None) == (folder is None):
        raise click.UsageError("Say where to, once: --jsonl FILE, or --to FOLDER.")
    with session.open_log() as log:
        if jsonl is not None:
            n, place = write_results(log, run_id, jsonl), jsonl
        else:
            assert folder is not None
            n, place = write_files(log, run_id, folder), folder
    note(f"{n} written to {place}")


@run.command(
    cls=LogCommand, epilog=example("autopack --log work.db run pause nightly --why 'costs'")
)
@click.argument("run_id", metavar="ID", shell_complete=complete_runs)
@why_option()
@click.pass_obj
def pause(session: Session, run_id: str, why: str) -> None:
    """Let no phase of the run be claimed; those in work go on."""
    import autopack as api

    with session.open_log() as log:
        changed = api.pause_run(log, run_id, why=why)
    say(f"Run {run_id} is paused" + ("" if changed else "; it was before"))


@run.command(cls=LogCommand, epilog=example("autopack --log work.db run resume nightly --why 'ok'"))
@click.argument("run_id", metavar="ID", shell_complete=complete_runs)
@why_option()
@click.pass_obj
def resume(session: Session, run_id: str, why: str) -> None:
    """Let phases of a paused run be claimed again."""
    import autopack as api

    with session.open_log() as log:
        changed = api.resume_run(log, run_id, why=why)
    say(f"Run {run_id} is open" + ("" if changed else "; it was before"))


@run.command(
    cls=LogCommand, epilog=example("autopack --log work.db run cancel nightly --why 'not needed'")
)
@click.argument("run_id", metavar="ID", shell_complete=complete_runs)
@why_option(is_asked=True)
@click.pass_context
def cancel(ctx: click.Context, run_id: str, why: str) -> None:
    """Call off what is not done of a run."""
    import autopack as api
    from autopack.cli.selected_phases import each, selected

    session = ctx.find_object(Session)
    assert session is not None
    with session.open_log() as log:
        phases = selected(log, run_id, "cancel")
        n_refused = each(phases, lambda ref: api.cancel(log, ref, why=why), "CANCELLED")
    ctx.exit(int(n_refused > 0))


@run.command(
    cls=ReadingCommand,
    epilog=example(
        "autopack --log work.db run cap nightly tokens=800000 usd=none --why late",
        "autopack --log work.db run cap nightly",
    ),
)
@click.argument("run_id", metavar="ID", shell_complete=complete_runs)
@click.argument("caps", nargs=-1, metavar="[UNIT=N]...")
@why_option()
@json_option
@click.pass_obj
def cap(session: Session, run_id: str, caps: tuple[str, ...], why: str, as_json: bool) -> None:
    """
    Change a run's caps, or show them with what is used.

    UNIT is tokens, usd, attempts (begun in it) or minutes (that attempts took, summed); N is a
    number above 0, or none to lift it. Caps that are not named stay.
    """
    import autopack as api

    wanted = dict(cap_given(text) for text in caps)
    with session.open_log() as log:
        if wanted:
            api.set_caps(log, run_id, wanted, why=why)
        found = api.get_caps(log, run_id)
    if as_json:
        print_json(found)
        return
    _print_caps(found)


CAPS_MEANT: Final = (
    "used holds what stands for calls that told nothing; set aside is for work that runs"
)


def _print_caps(caps: list[Any]) -> None:
    header = ("unit", "cap", "used", "set aside")
    print_table(
        header,
        [(c.unit, shown(c.cap), shown(c.used), shown(c.reserved)) for c in caps],
    )
    note(CAPS_MEANT)


def shown(number: float | Decimal | None) -> str | None:
    """Return a figure of a cap digit by digit."""
    if number is None or isinstance(number, float):
        return None if number is None else f"{number:,.4f}".rstrip("0").rstrip(".")
    return f"{Decimal(number):,f}"


def cap_given(text: str) -> tuple[str, float | str | None]:
    """Return the unit and the figure of ``UNIT=N``; None is none."""
    unit, _, number = text.partition("=")
    if number == "none":
        return unit, None
    try:
        value = int(number) if number.lstrip("-").isdecimal() else float(number)
    except ValueError:
        raise click.UsageError(f"{text!r} is not UNIT=N, such as tokens=800000.") from None
    return unit, number if unit == "usd" else value


def _reason(phase: object) -> str | None:
    from autopack.ports.work import PhaseView
    from autopack.report.failure_words import failure_words

    assert isinstance(phase, PhaseView)
    if phase.status.value == "COMPLETE" and phase.is_right is False:
        return f"judged wrong by {phase.judged_by}"
    if phase.reason is None:
        return phase.zero_yield_reason and _SILENT
    said = failure_words(phase.reason_code, phase.reason, phase.status.value)
    return said if len(said) <= _REASON_MOST else f"{said[: _REASON_MOST - 3]}..."
