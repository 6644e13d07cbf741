"""What a drain does as lines for people: one for each phase that ended, and what else they miss."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

import attrs

from autopack.events import (
    BudgetEscalated,
    DrainBreakerTripped,
    DrainRequestAnswered,
    DrainStarted,
    LaneOpened,
    LaneRested,
    PhaseAlarmed,
    PhaseCancelled,
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseReclaimed,
    PhaseReleased,
    PhaseRequeued,
    PhaseResultLate,
    PhaseTimedOut,
    RunFinished,
    RunPrepared,
    RunPrepareFailed,
)
from autopack.ports.log import Recorded, from_us
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.report.account_text import LaneWait, wait_line
from autopack.report.failure_words import failure_words, one_line
from autopack.report.part_names import calibrator_words, part_name
from autopack.report.quantities import count, seconds
from autopack.values.money import Usd

Mark: TypeAlias = Literal["done", "failed", "again", "asks", "back", "note", "aside"]
"""How a phase ended, or a note; an aside is for who sees no live view, which shows it."""

_MARKS: Final[Mapping[type, Mark]] = {
    PhaseCompleted: "done",
    PhaseFailed: "failed",
    PhaseTimedOut: "failed",
    PhaseGated: "asks",
    PhaseReleased: "back",
    PhaseReclaimed: "back",
    PhaseCancelled: "back",
}
_STATES: Final[Mapping[type, str]] = {
    PhaseCompleted: "completed",
    PhaseFailed: "failed",
    PhaseTimedOut: "timed out",
    PhaseGated: "asks you",
    PhaseReleased: "given back",
    PhaseReclaimed: "taken back",
    PhaseCancelled: "cancelled",
}
_SOON_S: Final = 0.1
_ASIDES: Final = (DrainStarted, LaneRested, LaneOpened)
_OF_DRAINS: Final = (DrainStarted, RunFinished)
_BETWEEN: Final = (BudgetEscalated, LaneRested)  # a failure and its requeue may have them between
STATE_CELLS: Final = 10
"""As long as the longest of them."""


@attrs.frozen(kw_only=True)
class DrainLine:
    """
    What became of a phase, or a note.

    Args:
        mark: What kind of line it is.
        subject: The phase, run or account that it is about.
        state: How it ended, in a word or two.
        tokens, cost_usd, seconds: What it used; None where nobody told.
        why: The reason, on one line.
        at: When it was recorded.
    """

    mark: Mark
    subject: str
    state: str
    tokens: int | None = None
    cost_usd: Decimal | None = None
    seconds: float | None = None
    why: str | None = None
    at: datetime | None = None


class DrainLines:
    """
    Turns the events of a drain into lines, one event after the other.

    Args:
        names: What phases are called in the lines, by ``RUN/PHASE``.
        with_ends: Whether phases that ended get a line; else somebody else tells of them.

    Attributes:
        over: The phases of which nothing more becomes by itself, and how they ended.
    """

    def __init__(self, names: Mapping[str, str] | None = None, *, with_ends: bool = True) -> None:
        self.over: dict[str, Mark] = {}
        self._names, self._with_ends = names or {}, with_ends
        self._rows: dict[str, AttemptRow] = {}
        self._failed: tuple[str, DrainLine] | None = None

    def named(self, key: str) -> str:
        """Return what a phase is called."""
        return self._names.get(key, key)

    def lines_of(self, told: Iterable[Recorded[Any] | DrainLine]) -> Iterator[DrainLine]:
        """
        Yield the lines of events, and those that stand among them as they are.

        A failure and the requeue that follows it in the same call are one line.
        """
        for one in told:
            if isinstance(one, DrainLine):
                yield one
                continue
            row = self._counted(one)
            match one.event:
                case PhaseRequeued() as event:
                    yield from self._requeued(event, one)
                case event if type(event) in _MARKS:
                    yield from self._flushed()
                    yield from self._ended(event, row, one)
                case event:
                    yield from self._noted(event, one)
        yield from self._flushed()

    def _counted(self, recorded: Recorded[Any]) -> AttemptRow | None:
        """Return the attempt that the event is of, with all that it used so far."""
        is_told = isinstance(recorded.event, ATTEMPTS.types)
        key = ATTEMPTS.key(recorded) if is_told else None
        if key is None:
            return None
        row = ATTEMPTS.project(self._rows.get(key), recorded)
        if row is None or type(recorded.event) in _MARKS:
            self._rows.pop(key, None)
        else:
            self._rows[key] = row
        return row

    def _ended(
        self, event: Any, row: AttemptRow | None, recorded: Recorded[Any]
    ) -> Iterator[DrainLine]:
        key, use = f"{event.run_id}/{event.phase_id}", None if row is None else row.use
        duration_s = event.timeout_s if isinstance(event, PhaseTimedOut) else event.duration_s
        line = DrainLine(
            mark=_MARKS[type(event)],
            subject=self.named(key),
            state=_STATES[type(event)],
            tokens=use.total_tokens if use and use.calls > use.calls_without_total else None,
            cost_usd=use.cost_usd if use and use.calls > use.calls_without_cost else None,
            seconds=duration_s,
            why=_why(event),
            at=_at(recorded),
        )
        if line.mark in ("done", "failed", "asks"):
            self.over[key] = line.mark
        if line.mark == "failed":
            self._failed = (key, line)
        elif self._with_ends or line.mark == "back":
            yield line

    def _requeued(self, event: PhaseRequeued, recorded: Recorded[Any]) -> Iterator[DrainLine]:
        key, failed = f"{event.run_id}/{event.phase_id}", self._failed
        self.over.pop(key, None)
        if failed is not None and failed[0] == key:
            self._failed = None
            is_soon = not event.wait_s or event.wait_s < _SOON_S
            wait = "again at once" if is_soon else f"again in {seconds(event.wait_s or 0)}"
            why = ": ".join(filter(None, (wait, failed[1].why)))
            yield attrs.evolve(failed[1], mark="again", why=why)
            return
        yield from self._flushed()
        yield DrainLine(
            mark="again",
            subject=self.named(key),
            state="queued",
            why=one_line(event.why),
            at=_at(recorded),
        )

    def _flushed(self) -> Iterator[DrainLine]:
        if self._failed is not None and self._with_ends:
            yield self._failed[1]
        self._failed = None

    def _noted(self, event: Any, recorded: Recorded[Any]) -> Iterator[DrainLine]:
        if not self._with_ends and isinstance(event, _OF_DRAINS):
            return
        if (told := _told(event, _at(recorded))) is None:
            return
        if not isinstance(event, _BETWEEN):
            yield from self._flushed()
        subject, state, why = told
        if subject is None:
            subject = self.named(f"{event.run_id}/{event.phase_id}")
        mark: Mark = "aside" if isinstance(event, _ASIDES) else "note"
        yield DrainLine(mark=mark, subject=subject, state=state, why=why, at=_at(recorded))


def result_line(result: Any, at: datetime | None = None) -> DrainLine:
    """Return a row's end as a line, from a :class:`autopack.types.BatchResult`."""
    marks: dict[str, tuple[Mark, str]] = {
        "COMPLETE": ("done", "answered"),
        "GATED": ("asks", "asks you"),
        "TIMED_OUT": ("failed", "timed out"),
    }
    mark, state = marks.get(result.state, ("failed", result.state.lower().replace("_", " ")))
    return DrainLine(
        mark=mark,
        subject=result.id,
        state=state,
        tokens=result.tokens,
        cost_usd=None if result.cost_usd is None else Usd.of(result.cost_usd),
        seconds=result.seconds,
        why=None if result.error is None else one_line(result.error),
        at=at,
    )


