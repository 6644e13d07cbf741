"""``autopack import``: bring another history in; a second time adds nothing."""

from pathlib import Path

import click

from autopack.cli.output import json_option, print_fields, print_json, say, shown
from autopack.cli.session import LogCommand, Session, example


@click.command(
    "import",
    cls=LogCommand,
    short_help="Bring another history in; a second time adds nothing.",
    epilog=example("autopack --log work.db import ndjson history.ndjson"),
)
@click.argument("kind", metavar="KIND", required=False)
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path), required=False)
@json_option
@click.pass_obj
def import_(session: Session, kind: str | None, path: Path | None, as_json: bool) -> None:
    """Append what an importer reads from PATH, which is opened read-only; say what was unclean."""
    import autopack as api
    from autopack.errors import ImportRefusedError

    if kind is None or path is None:
        kinds = ", ".join(session.registry().names("importer"))
        raise click.UsageError(f"Give KIND and PATH, in this order. KINDs: {kinds}.")
    source = path.absolute()
    session.registry().resolve("importer", kind)
    if not source.exists():
        raise ImportRefusedError(str(source), "there is nothing at that path")
    with session.open_log() as log:
        report = api.import_history(log, kind, source)
    if as_json:
        print_json(report)
        return
    kept = ", with their positions, times and hashes" if report.kept_chain else ""
    told = f", {report.amended} of them later figures" if report.amended else ""
    known = f", {report.repeated} known already" if report.repeated else ""
    say(f"{report.read} events read from {report.source}, {report.added} added{kept}{told}{known}")
    print_fields({f"  {name}": n for name, n in report.added_by_type.items()})
    absent = [name for name, found in report.findings.items() if not found]
    for name, found in report.findings.items():
        if found:
            say(f"  found: {name}: {shown(found)}")
    if absent:
        say(f"  found none: {', '.join(absent)}")
