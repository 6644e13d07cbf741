"""``autopack recheck`` and ``autopack checks``: work judged again, and how checks have judged."""

from typing import Any

import click

from autopack.cli.completion import complete_runs
from autopack.cli.named_checks import checks_of
from autopack.cli.named_plugins import workspace_of
from autopack.cli.output import json_option, print_json, print_table, say, tell_none, users_prints
from autopack.cli.session import LogCommand, ReadingCommand, Session, example


@click.command(
    cls=LogCommand,
    short_help="Judge what a run's attempts gave once more.",
    epilog=example("autopack --log work.db recheck nightly --check 'grep -q done {outputs}/a.md'"),
)
@click.argument("run_id", metavar="RUN", shell_complete=complete_runs)
@click.option("--phase-id", help="Only this phase.")
@click.option(
    "--check", "check", multiple=True, metavar="CHECK",
    help="By what: a name, or a program; repeatable.  [default: as they were named]",
)  # fmt: skip
@click.option(
    "--workspace", metavar="NAME|FOLDER",
    help="Where the work stands, or who has its commits.  [default: as the drain's, or the run's]",
)  # fmt: skip
@click.option(
    "-w", "--workspace-option", "workspace_options", multiple=True, metavar="NAME=VALUE",
    help="An option of the workspace; several times.",
)  # fmt: skip
@json_option
@click.pass_context
def recheck(
    ctx: click.Context,
    /,
    run_id: str,
    phase_id: str | None,
    check: tuple[str, ...],
    workspace: str | None,
    workspace_options: tuple[str, ...],
    as_json: bool,
) -> None:
    """
    Judge every attempt of which something is kept, without doing anything again.

    The last verdict decides an attempt's sample; no phase moves. Exit 1 if a verdict is no pass.
    """
    import autopack as api

    session = ctx.find_object(Session)
    assert session is not None
    with users_prints():
        checks = checks_of(session.registry(), check)
        if workspace_options and workspace is None:
            raise click.UsageError("--workspace-option (-w) is for a --workspace: name that too.")
        place = workspace and workspace_of(session.registry(), workspace, workspace_options)
    with session.open_log() as log, users_prints():
        found = api.recheck(log, run_id, phase_id=phase_id, check=checks, workspace=place)
    if as_json:
        print_json(found)
    else:
        if found:
            header = ("phase", "attempt", "check", "before", "now", "says")
            print_table(header, [_row(one) for one in found])
        tell_none(
            found,
            "Nothing is kept that could be judged: there are no outputs, and no commits.",
        )
    ctx.exit(int(any(one.verdict != "passed" for one in found)))


def _row(one: Any) -> tuple[Any, ...]:
    says = None if one.says is None or one.verdict == "passed" else " ".join(one.says.split())
    now = one.verdict.replace("_", " ")
    return one.key, one.attempt, one.check, one.before, now, says


@click.command(
    cls=ReadingCommand,
    short_help="Show how often each check was wrong.",
    epilog=example("autopack --log work.db checks"),
)
@json_option
@click.pass_obj
def checks(session: Session, as_json: bool) -> None:
    """
    Show what each check said, and how often a later verdict says otherwise.

    Later verdicts are those of people and of other checks: phase judge, a gate, recheck.
    """
    import autopack as api

    with session.open_log() as log:
        found = api.checks(log)
    if as_json:
        print_json(found)
        return
    tell_none(found, "No check has judged anything yet.")
    if not found:
        return
    header = ("check", "judged", "passed", "failed", "could not run", "wrong work passed",
              "right work failed")  # fmt: skip
    print_table(
        header,
        [
            (
                one.check, one.judged, one.passed, one.failed, one.could_not_run,
                _share(one.false_passes), _share(one.false_failures),
            )
            for one in found
        ],
    )  # fmt: skip
    if not any(one.false_passes.known + one.false_failures.known for one in found):
        say("Nobody has judged the work since: autopack phase judge RUN/PHASE --right|--wrong")


def _share(errors: Any) -> str:
    if errors.share is None:
        return "no verdicts yet"
    return f"{errors.errors} of {errors.known} ({errors.low:.0%}-{errors.high:.0%})"
