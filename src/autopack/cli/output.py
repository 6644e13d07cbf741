"""Results on stdout: one JSON document, or text and plain tables that survive any console."""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import AbstractContextManager, contextmanager, redirect_stdout, suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import click

from autopack.cli.lasting_stderr import settle

_PLAIN_SIGNS: Final = str.maketrans({"≥": ">=", "█": "#", "→": "->", "…": "..."})
_SHOWN_MOST: Final = 1_000
"""How much of a value is shown beside others; `--json` has all of it."""
_WORDS: Final = {
    "run_id": "run",
    "phase_id": "phase",
    "predicted_output_tokens": "predicted output",
    "budget_tokens": "budget",
    "budget_basis": "why this budget",
    "predicted_usd": "predicted USD",
    "usd": "USD",
    "cost_usd": "USD",
    "phases_by_state": "by state",
    "samples": "measured outputs",
    "samples_won": "measured, completed",
    "head": "last position",
    "head_hash": "its hash",
    "runs_implied": "runs not created",
    "usage_events": "calls",
    "usage_by_split": "their tokens",
    "estimates": "predictions",
    "zero_yield_reason": "no usage",
    "duration_s": "seconds",
    "timeout_s": "time-out",
    "not_before": "not before",
}
_INSTANT: Final = re.compile(
    r"[12]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-][01]\d:[0-5]\d)"
)
_PLACES: Final = frozenset({"position", "head", "version"})


class OutputError(Exception):
    """What a command found cannot be written to where stdout leads."""

    def __init__(self, fault: OSError) -> None:
        super().__init__(f"stdout cannot be written: {fault.strerror}.")


class _Said:
    """What this process says besides results and faults."""

    is_quiet = False


class ReaderGoneError(BrokenPipeError):
    """Who reads stdout has enough."""


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """
    Print a text to stdout, or to stderr; a terminal obeys nothing of what others wrote in it.

    Every text of a command goes through here. Control characters, and signs that turn the
    direction of writing, are shown as escapes; line ends and tabs stay. No command needs stderr.

    Raises:
        ReaderGoneError: Who reads stdout has enough.
        OutputError: Stdout cannot be written.
    """
    from autopack.report.escaping import visible

    _write(visible(str(text)), err=err, nl=nl)


def say_table(lines: Iterable[str]) -> None:
    """Print lines to stdout, in signs that it can write."""
    for line in lines:
        say(writable(line, sys.stdout.encoding))


def writable(line: str, encoding: str | None) -> str:
    """Return a line with plain signs for those of tables, if an encoding lacks them."""
    try:
        line.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return line.translate(_PLAIN_SIGNS)
    return line


def note(text: object) -> None:
    """Say on stderr what is good to know and no fault; ``-q`` leaves it out."""
    if not _Said.is_quiet:
        say(text, err=True)


def is_quiet() -> bool:
    """Tell whether only results and faults are to be said."""
    return _Said.is_quiet


def be_quiet(is_quiet: bool) -> None:
    """Leave out from now on what is no result and no fault, or say it again."""
    _Said.is_quiet = is_quiet


def print_as_stored(text: str) -> None:
    """Print a stored text to its last byte into a file or a pipe; to a terminal, as others."""
    ending = not text.endswith("\n")
    if sys.stdout.isatty():
        say(text, nl=ending)
    else:
        _write(text, nl=ending)


@contextmanager
def whoever_reads() -> Iterator[None]:
    """Go on where a result cannot be written: what was done is done, and the exit code says it."""
    settle()
    try:
        yield
    except ReaderGoneError:
        silence()
    except OutputError as fault:
        silence()
        say(f"autopack: {fault}", err=True)
    except MemoryError:
        with suppress(MemoryError):
            say("autopack: there is no memory left to show the result; the log has it.", err=True)


