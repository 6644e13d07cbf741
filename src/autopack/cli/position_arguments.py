"""What people name in a log: positions, moments and phases."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from autopack.log.log import Log
    from autopack.values.ids import PhaseRef

_NAMED_MOST: Final = 5
_DIGITS_MOST: Final = 18


def place_of(text: str, now: datetime | None = None) -> int | datetime:
    """
    Return a position, or an aware moment, as people say one.

    A time without a zone is this machine's: ``2026-11-28``, ``2026-11-28 14:00``, ``14:00`` (the
    last there was), ``yesterday 14:00``, ``-90m`` (ago; also s, h, d, w).

    Args:
        now: From when on it is reckoned back; None is now.
    """
    from autopack.cli.spoken_times import moment_of
    from autopack.errors import InvalidInputError
    from autopack.errors.base import told

    if text.isdecimal() and len(text) <= _DIGITS_MOST:
        return int(text)
    moment = moment_of(text, (now or datetime.fromtimestamp(time.time())).astimezone())
    if moment is None:
        raise InvalidInputError(
            f"{told(text)} is neither a position (120) nor a time (2026-01-31T12:00:00Z, "
            "2026-01-31, yesterday 14:00, -90m).",
            name="until",
            value=text,
        )
    return moment


def phase_argument(function: Any) -> Any:
    """Add the argument that names a phase, ``RUN/PHASE`` or ``RUN PHASE``, as ``words``."""
    return click.argument("words", metavar="RUN/PHASE | RUN PHASE", nargs=-1, callback=_one_or_two)(
        function
    )


def phase_in(log: "Log", words: tuple[str, ...]) -> "PhaseRef":
    """
    Return the phase that the words name; whether it is there is another question.

    Raises:
        InvalidInputError: No run is named; says in which runs of the log such a phase is.
    """
    from autopack.errors import InvalidInputError
    from autopack.values.ids import PhaseId, PhaseRef, RunId

    if len(words) == 2:
        return PhaseRef(RunId(words[0]), PhaseId(words[1]))
    (word,) = words
    if "/" in word:
        return PhaseRef.parse(word)
    there = _known_as(log, word)
    hint = f" Did you mean {' or '.join(there[:_NAMED_MOST])}?" if there else ""
    raise InvalidInputError(
        f"{word!r} names no phase, for an id is unique only within its run: give RUN/PHASE, or "
        f"RUN PHASE.{hint}",
        name="phase",
        value=word,
    )


def _known_as(log: "Log", word: str) -> list[str]:
    """Return the phases of that id, or else those of the run of that id."""
    import autopack as api

    keys = [(row.key, row) for row in api.view(log, "phases").rows.values()]
    of_id = [key for key, row in keys if row.phase_id == word]
    return of_id or [key for key, row in keys if row.run_id == word]


def _one_or_two(
    _ctx: click.Context, _parameter: click.Parameter, words: tuple[str, ...]
) -> tuple[str, ...]:
    if len(words) not in (1, 2) or (len(words) == 2 and "/" in words[0]):
        said = " ".join(words) or "nothing"
        raise click.UsageError(f"Name one phase, as RUN/PHASE or as RUN PHASE, not {said!r}.")
    return words
