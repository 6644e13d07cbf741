"""``autopack log``: make a log, ask what it is, check it, look at its end, copy it."""

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from autopack.cli.number_options import COUNT, DAYS, POSITION, SIZE
from autopack.cli.output import (
    json_option,
    print_fields,
    print_json,
    print_json_line,
    say,
    tell_none,
)
from autopack.cli.session import (
    LogCommand,
    ReadingCommand,
    Session,
    absolute_target,
    announce,
    example,
    why_option,
)
from autopack.cli.suggestions import CommandGroup
from autopack.cli.text_commands import text_by_digest


@click.group(
    cls=CommandGroup,
    epilog=example("autopack log create work.db", "autopack --log work.db log verify"),
)
def log() -> None:
    """Make, check, read and copy logs."""


@log.command(short_help="Make a new, empty log.", epilog=example("autopack log create work.db"))
@click.argument("path", metavar="PATH|URL")
@click.pass_obj
def create(session: Session, path: str) -> None:
    """Make a new, empty log; whatever is at PATH already is left alone."""
    import autopack as api
    from autopack.errors import InvalidInputError
    from autopack.log.addresses import masked

    if path.startswith("memory:"):
        raise InvalidInputError(
            "A log in memory would end with this command: name a file.", name="path", value=path
        )
    with api.create_log(absolute_target(path), plugins=session.registry()) as made:
        announce(made)
        say(f"Created {masked(made.target)}")
        say(f"Next: autopack --log {shlex.quote(masked(path))} run create RUN --phases FILE")


@log.command(
    cls=ReadingCommand,
    short_help="Show which log it is, its counts, its head and hash.",
    epilog=example("autopack --log work.db log info --json"),
)
@json_option
@click.pass_obj
def info(session: Session, as_json: bool) -> None:
    """Show which log it is, what it counts, and its head with its hash."""
    with session.open_log() as held:
        found = held.info()
    if as_json:
        print_json(found)
    else:
        print_fields(found)


@log.command(
    cls=ReadingCommand,
    short_help="Look for edited, dropped, moved and foreign events.",
    epilog=example("autopack --log work.db log verify --expect 42:9f..."),
)
@click.option("--expect", metavar="POSITION:HASH", help="A head from an earlier `log info`.")
@click.option("--views", is_flag=True, help="Also compare persisted views with a rebuild.")
@click.option("--signed-by", metavar="KEY", help="Also check what this public key has signed.")
@json_option
@click.pass_context
def verify(
    ctx: click.Context, expect: str | None, views: bool, signed_by: str | None, as_json: bool
) -> None:
    """Look for every edited, dropped, reordered or foreign event; exit 1 if there is one."""
    from autopack.errors import LogDamagedError
    from autopack.report.quantities import count

    session = ctx.find_object(Session)
    assert session is not None
    try:
        with session.open_log() as held:
            found = held.verify(expect, views=views, signed_by=signed_by)
    except LogDamagedError as damage:  # so much that no event can be looked at
        say(f"storage: {damage.what}; restore a backup")
        sys.exit(1)
    if as_json:
        print_json(
            {
                "is_clean": found.is_clean,
                "events": found.events,
                "head": found.head,
                "head_hash": found.head_hash,
                "faults": found.faults,
                **({} if signed_by is None else {"signed_until": found.signed_until}),
            }
        )
    else:
        for fault in found.faults:
            place = "storage" if fault.position is None else f"position {fault.position}"
            say(f"{place}: {fault.what}")
        verdict = "clean" if found.is_clean else count(len(found.faults), "fault")
        last = f"the last at position {found.head} with the hash {found.head_hash}"
        say(f"{count(found.events, 'event')}, {last}: {verdict}")
        if found.signed_until:
            say(f"Signed up to position {found.signed_until}.")
    ctx.exit(0 if found.is_clean else 1)


@log.command(
    cls=ReadingCommand,
    short_help="Show the last events, or those after a position.",
    epilog=example("autopack --log work.db log tail --after 100", "autopack log tail -f"),
)
@click.option("--after", type=POSITION, help="Begin after this position.")
@click.option("--limit", type=COUNT, default=20, show_default=True, help="How many.")
@click.option("-f", "--follow", is_flag=True, help="Go on showing events as they come.")
@json_option
@click.pass_obj
def tail(session: Session, after: int | None, limit: int, follow: bool, as_json: bool) -> None:
    """
    Show the last events, or those after a position; damaged ones are shown as they are.

    With --follow it goes on until Ctrl-C; --json then prints a line for each event.
    """
    from autopack.api.logs import read_tail
    from autopack.report.history import event_json, history_line

    if follow and session.until is not None:
        raise click.UsageError("--follow goes on, and --until ends: choose one.")
    with session.open_log() as held:
        events = read_tail(held, after=after, limit=limit)
        head = held.head().position
        if follow:
            _show_on(held, events, as_json)
            return
    if as_json:
        print_json([event_json(recorded) for recorded in events])
        return
    for recorded in events:
        say(history_line(recorded))
    tell_none(events, f"There is no event after position {after or 0}; the head is {head}.")


def _show_on(log: Any, events: list[Any], as_json: bool) -> None:
    """Show events, and those that come, until Ctrl-C."""
    from itertools import chain

    from autopack.report.history import event_json, history_line

    last = events[-1].position if events else log.head().position
    try:
        for recorded in chain(events, log.follow(after=last)):
            if as_json:
                print_json_line(event_json(recorded))
            else:
                say(history_line(recorded))
    except KeyboardInterrupt:
        return


