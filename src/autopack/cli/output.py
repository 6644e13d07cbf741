"""Results on stdout: one JSON document, or text and plain tables that survive any console."""

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence, Sized
from contextlib import AbstractContextManager, redirect_stdout
from datetime import datetime
from typing import Any

import click

from autopack.cli.columns import columns


def print_json(value: Any) -> None:
    """Print one JSON document; non-ASCII is escaped, so that no console can spoil it."""
    import json

    from autopack.codec import plain

    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=True))


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print names and values, one a line."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        click.echo(f"{name:<{width}}  {shown(value)}")


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table: folded to its width on a terminal, in plain columns elsewhere."""
    texts = [[shown(cell) for cell in row] for row in rows]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in columns(header, texts, width=width):
        click.echo(line)


def shown(value: Any) -> str:
    """Return a value as people read it: a dash for what is unknown, counts by name."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        named = ((name or "(empty)", shown(inner)) for name, inner in value.items())
        return ", ".join(f"{name} {text}" for name, text in named) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)


def tell_none(found: Sized, what: str) -> None:
    """Say on stderr that there is nothing to show, where stdout would only stay empty."""
    if not found:
        click.echo(what, err=True)


def users_prints() -> AbstractContextManager[Any]:
    """Send to stderr what a user's code prints meanwhile: stdout is for the command's result."""
    return redirect_stdout(sys.stderr)


def json_option(function: Any) -> Any:
    """Add ``--json`` to a command that reads."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")(
        function
    )
