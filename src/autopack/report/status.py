"""How a log stands, as text: identity, counts, who works on what, what failed, what to do next."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from autopack.aggregates.order import Stuck
from autopack.events import CapAsked
from autopack.prediction.running.remaining_use import RemainingUse
from autopack.report.account_text import LaneWait, WindowUse, limit_line, wait_line
from autopack.report.drain_summary import DrainSummary, drain_line
from autopack.report.escaping import in_code, in_markdown, on_line
from autopack.report.failure_words import failure_words, kind_words
from autopack.report.progress_rate import per_minute
from autopack.report.quantities import count, moment, usd
from autopack.report.remaining_text import used_line
from autopack.report.stuck_phases import stuck_lines
from autopack.values.money import ZERO, Usd

_SHOWN: Final = 5
_PROGRAM: Final = "command"


@attrs.frozen(kw_only=True)
class LiveWorker:
    """
    A phase that a worker holds.

    Args:
        is_expired: Whether its lease has ended.
        calls, total_tokens: What its attempt used so far.
        remaining: What it will still use, by measure; empty where too little is known.
    """

    phase: str
    worker: str | None
    step: str | None = None
    since: datetime | None = None
    deadline: datetime | None = None
    is_expired: bool = False
    calls: int = 0
    total_tokens: int = 0
    remaining: tuple[RemainingUse, ...] = ()


@attrs.frozen(kw_only=True)
class Halted:
    """A phase that stands still until a person does something, and why."""

    phase: str
    state: str
    code: str | None = None
    message: str | None = None
    at: datetime | None = None


@attrs.frozen(kw_only=True)
class FailureGroup:
    """Failures that are alike: how many phases stand still because of them, and one of these."""

    fingerprint: str
    n: int
    example: str


@attrs.frozen(kw_only=True)
class Pace:
    """
    How fast attempts ended lately.

    Args:
        ended: Attempts that ended within ``seconds``.
        completed: How many of them went well.
        expected_end: When the queue would be empty at this pace; None if nobody is at work.
    """

    ended: int
    completed: int
    seconds: float
    expected_end: datetime | None = None


@attrs.frozen(kw_only=True)
class Status:
    """
    A log at one moment.

    Args:
        at: When this was asked; or as of when, if *is_past*: leases are no history, so whether a
            worker was alive then is not known.
        drains: The drains that some process works on.
        failures: Phases that failed, timed out or were rejected last and were not taken up again,
            newest first.
        gates: Phases that wait for a decision, newest first.
        unmerged: Phases whose work a person approved, and that is not merged, with why.
        asked_caps: What is asked of the owners of caps, oldest first: work waits for the answers.
        dead_letters: How many phases failed or timed out for good, or were rejected: nothing takes
            them up again but a requeue.
        failure_groups: The kinds of failures among the last of them, largest first.
        stuck: Queued phases that no drain can ever take, because of what they come after.
        is_held: Whether no drain could take any of the queued phases as things stand.
        paused: Then, the paused runs among those that they are of.
        waits: Lanes of accounts that are waited for; what is queued may be meant for others.
        limits: Windows of accounts as they were told of last, but for those that started anew.
        pace: How fast attempts ended lately; None where none did.
        total_tokens: Over all calls, late ones included.
        output_tokens: Likewise; only what was reported.
        inferred_output_tokens: How many of these nobody measured: somebody guessed the split.
        samples: Attempts and imported pairs whose prediction was met by a measurement.
        samples_won: Those of them that completed.
        is_calibrated: Whether estimates go by what a calibration taught.
        last_drain: The drain that was started last, if that was not long ago.
    """

    target: str
    log_id: str
    parent: tuple[str, int, str] | None
    at: datetime
    events: int
    last_event_at: datetime | None
    runs: int
    runs_implied: int
    phases_by_state: Mapping[str, int]
    live: tuple[LiveWorker, ...] = ()
    drains: tuple[DrainSummary, ...] = ()
    failures: tuple[Halted, ...] = ()
    gates: tuple[Halted, ...] = ()
    unmerged: tuple[Halted, ...] = ()
    asked_caps: tuple[CapAsked, ...] = ()
    dead_letters: int = 0
    failure_groups: tuple[FailureGroup, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    is_held: bool = False
    paused: tuple[str, ...] = ()
    waits: tuple[LaneWait, ...] = ()
    limits: tuple[WindowUse, ...] = ()
    pace: Pace | None = None
    calls: int = 0
    late_calls: int = 0
    total_tokens: int = 0
    output_tokens: int = 0
    inferred_output_tokens: int = 0
    cost_usd: Usd = ZERO
    calls_without_cost: int = 0
    calls_without_total: int = 0
    estimates: int = 0
    samples: int = 0
    samples_won: int = 0
    is_calibrated: bool = False
    last_drain: DrainSummary | None = None
    is_past: bool = False

    @property
    def phases(self) -> int:
        """How many phases the log holds."""
        return sum(self.phases_by_state.values())


def next_steps(status: Status) -> list[str]:
    """Return commands to type next, most useful first; each can be pasted as it stands."""
    if status.is_past:
        return []
    return list(_steps(status, f"autopack --log {shlex.quote(status.target)}"))


def status_json(status: Status) -> dict[str, Any]:
    """Return the status as JSON-simple values."""
    fields = attrs.asdict(status, value_serializer=_simple)
    return {**fields, "phases": status.phases, "next_steps": next_steps(status)}


def status_text(status: Status) -> str:
    """Return the status for a terminal."""
    lines = [f"{name:<8} {text}" for name, text in _facts(status)]
    for title, found in _lists(status):
        lines += ["", f"{title}:", *(f"  {line}" for line in found)]
    return "\n".join(map(on_line, lines))


def status_markdown(status: Status) -> str:
    """Return the status as Markdown."""
    facts = (f"- {name}: {in_markdown(text)}" for name, text in _facts(status))
    lines = ["# Autopack status", "", *facts]
    for title, found in _lists(status):
        shown = in_code if title == "Next" else in_markdown
        lines += ["", f"## {title}", "", *(f"- {shown(line)}" for line in found)]
    return "\n".join(lines)


def unmerged_lines(found: Sequence[Halted]) -> list[str]:
    """Return a line for each approved phase that is not merged; a sweep says what to type."""
    shown = [f"{one.phase}: {one.message}" for one in found[:_SHOWN]]
    more = len(found) - _SHOWN
    return [*shown, f"and {more:,} more"] if more > 0 else shown


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    yield "log", f"{status.target} (log_id {status.log_id})"
    if status.is_past:
        yield "as of", f"{_time(status.at, _today(status))}; who was alive then is not kept"
    if status.parent is not None:
        yield "parent", f"{status.parent[0]} up to position {status.parent[1]}"
    last = _time(status.last_event_at, _today(status))
    yield "events", f"{status.events:,}" + (f", last recorded {last}" if last else "")
    implied = f", {status.runs_implied} more only named by events" if status.runs_implied else ""
    yield "runs", f"{status.runs:,}{implied}"
    states = ", ".join(f"{n:,} {state}" for state, n in status.phases_by_state.items())
    yield "phases", f"{status.phases:,}" + (f": {states}" if states else "")
    late = f", {status.late_calls} late" if status.late_calls else ""
    yield "usage", f"{count(status.calls, 'call')}{late}; {_tokens(status)}; {_cost(status)}"
    if status.is_calibrated:
        won = f"{status.samples_won:,} of them completed"
        yield "learnt", f"{count(status.samples, 'output')} measured, {won}"
    if status.is_held:
        yield "held", _held(status)
    for wait in status.waits:
        yield "waits", wait_line(wait, status.at)
    for limit in status.limits:
        yield "limit", limit_line(limit, status.at)
    if status.pace is not None:
        yield "pace", _pace(status.pace, _today(status))
    if status.dead_letters:
        yield "failed", f"{count(status.dead_letters, 'phase')} failed for good: requeue, or skip"


def _lists(status: Status) -> Iterator[tuple[str, list[str]]]:
    if status.drains:
        at_work = {worker.worker for worker in status.live}
        yield "Drains at work", [drain_line(drain, at_work) for drain in status.drains]
    if status.live:
        yield "Working now", [*_workers(status)]
    if status.gates or status.asked_caps:
        asked = [f"cap of {cap.scope}: {cap.why}" for cap in status.asked_caps]
        gates = [_halted(gate, _today(status)) for gate in status.gates]
        yield "Waiting for a decision", [*gates, *asked]
    if status.unmerged:
        yield "Approved, and not merged", unmerged_lines(status.unmerged)
    if status.stuck:
        yield "Can never be taken", stuck_lines(status.stuck)
    if status.failures:
        yield "Last failures", [_halted(failure, _today(status)) for failure in status.failures]
    if status.failure_groups:
        yield "Kinds of failures", [_group(group) for group in status.failure_groups]
    if not status.is_past:
        yield "Next", next_steps(status)


def _steps(status: Status, command: str) -> Iterator[str]:
    states = status.phases_by_state
    if not status.phases and not status.estimates:
        yield f"{command} run create RUN --phases FILE"
        yield f"{command} import KIND PATH"
        return
    for stuck in status.stuck[:1]:
        yield f"{command} {stuck.remedy}"
    for run in status.paused[:1]:
        yield f"{command} run resume {shlex.quote(run)}"
    for drain in status.drains:
        if drain.paused is not None:
            yield f"{command} drain resume --drain {shlex.quote(drain.drain_id)}"
    is_left = states.get("QUEUED") or states.get("SUBMITTED")  # with a provider, to be asked for
    may_drain = not status.drains and is_left and not status.is_held
    if may_drain or any(worker.is_expired for worker in status.live):
        yield f"{command} drain {_again(status.last_drain)}"
    for gate in status.gates[:1]:
        yield f"{command} phase approve {shlex.quote(gate.phase)}"
    if status.unmerged:
        yield f"{command} workspaces sweep"
    for cap in status.asked_caps[:1]:
        scope = shlex.quote(cap.scope)
        yield f"{command} cap approve {scope} --raise {cap.unit}=N"
    for failure in status.failures[:1]:
        run, _, phase = failure.phase.partition("/")
        yield f"{command} history {shlex.quote(run)} {shlex.quote(phase)}"
        alike = f"{shlex.quote(run)} --failed" if status.dead_letters > 1 else None
        yield f"{command} phase requeue {alike or shlex.quote(failure.phase)}"
    if status.calls:
        yield f"{command} usage"
    if status.samples and status.is_calibrated:  # who never calibrates need not know
        yield f"{command} calibrate"
    yield f"{command} log verify"


def _again(last: DrainSummary | None) -> str:
    """Return the options by which a drain goes on with what is queued."""
    if last is not None and (last.is_broken_off or last.executor == _PROGRAM):
        return "--resume"
    name = "" if last is None else last.executor or ""
    return f"--executor {shlex.quote(name) if '.py:' in name else 'NAME'}"


def _workers(status: Status) -> Iterator[str]:
    for worker in status.live:
        yield _worker(worker, _today(status))
        if worker.calls or worker.remaining:
            yield f"  {used_line(worker.calls, worker.total_tokens, worker.remaining)}"


def _worker(worker: LiveWorker, now: datetime) -> str:
    parts = [f"{worker.phase} by {worker.worker or 'an unknown worker'}"]
    if worker.step:
        parts.append(f"at {worker.step!r}")
    if worker.since:
        parts.append(f"since {_time(worker.since, now)}")
    if worker.deadline:
        parts.append(f"until {_time(worker.deadline, now)} at the latest")
    if worker.is_expired:
        parts.append("its lease has ended: a drain, attempt() or requeue takes the phase back")
    return ", ".join(parts)


def _halted(halted: Halted, now: datetime) -> str:
    at = f"{_time(halted.at, now)} " if halted.at else ""
    words = failure_words(halted.code, halted.message, halted.state)
    return f"{at}{halted.phase} {halted.state}: {words}"


def _held(status: Status) -> str:
    said = "no drain can take any queued phase as things stand"
    if not status.paused:
        return f"{said}: each comes after one that is not done"
    return f"{said}: paused {', '.join(status.paused[:_SHOWN])}"


def _group(group: FailureGroup) -> str:
    return f"{group.n} x {kind_words(group.fingerprint)} (such as {group.example})"


def _pace(pace: Pace, now: datetime) -> str:
    rate = per_minute(pace.ended, pace.seconds)
    parts = [f"{pace.completed} of the last {count(pace.ended, 'attempt')} completed"]
    if rate is not None:
        parts.append(f"{rate:.1f} a minute")
    if pace.expected_end is not None:
        parts.append(f"expected end {_time(pace.expected_end, now)}")
    return ", ".join(parts)


def _tokens(status: Status) -> str:
    if not status.calls_without_total:
        output = f"{status.output_tokens:,} of them output{_guess(status)}"
        return f"{status.total_tokens:,} tokens, {output}"
    unknown = f"the total of {count(status.calls_without_total, 'call')} unknown"
    return f"{status.output_tokens:,} output tokens{_guess(status)}, {unknown}"


def _guess(status: Status) -> str:
    guessed = status.inferred_output_tokens
    if not guessed:
        return ""
    return " (all of it guessed)" if guessed == status.output_tokens else f" ({guessed:,} guessed)"


def _cost(status: Status) -> str:
    known = status.calls - status.calls_without_cost
    if not known:
        return "no cost reported"
    without = status.calls_without_cost
    unknown = f", {count(without, 'call')} without a cost" if without else ""
    return f"{usd(status.cost_usd)} USD reported{unknown}"


def _today(status: Status) -> datetime:
    """Return by what a moment is today's; of a status as of then, none is."""
    return status.at + timedelta(days=2) if status.is_past else status.at


def _time(at: datetime | None, now: datetime) -> str:
    return moment(at, now) if at else ""


def _simple(_instance: Any, _field: Any, value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
