"""``autopack workspaces``: folders of attempts, and what was merged of the work in them."""

from typing import TYPE_CHECKING

import click

from autopack.cli.completion import complete_runs
from autopack.cli.output import json_option, print_json, print_table, say, tell_none
from autopack.cli.session import LogCommand, ReadingCommand, Session, example
from autopack.cli.suggestions import CommandGroup

if TYPE_CHECKING:
    from autopack.types import WorkspaceRow


@click.group(
    cls=CommandGroup,
    short_help="List folders of attempts, and take away those that nobody needs.",
    epilog=example("autopack --log work.db workspaces list nightly"),
)
def workspaces() -> None:
    """List the folders of attempts and what was merged, and take away those that nobody needs."""


@workspaces.command(
    "list",
    cls=ReadingCommand,
    short_help="List folders, commits, and what was merged of them.",
    epilog=example("autopack --log work.db workspaces list nightly --until yesterday"),
)
@click.argument("run_id", required=False, metavar="[RUN]", shell_complete=complete_runs)
@json_option
@click.pass_obj
def list_(session: Session, run_id: str | None, as_json: bool) -> None:
    """List the folders of attempts, their commits, and where these were merged, by then."""
    import autopack as api

    with session.open_log() as log:
        found = api.list_workspaces(log, run_id)
    if as_json:
        print_json(found)
        return
    tell_none(found, "workspace")
    if found:
        print_table(("attempt", "commit", "files", "lines", "merged", "folder"), map(_line, found))


@workspaces.command(
    cls=LogCommand,
    short_help="Bring folders and log in agreement.",
    epilog=example("autopack --log work.db workspaces sweep"),
)
@click.option("--workspace", default="worktree", show_default=True, help="Who keeps the folders.")
@click.option(
    "-w", "--workspace-option", "options", multiple=True, metavar="NAME=VALUE",
    help="An option of the workspace; several times.",
)  # fmt: skip
@json_option
@click.pass_obj
def sweep(session: Session, workspace: str, options: tuple[str, ...], as_json: bool) -> None:
    """
    Do at once what a drain does when it begins and ends.

    Merges that a killed drain did not get to record are recorded, what was approved is merged, and
    folders that nobody needs are taken away. What is not merged stays on its branch.
    """
    import autopack as api
    from autopack.cli.named_plugins import workspace_of

    kept = workspace_of(session.registry(), workspace, options)
    with session.open_log() as log:
        found = api.sweep_workspaces(log, kept)
    if as_json:
        print_json(found)
        return
    say(f"{found.removed} taken away, {found.saved} of them kept as commits, {found.left} left")
    for line in found.notes:
        say(line, err=True)


def _line(row: "WorkspaceRow") -> tuple[str | None, ...]:
    size = f"+{row.lines_added} -{row.lines_removed}" if row.commit else None
    merged = None if row.merged is None else f"{row.merged[:12]} in {row.target}, {row.how}"
    waits = "waits for a person" if row.waits else None
    approved = f"approved; {row.unmerged}" if row.unmerged else None
    commit, files = (row.commit or row.kept or "")[:12] or None, str(row.files)
    folder = "gone" if row.is_closed else row.path
    return (
        f"{row.ref}#{row.attempt}",
        commit,
        files if size else None,
        size,
        merged or approved or waits,
        folder,
    )
