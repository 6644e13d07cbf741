"""Two runs beside each other, or the log at two moments: what changed between them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

import attrs

import autopack
from autopack.projections.use_groups import UsageRow
from autopack.types import PhaseView, RunComparison
from autopack_web.moments import Asked, log_at
from autopack_web.paging import Part, part_of

if TYPE_CHECKING:
    from autopack import Log

_MOST: Final = 200
_RUNS_MOST: Final = 500


@attrs.frozen(kw_only=True)
class LogSide:
    """The log at a moment: how many phases stood how, and what was used by then."""

    position: int
    recorded_at: datetime | None
    occurred_at: datetime | None
    phases: int
    phases_by_state: Mapping[str, int]
    attempts: int
    total: UsageRow


@attrs.frozen(kw_only=True)
class PhaseChange:
    """A phase that stood otherwise; None is where it was not there yet."""

    phase: str
    before: str | None
    after: str | None
    attempts_before: int
    attempts_after: int
    reason: str | None


@attrs.frozen(kw_only=True)
class LogComparison:
    """The log at two moments, and some of the phases that differ."""

    a: LogSide
    b: LogSide
    changes: tuple[PhaseChange, ...]
    part: Part


@attrs.frozen(kw_only=True)
class ComparisonPage:
    """
    What differs.

    Args:
        run_ids: What can be chosen: the newest first.
        chosen: The run to which another is to be chosen; None where both are, or none.
        runs: Two runs, or a run at two moments.
        moments: The log at two moments.
    """

    run_ids: tuple[str, ...]
    chosen: str | None = None
    runs: RunComparison | None = None
    moments: LogComparison | None = None


def read(log: "Log", asked: Asked) -> ComparisonPage:
    """
    Return it: of the runs ``a`` and ``b``, or between the moments ``since`` and ``until``.

    Raises:
        RunMissingError: There is no such run.
        InvalidInputError: A run would be compared with itself, or a moment is none.
    """
    rows = sorted(autopack.view(log, "runs").rows.values(), key=lambda row: -row.order)
    ids = tuple(row.run_id for row in rows[:_RUNS_MOST])
    a, b = asked.told("a"), asked.told("b")
    since, until = asked.told("since"), asked.told("until")
    if a is not None and b is not None and a != b:
        return ComparisonPage(run_ids=ids, runs=autopack.compare(log, a, b))
    if since is None and until is None:
        return ComparisonPage(run_ids=ids, chosen=a)
    before, _ = log_at(log, since or "0")
    after, _ = log_at(log, until)
    if a is not None:
        found = autopack.compare(before, a, other=after)
        return ComparisonPage(run_ids=ids, runs=found)
    return ComparisonPage(run_ids=ids, moments=_between(before, after, asked))


def _between(before: "Log", after: "Log", asked: Asked) -> LogComparison:
    old = autopack.view(before, "phases").rows
    new = autopack.view(after, "phases").rows
    changes = list(_changes(old, new))
    part = part_of(asked, len(changes), _MOST)
    return LogComparison(
        a=_side(before), b=_side(after), changes=tuple(changes[part.first : part.end]), part=part
    )


def _changes(old: Mapping[str, PhaseView], new: Mapping[str, PhaseView]) -> Iterator[PhaseChange]:
    for key in {**old, **new}:
        was, now = old.get(key), new.get(key)
        if was == now:
            continue
        yield PhaseChange(
            phase=key,
            before=None if was is None else was.status.value,
            after=None if now is None else now.status.value,
            attempts_before=0 if was is None else was.attempts,
            attempts_after=0 if now is None else now.attempts,
            reason=None if now is None else now.reason,
        )


def _side(log: "Log") -> LogSide:
    states = autopack.view(log, "phases", with_rows=False).total.by_state()
    work = autopack.view(log, "attempts", with_rows=False).total.all
    head = log.head().position
    last = next(iter(log.read_all(after=head - 1, limit=1)), None) if head else None
    return LogSide(
        position=head,
        recorded_at=None if last is None else last.recorded_at,
        occurred_at=None if last is None else last.occurred_at,
        phases=sum(states.values()),
        phases_by_state=states,
        attempts=work.attempts,
        total=UsageRow(use=work.use),
    )
