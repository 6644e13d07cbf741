"""A phase: each attempt against its estimate, what checks said, its texts, and every event."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

import autopack
from autopack.events import PhaseChecked, PhaseJudged
from autopack.log.log import journal_of
from autopack.ports.log import from_us
from autopack.prediction.newest_attempts import attempt_rows
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import attempt_key
from autopack.types import PhaseRef, PhaseText, PhaseView
from autopack_web.pages.events import EventEntry, event_entry
from autopack_web.paging import Part, part_of

if TYPE_CHECKING:
    from autopack import Log, Recorded
    from autopack_web.moments import Asked

_EVENTS_MOST: Final = 100
_ATTEMPTS_MOST: Final = 50
_TEXT_MOST: Final = 100_000


@attrs.frozen(kw_only=True)
class AttemptEntry:
    """An attempt: when it was claimed, and what it was predicted to use and used."""

    number: int
    claimed_at: datetime | None
    row: AttemptRow


@attrs.frozen(kw_only=True)
class VerdictEntry:
    """What a check or a person said of an attempt's work, and by what they went."""

    at: datetime
    attempt: int | None
    by: str
    verdict: str
    told: str | None


@attrs.frozen(kw_only=True)
class ShownText:
    """The beginning of a text, and how many more characters it has."""

    name: str
    digest: str
    text: str
    left_off: int
    is_diff: bool


@attrs.frozen(kw_only=True)
class PhasePage:
    """
    A phase.

    Args:
        checks: What was said of its work, last word last.
        shown: The text that is asked for; None if none is.
        events: Some of its events, and the *part* that they are.
    """

    phase: PhaseView
    attempts: tuple[AttemptEntry, ...]
    checks: tuple[VerdictEntry, ...]
    texts: tuple[PhaseText, ...]
    shown: ShownText | None
    events: tuple[EventEntry, ...]
    part: Part


def read(log: "Log", asked: "Asked") -> PhasePage:
    """
    Return the phase that the path names.

    Raises:
        RunMissingError, PhaseMissingError: It is not there.
    """
    ref = PhaseRef(asked.parts["run"], asked.parts["phase"])
    phase = autopack.get_phase(log, ref)
    history = autopack.history(log, ref)
    part = part_of(asked, len(history), _EVENTS_MOST)
    texts = tuple(autopack.list_texts(log, ref))
    return PhasePage(
        phase=phase,
        attempts=tuple(_attempts(log, phase)),
        checks=tuple(_verdicts(history)),
        texts=texts,
        shown=_shown(log, texts, asked.query.get("text")),
        events=tuple(map(event_entry, history[part.first : part.end])),
        part=part,
    )


def _attempts(log: "Log", phase: PhaseView) -> Iterator[AttemptEntry]:
    last = phase.attempts
    numbers = range(max(last - _ATTEMPTS_MOST, 0) + 1, last + 1)
    keys = {attempt_key(phase.run_id, phase.phase_id, number): number for number in numbers}
    for key, row in attempt_rows(journal_of(log), list(keys)).items():
        at = None if row.claimed_us is None else from_us(row.claimed_us)
        yield AttemptEntry(number=keys[key], claimed_at=at, row=row)


def _verdicts(history: "Sequence[Recorded[Any]]") -> Iterator[VerdictEntry]:
    for recorded in history:
        match event := recorded.event:
            case PhaseChecked():
                by, verdict, told = event.check, str(event.verdict), event.excerpt
            case PhaseJudged():
                by, verdict, told = event.by, "right" if event.right else "wrong", event.why
            case _:
                continue
        at, number = recorded.occurred_at, event.attempt
        yield VerdictEntry(at=at, attempt=number, by=by, verdict=verdict, told=told)


def _shown(log: "Log", texts: Sequence[PhaseText], digest: str | None) -> ShownText | None:
    """Return a text of this phase; no other is told, whatever its digest."""
    found = next((one for one in texts if one.digest == digest), None)
    if found is None:
        return None
    text = log.artifacts.get(found.digest)
    return ShownText(
        name=found.name,
        digest=found.digest,
        text=text[:_TEXT_MOST],
        left_off=max(len(text) - _TEXT_MOST, 0),
        is_diff=found.name.endswith((".diff", ".patch")) or text.startswith("diff --git "),
    )
