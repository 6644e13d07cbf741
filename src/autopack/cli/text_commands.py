"""``autopack phase text`` and ``autopack log text``: read what is stored beside the log."""

import shlex
from typing import Any

import click

from autopack.cli.number_options import COUNT
from autopack.cli.output import json_option, print_as_stored, print_json, print_table, say
from autopack.cli.session import LogCommand, ReadingCommand, Session, example


@click.command(
    cls=ReadingCommand,
    short_help="Print a text of a phase, or list its texts.",
    epilog=example(
        "autopack --log work.db phase text nightly/p1",
        "autopack --log work.db phase text nightly/p1 stdout --attempt 2",
    ),
)
@click.argument("words", metavar="RUN/PHASE [NAME|DIGEST]", nargs=-1, required=True)
@click.option("--attempt", type=COUNT, help="Of this attempt.  [default: the last]")
@json_option
@click.pass_obj
def text(session: Session, words: tuple[str, ...], attempt: int | None, as_json: bool) -> None:
    """Print a text of a phase: an output, an artifact, an input. Without NAME, list them."""
    import autopack as api

    wanted, name = _phase_and_name(words)
    with session.open_log() as log:
        if name is None:
            texts = [
                found
                for found in api.list_texts(log, wanted)
                if attempt is None or found.attempt == attempt
            ]
        else:
            whole = api.read_text(log, wanted, name, attempt=attempt)
    if name is not None:
        _print_text(whole, {"phase": str(wanted), "name": name}, as_json=as_json)
    elif as_json:
        print_json(texts_json(texts))
    else:
        print_texts(texts, wanted, session)


@click.command(
    "text",
    cls=LogCommand,
    short_help="Print the text that is stored under a digest.",
    epilog=example("autopack --log work.db log text 9f2c41d07a55"),
)
@click.argument("digest")
@json_option
@click.pass_obj
def text_by_digest(session: Session, digest: str, as_json: bool) -> None:
    """Print the text that is stored beside the log under DIGEST, or what begins so."""
    with session.open_log() as log:
        digest = log.artifacts.whole_digest(digest)
        whole = log.artifacts.get(digest)
    _print_text(whole, {"digest": digest}, as_json=as_json)


def _phase_and_name(words: tuple[str, ...]) -> tuple[Any, str | None]:
    """Return the phase, written as RUN/PHASE or as RUN PHASE, and the name after it, if any."""
    from autopack.values.ids import PhaseId, PhaseRef, RunId

    if "/" in words[0]:
        ref, rest = PhaseRef.parse(words[0]), words[1:]
    elif len(words) > 1:
        ref, rest = PhaseRef(RunId(words[0]), PhaseId(words[1])), words[2:]
    else:
        raise click.UsageError(f"{words[0]!r} names no phase: give RUN/PHASE, or RUN PHASE.")
    if len(rest) > 1:
        raise click.UsageError(f"Name one text, not {len(rest)}: {', '.join(rest)}.")
    return ref, rest[0] if rest else None


def texts_json(texts: list[Any]) -> list[dict[str, Any]]:
    """Return a phase's texts as JSON-simple values."""
    import attrs

    return [attrs.asdict(one) for one in texts]


def print_texts(texts: list[Any], ref: Any, session: Session) -> None:
    """Print a table of a phase's texts, and how to read one."""
    if not texts:
        say(f"Phase {ref} has no texts.", err=True)
        return
    rows = [
        (one.name, one.kind, one.attempt, _size(one.size_bytes), one.digest[:12]) for one in texts
    ]
    print_table(("text", "kind", "attempt", "bytes", "digest"), rows)
    say(f"Read one with: {session.typed} phase text {shlex.quote(str(ref))} NAME", err=True)


def _size(size_bytes: int | None) -> str:
    return "not stored" if size_bytes is None else f"{size_bytes:,}"


def _print_text(whole: str, named: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({**named, "text": whole})
    else:
        print_as_stored(whole)
