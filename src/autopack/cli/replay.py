"""``autopack replay``: a projection at any position or moment, and what changed since."""

from typing import Any, Literal

import click

from autopack.cli.output import (
    fields_in_words,
    json_option,
    note,
    print_fields,
    print_json,
    say,
    say_table,
    shown,
    terminal_width,
    words,
)
from autopack.cli.position_arguments import place_of
from autopack.cli.session import LogCommand, Session, example


@click.command(
    cls=LogCommand,
    short_help="Show any view of the log, as of any position or moment.",
    epilog=example(
        "autopack --log work.db replay --projection phases --until 120 --json",
        "autopack --log work.db replay --projection runs --diff 120",
    ),
)
@click.option("--projection", default="phases", show_default=True, help="A name, or file.py:name.")
@click.option("--until", metavar="POSITION|TIME", help="The end, e.g. 120 or 2026-01-31T12:00:00Z.")
@click.option(
    "--diff", "since", metavar="POSITION|TIME", help="What changed from there to --until."
)
@click.option(
    "--clock",
    type=click.Choice(["recorded", "occurred"]),
    default="recorded",
    show_default=True,
    help="Cut a TIME by what was known, or reconstruct what was true.",
)
@json_option
@click.pass_obj
def replay(
    session: Session,
    projection: str,
    until: str | None,
    since: str | None,
    clock: Literal["recorded", "occurred"],
    as_json: bool,
) -> None:
    """Fold a projection from the first event; the log alone decides the answer."""
    import autopack as api

    end = None if until is None else place_of(until)
    if since is not None:
        if clock != "recorded":
            raise click.UsageError("--diff compares what was recorded; leave --clock out.")
        start = place_of(since)
        with session.open_log() as log:
            _show_changes(api.diff(log, projection, at=start, to=end), as_json)
        return
    with session.open_log() as log:
        found = api.replay(log, projection, until=end, clock=clock)
    if as_json:
        print_json(found)
    else:
        show_view(found)


def show_view(found: Any) -> None:
    """Print a view: what is counted over its rows, and each row."""
    from autopack.format.codec import plain
    from autopack.report.projection_table import rows_lines

    kind = ", a reconstruction by occurred_at" if found.is_reconstruction else ""
    say(f"{found.projection} at position {found.position}{kind}")
    for title, whole in (("total", found.total), ("value", found.value)):
        if whole is not None:
            values = fields_in_words(whole)
            told = _told(values) if isinstance(values, dict) else {title: values}
            print_fields(told, as_named=True)
    rows = {key: plain(row) for key, row in found.rows.items()}
    has_fields = any(hasattr(row, "__attrs_attrs__") for row in found.rows.values())
    names = words if has_fields else shown
    say_table(rows_lines(rows, shown, names, width=terminal_width()))


def show_row(key: str, row: Any) -> None:
    """Print one row of a view, or that there is none."""
    values = fields_in_words(row)
    if isinstance(values, dict):
        say(key)
        print_fields(_told(values), as_named=True)
    else:
        say(f"{key}: {'no such row' if row is None else shown(values)}")


def _show_changes(changes: list[Any], as_json: bool) -> None:
    if as_json:
        print_json([{"key": c.key, "before": c.before, "after": c.after} for c in changes])
        return
    for change in changes:
        before, after = fields_in_words(change.before), fields_in_words(change.after)
        if isinstance(before, dict) and isinstance(after, dict):
            moved = {name: (before.get(name), after[name]) for name in after}
            told = ", ".join(
                f"{shown(name)} {shown(was)} -> {shown(now)}"
                for name, (was, now) in moved.items()
                if was != now
            )
        else:
            told = f"{_row(before)} -> {_row(after)}"
        say(f"{change.key or '(the whole)'}: {told}")
    note(f"{len(changes)} changed")


def _told(values: dict[str, Any]) -> dict[str, Any]:
    from autopack.report.projection_table import is_told

    return {name: value for name, value in values.items() if is_told(value)}


def _row(value: Any) -> str:
    if value is None:
        return "absent"
    if not isinstance(value, dict):
        return shown(value)
    return shown(_told(value))
