"""What became of runs: done, cost, failures by kind, what waits, and what to type next."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from autopack.api.caps import get_caps
from autopack.api.log_status import status
from autopack.api.usage_table import usage
from autopack.api.views import view
from autopack.errors import AutopackError, InvalidInputError, PluginError, RunMissingError
from autopack.log.log import Log, journal_of, registry_of
from autopack.log.past_backend import is_past
from autopack.ports.log import from_us
from autopack.ports.states import LIVE, PhaseStatus
from autopack.ports.work import PhaseView, RunView
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.phases import FAILED_STATES
from autopack.projections.use_groups import UsageRow, regrouped, total_of
from autopack.report.account_text import wait_line
from autopack.report.failure_kinds import FailureKind, failure_kinds
from autopack.report.failure_words import one_line
from autopack.report.quantities import count, moment
from autopack.report.run_report import CapLine, RunLine, RunsReport, report_sheet
from autopack.report.sheet import sheet_html, sheet_text
from autopack.report.status import Halted, Status, next_steps
from autopack.report.stuck_phases import stuck_lines

_DAY: Final = timedelta(days=1)
_LISTED_MOST: Final = 10
_KINDS_MOST: Final = 20
_STEPS_MOST: Final = 3


def report_runs(
    log: Log, runs: Sequence[str] | str = (), *, since: datetime | None = None
) -> RunsReport:
    """
    Say what became of runs: how much is done and what it cost, what failed and why, what waits.

    Args:
        runs: Their ids; none is every run that something happened in since *since*.
        since: Only what happened from this aware moment on; None is from the beginning of the
            runs that are named, else the last 24 hours.

    Raises:
        RunMissingError: There is no such run.
        InvalidInputError: The moment has no time zone.
    """
    named = (runs,) if isinstance(runs, str) else tuple(runs)
    now = from_us(journal_of(log).now_us())
    if not named and since is None:
        since = now - _DAY
    return _Gathered(log, named, since, now).report()


def send_report(log: Log, report: RunsReport, address: str) -> bool:
    """
    Send a report where a plugin can, and return whether it arrived.

    Args:
        address: Of a kind that a plugin knows; ``autopack-notify`` sends to ``https://``,
            ``ntfy://HOST/TOPIC``, ``mailto:`` and ``smtp://``.

    Raises:
        InvalidInputError: No plugin knows such addresses, or this one cannot be used.
        PluginError: The plugin that knows it failed.
    """
    sheet = report_sheet(report)
    pages = {"title": sheet.title, "text": sheet_text(sheet), "page": sheet_html(sheet)}
    for plugin, answer in registry_of(log).answers(
        "autopack_send_report", address=address, **pages
    ):
        if isinstance(answer, AutopackError):
            raise answer
        if isinstance(answer, BaseException):
            raise PluginError(plugin, f"autopack_send_report failed: {type(answer).__name__}")
        if answer is not None:
            return bool(answer)
    kind = address.partition(":")[0] if ":" in address else ""
    raise InvalidInputError(
        f"No plugin sends reports to addresses of the kind {kind!r}. autopack-notify does to "
        "https://, ntfy://, mailto: and smtp://; install it with: pip install autopack-notify",
        name="address",
        value=kind,
    )


class _Gathered:
    """What is read of a log for a report."""

    def __init__(
        self, log: Log, named: tuple[str, ...], since: datetime | None, now: datetime
    ) -> None:
        self.log, self.since, self.now = log, since, now
        boards: Mapping[str, RunView] = view(log, "runs").rows
        for run_id in named:
            if run_id not in boards:
                raise RunMissingError(run_id, known=boards)
        rows: Mapping[str, PhaseView] = view(log, "phases").rows
        self.used = usage(log, by=("run", "model"), since=since).rows
        touched = named or {
            *(row.run_id for row in rows.values() if self._is_new(row)),
            *(row.group["run"] for row in self.used),
        }
        self.boards = {run_id: boards[run_id] for run_id in boards if run_id in touched}
        self.phases = [row for row in rows.values() if row.run_id in self.boards]
        self.attempts = [
            row
            for row in view(log, "attempts").rows.values()
            if row.run_id in self.boards and self._is_of_time(row)
        ]

    def report(self) -> RunsReport:
        """Return it."""
        log, stands = self.log, status(self.log)
        used = [row for row in self.used if row.group["run"] in self.boards]
        times = [_times(row) for row in self.attempts]
        return RunsReport(
            target=log.target,
            log_id=log.head().log_id,
            position=log.head().position,
            since=self.since,
            at=self.now,
            runs=tuple(self._lines(regrouped(used, ("run",)))),
            began=min((began for began, _ in times if began), default=None),
            ended=max((ended for _, ended in times if ended), default=None),
            silent=sum(row.is_silent for row in self.attempts if row.lease_token),
            worked_s=round(sum(row.duration_s or 0.0 for row in self.attempts), 3),
            models=tuple(regrouped(used, ("model",))),
            total=total_of(used),
            caps=tuple(self._caps()),
            failures=tuple(self._failures()),
            waits=tuple(self._waits(stands)),
            steps=() if is_past(journal_of(log).backend) else tuple(self._steps(stands)),
        )

    def _lines(self, rows: Sequence[UsageRow]) -> Iterator[RunLine]:
        used = {row.group["run"]: row for row in rows}
        for run_id, board in self.boards.items():
            states: dict[str, int] = {}
            for row in self.phases:
                if row.run_id == run_id:
                    states[row.status.value] = states.get(row.status.value, 0) + 1
            yield RunLine(
                run_id=run_id,
                status=board.outcome or board.status,
                goal=board.goal,
                phases_by_state={s.value: states[s.value] for s in PhaseStatus if s in states},
                use=used.get(run_id, UsageRow(group={"run": run_id})),
            )

    def _caps(self) -> Iterator[CapLine]:
        for run_id, board in list(self.boards.items())[:_LISTED_MOST]:
            for one in get_caps(self.log, run_id) if board.created else ():
                if one.cap is not None:
                    yield CapLine(scope=f"run {run_id}", unit=one.unit, cap=one.cap, used=one.used)

    def _is_of_time(self, row: AttemptRow) -> bool:
        if self.since is None:
            return True
        began, ended = _times(row)
        return (ended or began or self.since) > self.since

    def _is_new(self, phase: PhaseView) -> bool:
        return self.since is None or bool(phase.since and phase.since > self.since)

    def _failures(self) -> list[FailureKind]:
        standing = [one for one in self.phases if self._is_new(one)]
        return failure_kinds(self.attempts, standing)[:_KINDS_MOST]

    def _waits(self, stands: Status) -> Iterator[str]:
        for wait in stands.waits:
            yield wait_line(wait, self.now)
        gates = self._gated()
        for row in gates[:_LISTED_MOST]:
            yield f"{row.key} waits for your decision: {one_line(row.reason or 'no question')}"
        if len(gates) > _LISTED_MOST:
            yield f"{count(len(gates) - _LISTED_MOST, 'more phase')} for your decision"
        yield from (f"{one.phase} is approved; {one.message}" for one in self._unmerged(stands))
        later = [
            row.not_before
            for row in self.phases
            if row.status is PhaseStatus.QUEUED and row.not_before and row.not_before > self.now
        ]
        if later:
            first = ", the first" if len(later) > 1 else ""
            when = moment(min(later), self.now)
            yield f"{count(len(later), 'phase')} put off{first} until {when}"
        for run_id, board in self.boards.items():
            if board.is_paused and not board.outcome:
                yield f"run {run_id} is paused"
        yield from stuck_lines([one for one in stands.stuck if _run_of(one.phase) in self.boards])
        if at_work := sum(row.status in LIVE for row in self.phases):
            yield f"{count(at_work, 'phase')} in work"

    def _steps(self, stands: Status) -> Iterator[str]:
        command = f"autopack --log {shlex.quote(self.log.target)}"
        failed = [row for row in self.phases if row.status in FAILED_STATES]
        for row in failed[-1:]:
            yield f"{command} history {shlex.quote(row.run_id)} {shlex.quote(row.phase_id)}"
        for run_id in list(dict.fromkeys(row.run_id for row in failed))[:_STEPS_MOST]:
            yield f"{command} phase requeue {shlex.quote(run_id)} --failed"
        for row in self._gated()[:_STEPS_MOST]:
            yield f"{command} phase approve {shlex.quote(row.key)}"
        is_queued = any(row.status is PhaseStatus.QUEUED for row in self.phases)
        sweeps = ("workspaces sweep",) if self._unmerged(stands) else ()
        told = ("run resume ", *(("drain ",) if is_queued else ()), *sweeps)
        for step in next_steps(stands):
            if step.removeprefix(f"{command} ").startswith(told):
                yield step
        for run_id in self._answered()[:1]:
            yield f"{command} run outputs {shlex.quote(run_id)} --jsonl -"

    def _unmerged(self, stands: Status) -> list[Halted]:
        return [one for one in stands.unmerged if _run_of(one.phase) in self.boards][:_LISTED_MOST]

    def _gated(self) -> list[PhaseView]:
        return [row for row in self.phases if row.status is PhaseStatus.GATED]

    def _answered(self) -> list[str]:
        done = (row.run_id for row in self.phases if row.status is PhaseStatus.COMPLETE)
        return list(dict.fromkeys(done))


def _times(row: AttemptRow) -> tuple[datetime | None, datetime | None]:
    """Return when an attempt began and ended; None if nobody told."""
    if row.claimed_us is None:
        return None, None
    began = from_us(row.claimed_us)
    return began, None if row.duration_s is None else began + timedelta(seconds=row.duration_s)


def _run_of(phase: str) -> str:
    return phase.partition("/")[0]