def _why(event: Any) -> str | None:
    match event:
        case PhaseFailed(code=code, message=message):
            return failure_words(code, message)
        case PhaseTimedOut(message=said) | PhaseGated(question=said):
            return one_line(said)
        case PhaseReleased(why=said) | PhaseReclaimed(why=said) | PhaseCancelled(why=said):
            return one_line(said)
    return None


def _told(event: Any, at: datetime) -> tuple[str | None, str, str | None] | None:
    """Return what a note says: of whom (None is the event's phase), what, and why."""
    match event:
        case DrainStarted(drain_id=name):
            return f"drain {name}", "started", _parts(event)
        case DrainBreakerTripped(run_id=run, reason=reason, count=n):
            whose = "this drain" if run is None else f"run {run}"
            state = "ends" if run is None else "is left"
            return whose, state, f"{one_line(reason)} ({count(n, 'time')})"
        case DrainRequestAnswered(answer=answer, detail=detail):
            return "this drain", answer, detail and one_line(detail)
        case RunPrepared(run_id=run):
            return f"run {run}", "prepared", None
        case RunPrepareFailed(run_id=run, code=code, message=message):
            return f"run {run}", "cannot be prepared", failure_words(code, message)
        case RunFinished(run_id=run, outcome=outcome):
            return f"run {run}", "finished", outcome.lower().replace("_", " ")
        case PhaseResultLate(message=message):
            said = "its result came after its lease had ended"
            return None, "came late", ": ".join(filter(None, (said, message and one_line(message))))
        case PhaseAlarmed(why=why):
            return None, "alarmed", one_line(why)
        case BudgetEscalated(from_tokens=before, to_tokens=after):
            return None, "budget", f"{before:,} to {after:,} tokens"
        case LaneRested():
            return "", "", wait_line(_wait(event), at)
        case LaneOpened(account=account, model=model):
            whose = account if model is None else f"{account}, model {model}"
            return f"account {whose}", "is open", None
    return None


def _parts(started: DrainStarted) -> str:
    """Return who does the work, who chooses, who gives budgets, and who checks."""
    calibrator, checks = calibrator_words(started.settings), started.settings.get("check")
    names = [part_name(str(one["name"])) for one in checks] if isinstance(checks, list) else []
    parts = [
        f"executor {part_name(started.executor)}",
        f"strategy {part_name(started.strategy)}",
        *([] if calibrator is None else [f"calibrator {calibrator}"]),
        *(f"check {name}" for name in names),
    ]
    return ", ".join(parts)


def _wait(event: LaneRested) -> LaneWait:
    return LaneWait(
        account=event.account,
        model=event.model,
        cause=event.cause,
        until=event.until,
        since=event.closed_at,
        window=event.window,
    )


def _at(recorded: Recorded[Any]) -> datetime:
    return from_us(recorded.row[6])
