"""A run as one file that a stranger can audit without the log."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from autopack.errors import ArtifactMissingError, InvalidInputError, LogExistsError, RunMissingError
from autopack.events import (
    DrainStarted,
    DrainStopped,
    HeadSigned,
    PhaseClaimed,
    PhaseQueued,
)
from autopack.events.head import HEADS_STREAM
from autopack.exchange.bundle_lines import BundleLines, text_lines
from autopack.log import views
from autopack.log.backends.atomic_files import publishing, told_of
from autopack.log.head_signatures import right_heads, trees_of
from autopack.log.journal import Journal
from autopack.log.log import Log, journal_of
from autopack.log.verification import one_moment
from autopack.ports.log import Recorded, Row
from autopack.projections.runs import RUNS
from autopack.values.ids import drain_stream, phase_stream, run_stream

_DIGEST: Final = re.compile(r"\b[0-9a-f]{64}\b")
_WHOLE: Final = (DrainStarted, DrainStopped)


@attrs.frozen(kw_only=True)
class Bundle:
    """
    What was written into a bundle.

    Args:
        position: Up to which position of the log; that of the signed head.
        events: How many events of the run and of the drains that worked on it.
        texts: How many texts beside the log.
        missing_texts: How many more are named, but were removed from the log.
    """

    position: int
    events: int
    texts: int
    missing_texts: int


def write_bundle(
    log: Log,
    run_id: str,
    path: str | Path,
    *,
    texts: bool = False,
    signed_by: str | Path | None = None,
) -> Bundle:
    """
    Write a run, as it stood when a head was signed last, to a new file that proves itself.

    It holds the signed head; every event of the run and of its phases, with proofs that it stands
    in that log and that none was left out: prices, checks and verdicts are among them; and what the
    drains that worked on it were set to and chose. The file is there whole or not at all.

    Args:
        texts: Whether to add the texts that its events name, prompts and answers among them.
        signed_by: A file with a public key of Ed25519 in PEM: take the newest head that is signed
            with it, and whose signature is right. None takes the newest of all.

    Raises:
        RunMissingError: The log had no such run when it was signed.
        InvalidInputError: No head is signed, or none with that key.
        LogExistsError: Something is there already; it is left as it is.
    """
    journal, dest = journal_of(log), Path(path).absolute()
    if os.path.lexists(dest):
        raise LogExistsError(str(dest), can_be_opened=False)
    with one_moment(journal.backend):
        head = _last_signed(journal) if signed_by is None else _last_by(journal, Path(signed_by))
        streams, rows = _rows_of(journal, run_id, head.position)
        lines = BundleLines(journal.backend.identity, head, trees_of(journal, head.position))
        named = _texts_named(rows) if texts else []
        found = [(digest, content) for digest in named if (content := _text(journal, digest))]
    with (
        publishing(dest) as scratch,
        told_of(dest),
        scratch.open("w", encoding="utf-8", newline="\n") as file,
    ):
        print(lines.first(run_id, events=len(rows), texts=len(found)), file=file)
        file.writelines(f"{lines.end_of(stream)}\n" for stream in streams)
        file.writelines(f"{lines.event(row)}\n" for row in rows)
        file.writelines(f"{line}\n" for line in text_lines(found))
    return Bundle(
        position=head.position,
        events=len(rows),
        texts=len(found),
        missing_texts=len(named) - len(found),
    )


def _last_signed(journal: Journal) -> HeadSigned:
    signed = [one.event for one in journal.read(HEADS_STREAM) if isinstance(one.event, HeadSigned)]
    if not signed:
        raise InvalidInputError(
            "No head of the log is signed, so that nothing could be proved. Sign it first:",
            do="autopack.sign_head(log, KEY)",
            typed="autopack log sign KEY",
            name="log",
            value=journal.target,
        )
    return max(signed, key=lambda event: event.position)


def _last_by(journal: Journal, key_file: Path) -> HeadSigned:
    right = right_heads(journal, key_file)
    if not right:
        raise InvalidInputError(
            f"No head of the log is rightly signed with the key in {key_file}. Sign it first:",
            do="autopack.sign_head(log, KEY)",
            typed="autopack log sign KEY",
            name="signed_by",
            value=str(key_file),
        )
    return max(right, key=lambda event: event.position)


def _rows_of(journal: Journal, run_id: str, until: int) -> tuple[list[str], list[Row]]:
    """Return the streams of a run, and its rows with those of its drains, in order."""
    of_run = list(_stream(journal, run_stream(run_id), until))
    if not of_run:
        raise RunMissingError(run_id, known=views.current(journal, RUNS).rows)
    phases = [one.event.phase_id for one in of_run if isinstance(one.event, PhaseQueued)]
    streams = [run_stream(run_id), *(phase_stream(run_id, phase) for phase in phases)]
    found, drains = of_run, set[str]()
    for stream in streams[1:]:
        of_phase = list(_stream(journal, stream, until))
        found += of_phase
        claims = (one.event for one in of_phase if isinstance(one.event, PhaseClaimed))
        drains |= {claim.drain for claim in claims if claim.drain is not None}
    for drain in sorted(drains):
        of_drain = _stream(journal, drain_stream(drain), until)
        found += [one for one in of_drain if _is_about(one.event, run_id)]
    return streams, sorted((one.row for one in found), key=lambda row: row[0])


def _stream(journal: Journal, stream: str, until: int) -> Iterator[Recorded[Any]]:
    return (one for one in journal.read(stream) if one.position <= until)


def _is_about(event: Any, run_id: str) -> bool:
    return isinstance(event, _WHOLE) or getattr(event, "run_id", None) == run_id


def _texts_named(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(digest for row in rows for digest in _DIGEST.findall(row[9])))


def _text(journal: Journal, digest: str) -> str | None:
    try:
        return journal.get_artifact(digest)
    except ArtifactMissingError:
        return None
