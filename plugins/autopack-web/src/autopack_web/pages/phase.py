"""A phase: each attempt against its estimate, what checks said, its texts, and every event."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

import autopack
from autopack.errors import PhaseMissingError, RunMissingError
from autopack.events import (
    DrainPassedOver,
    DrainPhaseSelected,
    PhaseChecked,
    PhaseClaimed,
    PhaseJudged,
)
from autopack.log.log import journal_of
from autopack.prediction.newest_attempts import attempt_rows
from autopack.projections.attempt_row import AttemptRow, work_of
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.sums_by_drain_and_run import Work
from autopack.types import PhaseRef, PhaseStatus, PhaseText, PhaseView
from autopack.values.ids import phase_stream
from autopack_web.pages.events import EventEntry, event_entry
from autopack_web.paging import Part, part_of

if TYPE_CHECKING:
    from autopack import Log, Recorded
    from autopack_web.moments import Asked

_EVENTS_MOST: Final = 100
_ATTEMPTS_MOST: Final = 50
_PASSED_MOST: Final = 5
_BESIDE: Final = 20
_LOOK_BACK: Final = 20_000
_TEXT_MOST: Final = 100_000
_LINES_MOST: Final = 4_000


@attrs.frozen(kw_only=True)
class AttemptEntry:
    """
    An attempt.

    Args:
        chosen: Why a drain's strategy chose it, in its words; None outside of drains.
        row: What it was predicted to use and used.
    """

    number: int
    claimed_at: datetime | None
    chosen: str | None
    row: AttemptRow


@attrs.frozen(kw_only=True)
class PassedOver:
    """Why a drain did not take a phase when it looked, and how many phases that is said of."""

    at: datetime
    drain: str
    reason: str
    count: int


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
        is_queued: Whether somebody queued it; else only events name it, such as calls of an import,
            and of *phase* no more is known than its name.
        work: What all its attempts came to.
        passed_over: Of one that is queued, what the last drains that looked said, the newest first.
        checks: What was said of its work, last word last.
        shown: The text that is asked for; None if none is.
        events: Some of its events, and the *part* that they are.
    """

    phase: PhaseView
    is_queued: bool
    work: Work
    attempts: tuple[AttemptEntry, ...]
    passed_over: tuple[PassedOver, ...]
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
    phase, history = _found(log, ref)
    part = part_of(asked, len(history), _EVENTS_MOST)
    texts = () if phase is None else tuple(autopack.list_texts(log, ref))
    is_queued = phase is not None
    phase = phase or PhaseView(run_id=ref.run_id, phase_id=ref.phase_id, order=0)
    return PhasePage(
        phase=phase,
        is_queued=is_queued,
        work=_work(log, history),
        attempts=tuple(_attempts(log, phase, history)),
        passed_over=tuple(_passed_over(log, phase))[: -_PASSED_MOST - 1 : -1] if is_queued else (),
        checks=tuple(_verdicts(history)),
        texts=texts,
        shown=_shown(log, texts, asked.query.get("text")),
        events=tuple(map(event_entry, history[part.first : part.end])),
        part=part,
    )


def _found(log: "Log", ref: PhaseRef) -> "tuple[PhaseView | None, list[Recorded[Any]]]":
    """Return a phase and its events; None and those that name it, where nobody queued it."""
    try:
        return autopack.get_phase(log, ref), autopack.history(log, ref)
    except (RunMissingError, PhaseMissingError):
        if not (named := list(log.read(phase_stream(ref.run_id, ref.phase_id)))):
            raise
        return None, named


def _work(log: "Log", history: "Sequence[Recorded[Any]]") -> Work:
    told = [one for one in history if isinstance(one.event, ATTEMPTS.types)]
    keys = [key for key in dict.fromkeys(map(ATTEMPTS.key, told)) if key is not None]
    return sum(map(work_of, attempt_rows(journal_of(log), keys).values()), Work())


def _attempts(
    log: "Log", phase: PhaseView, history: "Sequence[Recorded[Any]]"
) -> Iterator[AttemptEntry]:
    told = [one for one in history if isinstance(one.event, ATTEMPTS.types)]
    claims = {ATTEMPTS.key(one): one for one in told if isinstance(one.event, PhaseClaimed)}
    numbered = [one for one in told if getattr(one.event, "attempt", None) is not None]
    keys = dict.fromkeys(map(ATTEMPTS.key, numbered))
    some = [key for key in keys if key is not None][-_ATTEMPTS_MOST:]
    for key, row in attempt_rows(journal_of(log), some).items():
        claim = claims.get(key)  # imported attempts were claimed by nobody
        yield AttemptEntry(
            number=row.attempt or 0,
            claimed_at=None if claim is None else claim.occurred_at,
            chosen=None if claim is None else _chosen(log, phase, claim.position),
            row=row,
        )


def _chosen(log: "Log", phase: PhaseView, claimed_at: int) -> str | None:
    """Return why it was chosen, which is told beside its claim, in the same batch."""
    beside = log.read_all(after=claimed_at, until=claimed_at + _BESIDE, types=(DrainPhaseSelected,))
    said = (one.event for one in beside)
    return next((one.reason for one in said if _is_of(one, phase)), None)


def _passed_over(log: "Log", phase: PhaseView) -> Iterator[PassedOver]:
    if phase.status is not PhaseStatus.QUEUED:
        return
    since = max(log.head().position - _LOOK_BACK, 0)
    for recorded in log.read_all(after=since, types=(DrainPassedOver,)):
        event = recorded.event
        if _is_of(event, phase) or (event.phase_id is None and event.run_id == phase.run_id):
            yield PassedOver(
                at=recorded.occurred_at,
                drain=event.drain_id,
                reason=event.reason,
                count=event.count,
            )


def _is_of(event: DrainPhaseSelected | DrainPassedOver, phase: PhaseView) -> bool:
    return (event.run_id, event.phase_id) == (phase.run_id, phase.phase_id)


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
    start = "".join(text[:_TEXT_MOST].splitlines(keepends=True)[:_LINES_MOST])
    return ShownText(
        name=found.name,
        digest=found.digest,
        text=start,
        left_off=len(text) - len(start),
        is_diff=found.name.endswith((".diff", ".patch")) or text.startswith("diff --git "),
    )
