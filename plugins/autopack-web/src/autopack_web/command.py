"""``autopack serve``: the pages of a log, on this machine."""

from pathlib import Path

import click

from autopack.cli.output import note, say
from autopack.cli.session import LogCommand, Session, example


@click.command(
    cls=LogCommand,
    short_help="Show the log in a browser.",
    epilog=example(
        "autopack --log work.db serve",
        "autopack --log work.db serve --allow-writes",
        "autopack --log work.db serve --export work.html --run-id nightly",
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8642, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--allow-host", "names", multiple=True, metavar="NAME",
    help="A name by which browsers elsewhere ask; whoever reaches it reads the log. Repeatable.",
)  # fmt: skip
@click.option(
    "--allow-writes", is_flag=True,
    help="Let gates, caps, drains and more be decided there, with a token that is told once.",
)  # fmt: skip
@click.option(
    "--export", "dest", type=click.Path(path_type=Path), metavar="FILE",
    help="Write the pages to a new file that needs no server, and serve none.",
)  # fmt: skip
@click.option("--run-id", metavar="RUN", help="Export this run alone, with its phases.")
@click.pass_obj
def serve(
    session: Session,
    host: str,
    port: int,
    names: tuple[str, ...],
    allow_writes: bool,
    dest: Path | None,
    run_id: str | None,
) -> None:
    """
    Show the log in a browser, live, and as it was at any moment.

    Nothing can be changed there without --allow-writes. Ctrl-C ends it. With --export the pages are
    written to one file instead, as they stand now.
    """
    if dest is not None:
        _write(session, dest, run_id)
        return
    if run_id is not None:
        raise click.UsageError("--run-id is for --export; served, each run has a page.")
    from autopack_web.app import create_app
    from autopack_web.security import known_hosts, new_token
    from autopack_web.server import keeping_past, listen

    hosts = known_hosts(host, names)
    token = new_token() if allow_writes else None
    with session.open_log() as log, keeping_past(log):
        app = create_app(log, allow_writes=allow_writes, token=token, hosts=hosts)
        if token is not None:
            note("Who has this address may change what goes on; it is told this once.")
        fragment = "" if token is None else f"#token={token}"
        listen(app, host=host, port=port, told=say, fragment=fragment)


def _write(session: Session, dest: Path, run_id: str | None) -> None:
    from autopack.errors import InvalidInputError
    from autopack_web.static_export import export

    with session.open_log() as log:
        note("The pages are read one by one: of hundreds that takes ten seconds or more.")
        found = export(log, run_id=run_id)
    try:
        with dest.open("x", encoding="utf-8") as file:
            file.write(found.text)
    except OSError as fault:
        raise InvalidInputError(
            f"{dest} cannot be written: {fault.strerror}. Choose another path.",
            name="export",
            value=str(dest),
        ) from fault
    more = f"; {found.left_out} more had no room" if found.left_out else ""
    say(f"Wrote {found.pages} pages to {dest}{more}")