def silence() -> None:
    """Point stdout at nothing, so that the flush at exit does not meet the same fault again."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):
        return
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), number)


def _write(text: str, *, err: bool = False, nl: bool = True) -> None:
    try:
        # Stored texts keep their colours in a file; for a terminal they are escapes by now.
        click.echo(text, err=err, nl=nl, color=True)  # noqa: TID251 - the one place
    except BrokenPipeError as fault:
        if not err:
            raise ReaderGoneError(*fault.args) from fault
    except OSError as fault:
        if not err:
            raise OutputError(fault) from fault


def print_json(value: Any) -> None:
    """Print one JSON document; non-ASCII is escaped, so that no console can spoil it."""
    from autopack.format.codec import plain
    from autopack.values.json_text import json_text

    say(json_text(plain(value)))


def print_json_line(value: Any) -> None:
    """Print one JSON document in one line."""
    from autopack.format.codec import plain
    from autopack.values.json_text import json_line

    say(json_line(plain(value)))


def print_fields(fields: Mapping[str, Any], *, as_named: bool = False) -> None:
    """
    Print names and values, one a line; places in the log stay as they are typed.

    Args:
        as_named: Whether the names are data, which stay as they are, and no names of fields.
    """
    named = {name: shown(name) if as_named else words(name) for name in fields}
    width = max(map(len, named.values()), default=0)
    for name, value in fields.items():
        is_place = isinstance(value, int) and name in _PLACES
        say(f"{named[name]:<{width}}  {value if is_place else shown(value)}")


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table: as wide as the terminal, or as it is where there is none."""
    from autopack.report.plain_tables import table_lines

    texts = [[shown(cell) for cell in row] for row in rows]
    say_table(table_lines([words(name) for name in header], texts, width=terminal_width()))


def print_markdown(text: str) -> None:
    """Print a report of ours: Markdown into a file or a pipe, its text on a terminal."""
    from autopack.report.markdown_text import markdown_as_text

    width = terminal_width()
    say(text.rstrip("\n") if width is None else markdown_as_text(text, width=width))


def terminal_width() -> int | None:
    """Return how many columns the terminal has that shows the result, if one does."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def words(name: str) -> str:
    """Return a field's name in words; what people named themselves is none, and stays as it is."""
    is_type = set(name) & set(".:/")  # a name, of an event or in a file, is typed as it is
    return _WORDS.get(name) or (name if is_type else name.replace("_", " "))


def fields_in_words(value: Any) -> Any:
    """Return an object as tables, its fields by their names in words; names of data stay."""
    fields = getattr(value, "__attrs_attrs__", None)
    if fields is not None:
        told = {one.name: getattr(value, one.name) for one in fields}
        return {words(name): fields_in_words(inner) for name, inner in told.items()}
    if isinstance(value, Mapping):
        return {name: fields_in_words(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return list(map(fields_in_words, value))
    from autopack.format.codec import plain

    return plain(value)


def shown(value: Any) -> str:
    """Return a value as people read it: a dash for what is unknown, counts by name."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal | float):
        from autopack.errors.exact_figures import figure

        return figure(value)
    if isinstance(value, Mapping):
        named = ((shown(name) or "(empty)", shown(inner)) for name, inner in value.items())
        return ", ".join(f"{name} {text}" for name, text in named) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    if isinstance(value, datetime):
        from autopack.report.quantities import moment

        return moment(value, datetime.now(UTC))  # noqa: TID251 - the reader's own clock
    from autopack.report.escaping import on_line

    text = str(value)
    if _INSTANT.fullmatch(text):
        return shown(datetime.fromisoformat(text))
    return on_line(text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}...")


def tell_none(found: Sized, what: str) -> None:
    """Say on stderr that there is nothing to show, where stdout would only stay empty."""
    if not found:
        say(what, err=True)


def users_prints() -> AbstractContextManager[Any]:
    """Send to stderr what a user's code prints meanwhile: stdout is for the command's result."""
    return redirect_stdout(sys.stderr)


def json_option(function: Any) -> Any:
    """Add ``--json`` to a command that reads."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")(
        function
    )
