"""The first screen: how the log stands, what needs you, who worked when, what failed."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

import autopack
from autopack.events import LaneOpened, LaneRested, PhaseClaimed
from autopack.log.log import journal_of
from autopack.report.account_text import limit_line, wait_line
from autopack.report.failure_kinds import FailureKind, failure_kinds
from autopack.report.failure_words import failure_words
from autopack.report.quantities import count, moment, usd
from autopack.report.status import Halted, Status, next_steps
from autopack.report.work_timeline import TIMELINE_TYPES, Timeline, timeline_of
from autopack.types import CapUse, RunView
from autopack.values.ids import cap_stream
from autopack_web.pages.failures import dearest, failed_work

if TYPE_CHECKING:
    from autopack import Log, Recorded
    from autopack_web.moments import Asked

_LOOK_BACK: Final = 20_000
_CHUNK: Final = 2_000
_LANES: Final = (LaneRested, LaneOpened)
_ATTEMPTS_MOST: Final = 300
_FAILURES_MOST: Final = 300
_KINDS_MOST: Final = 8
_CAPS_MOST: Final = 8
_RUNS_MOST: Final = 8
_NEARLY: Final = 0.8


@attrs.frozen(kw_only=True)
class Need:
    """
    What waits for a person.

    Args:
        kind: In a word or two, for example ``gate``.
        what: Whom or what it is about; *phase* and *run* where it is one.
        why: In words.
    """

    kind: str
    what: str
    why: str
    phase: str | None = None
    run: str | None = None


@attrs.frozen(kw_only=True)
class RunCap:
    """A cap of a run that goes on, with what is used."""

    run: str
    cap: CapUse


@attrs.frozen(kw_only=True)
class Overview:
    """
    How the log stands.

    Args:
        sentence: All of it in one.
        needs: What waits for a person, first what work waits for.
        caps: Of open runs, the fullest first.
        timeline: The last time at work.
        failures: The kinds of the last failures, the dearest first.
        steps: Commands to type next.
    """

    sentence: str
    status: Status
    needs: tuple[Need, ...]
    caps: tuple[RunCap, ...]
    timeline: Timeline
    failures: tuple[FailureKind, ...]
    steps: tuple[str, ...]


def read(log: "Log", asked: "Asked") -> Overview:
    """Return how the log stands; few rows are loaded, whatever it holds."""
    stands = autopack.status(log)
    caps = sorted(_caps(log), key=lambda one: -_share(one.cap))
    since = max(stands.events - _LOOK_BACK, 0)
    failed = failed_work(log, after=since, most=_FAILURES_MOST)
    return Overview(
        sentence=sentence(stands, caps),
        status=stands,
        needs=tuple(needs(stands)),
        caps=tuple(caps[:_CAPS_MOST]),
        timeline=_timeline(log, since, stands),
        failures=tuple(sorted(failure_kinds(*failed), key=dearest)[:_KINDS_MOST]),
        steps=tuple(next_steps(stands)),
    )


def sentence(stands: Status, caps: Sequence[RunCap]) -> str:
    """Return who is at work, what waits for you, what was spent, and when it ends."""
    if not stands.phases and not stands.calls:
        return "Nothing has happened in this log yet."
    states = stands.phases_by_state
    running = sum(states.get(state, 0) for state in ("CLAIMED", "RUNNING", "SUBMITTED"))
    waiting = states.get("GATED", 0) + len(stands.asked_caps)
    parts = [
        f"{count(running, 'phase')} at work" if running else "Nothing is at work",
        f"{waiting:,} {'waits' if waiting == 1 else 'wait'} for you"
        if waiting
        else "nothing waits for you",
        _spent(stands, caps),
    ]
    queued = states.get("QUEUED", 0)
    if stands.pace is not None and stands.pace.expected_end is not None:
        parts.append(f"it ends about {moment(stands.pace.expected_end, stands.at)}")
    elif queued:
        them = "it" if queued == 1 else "them"
        parts.append(f"{queued:,} queued" + ("" if running else f", and nobody takes {them}"))
    return "; ".join(parts) + "."


def _spent(stands: Status, caps: Sequence[RunCap]) -> str:
    if stands.calls == stands.calls_without_cost:
        tokens = f"{stands.total_tokens:,} tokens used"
        return f"{tokens}, their cost not told" if stands.calls else "nothing spent"
    least = "≥ " if stands.calls_without_cost else ""
    told = f"{least}{usd(stands.cost_usd)} USD spent"
    capped = [one.cap for one in caps if one.cap.unit == "usd"]
    if not capped:
        return told
    used, whole = sum(float(one.used) for one in capped), sum(float(one.cap or 0) for one in capped)
    return f"{told}, {usd(used)} of {usd(whole)} under the caps of open runs"


def needs(stands: Status) -> Iterator[Need]:
    """Yield what waits for a person."""
    for gate in stands.gates:
        yield _of_phase("gate", gate)
    if (more := stands.phases_by_state.get("GATED", 0) - len(stands.gates)) > 0:
        yield Need(kind="gate", what=count(more, "more phase"), why="wait for a decision")
    for cap in stands.asked_caps:
        yield Need(kind="cap", what=f"cap of {cap.scope}", why=cap.why)
    for stuck in stands.stuck:
        yield Need(kind="stuck", what=stuck.phase, why=stuck.why, phase=stuck.phase)
    for worker in stands.live:
        if worker.is_expired:
            why = "its lease has ended: a drain, or a requeue, takes it back"
            yield Need(kind="lost worker", what=worker.phase, why=why, phase=worker.phase)
    for run in stands.paused:
        yield Need(kind="paused", what=run, why="no phase of it is taken", run=run)
    for drain in stands.drains:
        if drain.paused is not None:
            yield Need(kind="paused", what=f"drain {drain.drain_id}", why=drain.paused)
    for one in stands.unmerged:
        yield _of_phase("not merged", one)
    for wait in stands.waits:
        yield Need(kind="limit", what=wait.account, why=wait_line(wait, stands.at))
    for limit in stands.limits:
        if limit.utilization is not None and limit.utilization >= _NEARLY:
            yield Need(kind="limit", what=limit.account, why=limit_line(limit, stands.at))


def _of_phase(kind: str, one: Halted) -> Need:
    why = one.message or "no question" if kind == "gate" else failure_words(one.code, one.message)
    return Need(kind=kind, what=one.phase, why=why, phase=one.phase)


def _timeline(log: "Log", since: int, stands: Status) -> Timeline:
    """
    Return the last time at work after a position.

    Events are read backwards, up to the claims of as many attempts as are shown: of those before
    only the claims are counted, and what lanes rested is told.
    """
    after, claims = stands.events, 0
    found: list[Recorded[Any]] = []
    while after > since and claims < _ATTEMPTS_MOST:
        until, after = after, max(after - _CHUNK, since)
        part = list(log.read_all(after=after, until=until, types=TIMELINE_TYPES))
        claims += sum(isinstance(one.event, PhaseClaimed) for one in part)
        found = part + found
    journal = journal_of(log)
    lanes, (claimed,) = journal.codec.names_of(_LANES), journal.codec.names_of((PhaseClaimed,))
    rows = [
        row
        for page in journal.pages(after=since, until=after, types=(*lanes, claimed))
        for row in page
    ]
    rested = journal.decode([row for row in rows if row[4] != claimed])
    shown = timeline_of([*rested, *found], stands.at, most=_ATTEMPTS_MOST, is_last=True)
    before = sum(row[4] == claimed for row in rows)
    return attrs.evolve(shown, left_off=shown.left_off + before)


def _caps_of(run: RunView) -> str:
    return cap_stream(f"run-{run.run_id}")


def _share(one: CapUse) -> float:
    return float(one.used) / float(one.cap or 1)


def _caps(log: "Log") -> Iterator[RunCap]:
    rows = autopack.view(log, "runs").rows.values()
    going = [row for row in rows if row.created and row.outcome is None]
    some = sorted(going, key=lambda row: -row.order)[:_RUNS_MOST]
    changed = journal_of(log).backend.stream_versions([_caps_of(row) for row in some])
    for row in some:
        if not (row.caps or changed.get(_caps_of(row))):
            continue  # a run that never had any need not be read
        for one in autopack.get_caps(log, row.run_id):
            if one.cap is not None:
                yield RunCap(run=row.run_id, cap=one)