@log.command(
    cls=LogCommand,
    short_help="Copy the log to DEST while it is in use.",
    epilog=example("autopack --log work.db log backup copy.db"),
)
@click.argument("dest", type=click.Path(path_type=Path))
@click.pass_obj
def backup(session: Session, dest: Path) -> None:
    """Copy the log to DEST while it is in use; what is at DEST already is left alone."""
    with session.open_log() as held:
        held.backup(str(dest.absolute()))
    say(f"Copied to {dest.absolute()}")


@log.command(
    cls=LogCommand,
    short_help="Vouch for the log as it stands, with a private key.",
    epilog=example(
        "openssl genpkey -algorithm ed25519 -out key.pem", "autopack --log work.db log sign key.pem"
    ),
)
@click.argument("key", type=click.Path(path_type=Path))
@click.option("--by", default="user", show_default=True, help="Who signs.")
@click.pass_obj
def sign(session: Session, key: Path, by: str) -> None:
    """
    Verify the log, sign its head with the private key in KEY, and record it.

    KEY is a file in PEM with a key of Ed25519 that no password protects.
    """
    import autopack as api

    with session.open_log() as held:
        signed = api.sign_head(held, key, by=by).event
    say(f"Signed up to position {signed.position} with the key {signed.public_key}")


@log.command(
    cls=LogCommand,
    short_help="Write a run as a file that proves itself.",
    epilog=example("autopack --log work.db log bundle nightly nightly.bundle"),
)
@click.argument("run")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--texts", is_flag=True, help="With the texts that its events name.")
@click.option("--signed-by", metavar="KEY", help="As this public key has signed it last.")
@click.pass_obj
def bundle(session: Session, run: str, out: Path, texts: bool, signed_by: str | None) -> None:
    """
    Write RUN, as it stood when the log was signed last, to OUT, a new file.

    Whoever has the file and the public key can check each event, and that none was left out,
    without the log.
    """
    import autopack as api

    with session.open_log() as held:
        made = api.write_bundle(held, run, out, texts=texts, signed_by=signed_by)
    gone = f"; {made.missing_texts} more were removed from the log" if made.missing_texts else ""
    beside = f" and {made.texts} texts{gone}" if texts else ", without texts"
    say(f"Wrote {made.events} events{beside}, signed up to position {made.position}, to {out}")


@log.command(
    cls=LogCommand,
    short_help="Remove texts beside the log by age, size or run.",
    epilog=example("autopack --log work.db log prune --older-than-days 90 --why 'out of use'"),
)
@click.option("--older-than-days", type=DAYS, help="Last named before that.")
@click.option("--larger-than-bytes", type=SIZE, help="Compressed size.")
@click.option("--run-id", metavar="RUN", help="Named by this run's events alone.")
@why_option(is_asked=True)
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@json_option
@click.pass_obj
def prune(
    session: Session,
    older_than_days: float | None,
    larger_than_bytes: int | None,
    run_id: str | None,
    why: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove texts beside the log that meet every measure given; no event is touched."""
    from datetime import timedelta

    import autopack as api
    from autopack.log.log import journal_of
    from autopack.ports.log import from_us

    with session.open_log() as held:
        before = (
            None
            if older_than_days is None
            else from_us(journal_of(held).now_us()) - timedelta(days=older_than_days)
        )
        pruned = api.prune_artifacts(
            held,
            why=why,
            named_before=before,
            larger_than_bytes=larger_than_bytes,
            run_id=run_id,
            dry_run=dry_run,
        )
    if as_json:
        print_json({"dry_run": dry_run, "stored_bytes": pruned.stored_bytes, "texts": pruned.texts})
        return
    what = "would be removed" if dry_run else "removed"
    say(f"{len(pruned.texts)} texts of {pruned.stored_bytes} bytes {what}")


@log.command(
    short_help="Make a new log of a backup or of an export.",
    epilog=example("autopack log restore copy.db work2.db"),
)
@click.argument("source", metavar="BACKUP|EXPORT")
@click.argument("dest", type=click.Path(path_type=Path))
@click.pass_obj
def restore(session: Session, source: str, dest: Path) -> None:
    """
    Make a new log at DEST from a backup, a log of an older format, or an ndjson export.

    Positions, times and hashes are kept and checked; the log_id is a new one, with the source as
    its parent. What is at DEST already is left alone.
    """
    import autopack as api

    made = api.restore_log(absolute_target(source), dest.absolute(), plugins=session.registry())
    with made:
        announce(made)
        say(f"Restored {made.head().position} events to {made.target}")


@log.command(
    short_help="Copy a log to another place, also a server's.",
    epilog=example("autopack log copy work.db work2.db"),
)
@click.argument("source", metavar="SOURCE")
@click.argument("dest", metavar="PATH|URL")
@click.pass_obj
def copy(session: Session, source: str, dest: str) -> None:
    """
    Copy the log SOURCE to a new place, a file or a server's, and check it.

    Positions, times and hashes are kept; the log_id is a new one, with SOURCE as its parent. A copy
    that was broken off is gone on with by the same command.
    """
    import autopack as api

    made = api.copy_log(absolute_target(source), absolute_target(dest), plugins=session.registry())
    with made:
        announce(made)
        say(f"Copied {made.head().position} events to {made.target}")


@log.command(
    short_help="Bring a log on a server to this version's tables.",
    epilog=example("autopack log upgrade postgresql://db.example.org/work"),
)
@click.argument("target", metavar="URL|PATH")
@click.pass_obj
def upgrade(session: Session, target: str) -> None:
    """
    Bring a log on a server to this version's tables and functions; its history stays as it is.

    Until then a log that an earlier version made is read, and not written. A log in a file is
    never changed in place: `autopack log restore` makes a new one of it.
    """
    import autopack as api

    with api.upgrade_log(absolute_target(target), plugins=session.registry()) as held:
        announce(held)
        say(f"{held.target} is as this version keeps logs, up to position {held.head().position}")


log.add_command(text_by_digest)
