"""``autopack import``: bring another history in; a second time adds nothing."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from autopack.cli.column_arguments import column_of
from autopack.cli.import_progress import import_progress
from autopack.cli.output import json_option, note, print_fields, print_json, say, shown
from autopack.cli.session import LogCommand, Session, example

if TYPE_CHECKING:
    from autopack.log.log import Log
    from autopack.ports.importing import FoundHistory, ImportReport

_AUTO: Final = "auto"
_KIB: Final = 1024


@click.command(
    "import",
    cls=LogCommand,
    short_help="Bring another history in; a second time adds nothing.",
    epilog=example(
        "autopack --log work.db import ndjson history.ndjson",
        "autopack --log history.db import auto",
        "autopack --log work.db import records calls.csv --column at=sent",
    ),
)
@click.argument("kind", metavar="KIND", required=False)
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path), required=False)
@click.option(
    "--category",
    "categories",
    multiple=True,
    metavar="RULE",
    help="Categories for phases that name none: WORD=FIELD:PATTERN, such as tests=goal:*pytest* "
    "or docs=branch:docs/*; FIELD is goal, project, branch or tool. The first that matches counts.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=NAME",
    help="With records: the column of a field that has another name; a.b is b within a.",
)
@click.option("--yes", is_flag=True, help="With auto: import what is found without asking.")
@json_option
@click.pass_obj
def import_(
    session: Session,
    kind: str | None,
    path: Path | None,
    categories: tuple[str, ...],
    columns: tuple[str, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """
    Append what an importer reads from PATH, which is opened read-only; say what was unclean.

    KIND records takes calls from any table: JSON lines, a JSON array or CSV. KIND auto looks for
    the histories of other tools in the home folder, or in PATH, says what it would read, and asks.
    """
    import autopack as api
    from autopack.errors import ImportRefusedError

    if kind == _AUTO:
        with session.open_log() as log:
            _import_found(log, path, categories, yes=yes, as_json=as_json)
        return
    if kind is None or path is None:
        kinds = ", ".join([_AUTO, *session.registry().names("importer")])
        raise click.UsageError(f"Give KIND and PATH, in this order. KINDs: {kinds}.")
    source = path.absolute()
    session.registry().resolve("importer", kind)
    if not source.exists():
        raise ImportRefusedError(str(source), "there is nothing at that path")
    named = dict(map(column_of, columns))
    with session.open_log() as log, import_progress() as progress:
        report = api.import_history(
            log, kind, source, categories=categories, columns=named, progress=progress
        )
    if as_json:
        print_json(report)
    else:
        _say_report(report)


def _import_found(
    log: "Log", path: Path | None, categories: tuple[str, ...], *, yes: bool, as_json: bool
) -> None:
    import autopack as api
    from autopack.errors import ImportRefusedError

    found = api.find_histories(log, home=path)
    _say_found(found, path)
    if found and not (yes or _is_agreed()):
        note("Nothing was imported.")
        found = []
    reports = []
    for one in found:
        try:
            with import_progress() as progress:
                report = api.import_history(
                    log, one.importer, one.path, categories=categories, progress=progress
                )
        except ImportRefusedError as refused:  # the others are read all the same
            say(refused, err=True)
            continue
        reports.append(report)
        if not as_json:
            _say_report(report)
    if as_json:
        print_json(reports)


def _say_found(found: "list[FoundHistory]", path: Path | None) -> None:
    if not found:
        where = "in the home folder" if path is None else f"at {path.absolute()}"
        say(f"No history of a tool that an importer knows was found {where}.", err=True)
        return
    say("Found, to be read and left as it is:", err=True)
    for one in found:
        files = "1 file" if one.files == 1 else f"{one.files:,} files"
        size = f"{max(1, one.size_bytes // _KIB):,} KiB"
        say(f"  {one.importer}: {one.path} ({files}, {size})", err=True)


def _is_agreed() -> bool:
    """Ask whether to go on; where nobody can answer, say how it is done without."""
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to be asked: give --yes to import all of this.")
    return click.confirm("Import all of this?", err=True)


def _say_report(report: "ImportReport") -> None:
    kept = ", with their positions, times and hashes" if report.kept_chain else ""
    told = f", {report.amended} of them later figures" if report.amended else ""
    known = f", {report.repeated} known already" if report.repeated else ""
    say(f"{report.read} events read from {report.source}, {report.added} added{kept}{told}{known}")
    print_fields({f"  {name}": n for name, n in report.added_by_type.items()})
    for name, found in report.findings.items():
        say(f"  {name.replace('_', ' ')}: {shown(found) if found else 'none'}")
