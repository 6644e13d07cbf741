"""Which phases may be claimed now, kept up to date event by event, and why the others may not."""

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import datetime
from typing import Any

from autopack.aggregates.order import Stuck, find_stuck
from autopack.draining.queue.hold_reasons import Held, HeldBy
from autopack.draining.queue.offered_resources import Needs, Offers
from autopack.draining.queue.own_holds import OwnHolds
from autopack.draining.queue.touched_files import meeting
from autopack.draining.strategies.ordered_phases import Place, Shelf
from autopack.log.journal import Journal
from autopack.log.views import Follower, LiveView
from autopack.ports.states import BEGUN, LIVE, PhaseStatus
from autopack.ports.work import PhaseView, RunView
from autopack.projections.phases import DONE_STATES, FAILED_STATES, PHASES, BoardTotal
from autopack.projections.runs import RUNS


class Admission:
    """
    Follows the log and sorts the phases in scope into ready, waiting and held.

    What it does for an event does not depend on how many phases there are. ``submitted`` are the
    phases in scope that providers have, by key. How all stand follows from the log up to the
    follower's position, from ``looked_at``, and from ``holds``.

    Args:
        worker: Who works here; what others do takes nothing of what is offered.
        offers: What there is for phases that require something; None lets all of them go.
    """

    def __init__(
        self,
        journal: Journal,
        is_in_scope: Callable[[PhaseView], bool],
        *,
        run_id: str | None = None,
        worker: str | None = None,
        offers: Offers | None = None,
    ) -> None:
        self._phases, self._runs = LiveView(journal, PHASES, run_id=run_id), LiveView(journal, RUNS)
        self.follower = Follower(
            journal, position=0, listeners=[self._runs.hear, self._phases.hear]
        )
        self._is_in_scope = is_in_scope
        self._ready, self._failed = Shelf(), Shelf()
        self._tried: Container[str] = ()
        self._waiting: dict[str, Held] = {}
        self._backing_off: dict[str, datetime] = {}
        self._live: dict[str, PhaseView] = {}
        self.submitted: dict[str, PhaseView] = {}
        self._newly_submitted: dict[str, None] = {}
        self._dependents: dict[str, set[str]] = {}
        self._touching: dict[str, set[str]] = {}
        self._needs = Needs(worker, offers)
        self.holds = OwnHolds()
        self.looked_at: datetime
        self._new_reasons: dict[str, Held] = {}
        self._is_first = True

    @property
    def ready(self) -> Shelf:
        """The phases that may be claimed now."""
        return self._ready

    @property
    def failed(self) -> Shelf:
        """The phases that failed or ran out of time, but not in this drain, and may be retried."""
        return self._failed

    @property
    def live(self) -> dict[str, PhaseView]:
        """The phases in scope that a worker holds, here or elsewhere, by key."""
        return self._live

    def take_submitted(self) -> Iterable[str]:
        """Return the keys of submitted phases that came, or changed, since the last call."""
        fresh, self._newly_submitted = self._newly_submitted, {}
        return fresh

    @property
    def n_waiting(self) -> int:
        """How many queued phases may not be claimed yet."""
        return len(self._waiting)

    @property
    def n_queued(self) -> int:
        """How many phases are queued, whether or not they may be claimed."""
        return len(self._ready) + len(self._waiting)

    @property
    def n_backing_off(self) -> int:
        """How many queued phases wait for nothing but a moment."""
        return len(self._backing_off)

    @property
    def reasons(self) -> dict[str, Held]:
        """Why each waiting phase may not be claimed, by key."""
        return self._waiting

    @property
    def next_ready_at(self) -> datetime | None:
        """When the first waiting phase becomes ready by time alone."""
        return min(self._backing_off.values(), default=None)

    @property
    def has_put_off(self) -> bool:
        """Whether phases are put off."""
        return bool(self.holds.put_off)

    @property
    def runs(self) -> dict[str, RunView]:
        """The runs by id."""
        return self._runs.rows

    @property
    def total(self) -> BoardTotal:
        """Phases by state and run."""
        total: BoardTotal = self._phases.total
        return total

    def row(self, key: str) -> PhaseView | None:
        """Return a phase as it stands."""
        return self._phases.rows.get(key)

    def coming_after(self) -> list[PhaseView]:
        """Return the queued phases that wait for nothing but phases before them."""
        waiting = (self._phases.rows[key] for key in self._waiting)
        return [row for row in waiting if self._waiting[row.key].by is HeldBy.PREDECESSOR]

    def stuck(self) -> list[Stuck]:
        """Return the phases in scope that can never be taken, because of what they come after."""
        starts: dict[str, list[str]] = {}
        for key in self._waiting:
            row = self._phases.rows[key]
            if row.after:
                starts.setdefault(row.run_id, []).append(row.phase_id)
        after: dict[str, dict[str, tuple[str, ...]]] = {run_id: {} for run_id in starts}
        known: dict[str, list[str]] = {run_id: [] for run_id in starts}
        for row in self._phases.rows.values() if starts else ():
            if row.run_id in starts:
                known[row.run_id].append(row.phase_id)
                if row.status is PhaseStatus.QUEUED:
                    after[row.run_id][row.phase_id] = row.after
        return [
            stuck
            for run_id, names in starts.items()
            for stuck in find_stuck(run_id, after[run_id], set(known[run_id]), starts=names)
        ]

    def is_done(self, key: str) -> bool:
        """Tell whether a phase is complete or skipped, so that others may come after it."""
        row = self.row(key)
        return row is not None and row.status in DONE_STATES

    def leave_out(self, tried: Container[str]) -> None:
        """Count no phase among the failed ones whose key is in *tried*, now or later."""
        self._tried = tried

    def is_ready(self, key: str) -> bool:
        """Tell whether a phase may be claimed now."""
        return self._ready.has(key)

    def standing(self, key: str) -> str:
        """Return in words why a phase is not ready: why it waits, or how it stands."""
        row = self.row(key)
        if row is None:
            return "there is no such phase"
        is_out = "" if self._is_in_scope(row) else ", and the drain is for others"
        held = self._waiting.get(key)
        return f"it is {row.status}{is_out}" if held is None else held.words

    def take_new_reasons(self) -> dict[str, Held]:
        """Return why phases were sorted out since the last call, by key."""
        fresh, self._new_reasons = self._new_reasons, {}
        return fresh

    def hold_run(self, run_id: str, why: str, *, is_told: bool = True) -> None:
        """Let no phase of a run be taken, and say why, if that is to be told."""
        self.holds.runs[run_id] = Held(HeldBy.RUN_HELD, why)
        keys = self._sort_run(run_id)
        for key in () if is_told else keys:
            self._new_reasons.pop(key, None)

    def let_run(self, run_id: str) -> None:
        """Let phases of a run be taken again."""
        self.holds.runs.pop(run_id, None)
        self._sort_run(run_id)

    def refuse_phase(self, phase: PhaseView, why: str, now: datetime) -> None:
        """Take note that a claim was refused: if nothing has changed, it would be again."""
        self.catch_up(now)
        if self.row(phase.key) is phase:
            held = Held(HeldBy.CLAIM_REFUSED, f"its claim is refused: {why}")
            self._refuse(phase.key, held)

    def let_phase(self, key: str) -> None:
        """Let a phase be taken again whose claim was refused."""
        self._sort([key])

    def put_off(self, key: str, why: str, now: datetime) -> None:
        """Let no phase of this key be taken until :meth:`let_put_off`, and say why."""
        self.catch_up(now)
        self.holds.put_off[key] = Held(HeldBy.PUT_OFF, f"it is put off: {why}")
        self._sort([key])

    def let_put_off(self) -> None:
        """Let those that were put off be taken again."""
        keys = list(self.holds.put_off)
        self.holds.put_off.clear()
        self._sort(keys)

    def go_by(self, changes: Mapping[str, Any]) -> None:
        """Hold and let go as another drain did, by what it told of its own holds."""
        for name in sorted(self.holds.go_by(changes, self._phases.rows)):
            if "/" not in name:
                self._sort_run(name)
            elif (held := self.holds.refused.get(name)) is not None:
                self._refuse(name, held)
            else:
                self._sort([name])

    def catch_up(self, now: datetime, head: int | None = None) -> None:
        """
        Read what is new in the log, and let those phases go whose back-off has ended.

        Args:
            head: How far to go the first time; the follower tells everybody what comes after it.
        """
        self.looked_at = now
        if self._is_first:
            self._runs.catch_up(head)
            self._phases.catch_up(head)
            self.follower.position = self._phases.position
        self.follower.catch_up()
        runs, changed = self._runs.take(), set(self._phases.take())
        if self._is_first:
            self._is_first = False
            for key, row in self._phases.rows.items():
                self._learn_dependencies(key, row)
            self._needs.changed(self._phases.rows.items())
            changed |= self._phases.rows.keys()
        else:
            for key in list(changed):
                self._learn_dependencies(key, self._phases.rows[key])
                changed |= self._dependents.get(key, set()) | self._kept_apart(key)
            changed |= self._needs.changed((key, self._phases.rows[key]) for key in list(changed))
            turned = {
                name
                for name, (before, after) in runs.items()
                if before is not None and before.status != after.status
            }
            if turned:
                rows = self._phases.rows.items()
                changed |= {key for key, row in rows if row.run_id in turned}
        changed |= {key for key, at in self._backing_off.items() if self._is_over(key, at, now)}
        self._sort(sorted(changed))

    def _is_over(self, key: str, at: datetime, now: datetime) -> bool:
        """Tell whether to look at a back-off anew: it has ended, or our clock was set back."""
        wait_s = self._phases.rows[key].wait_s
        return at <= now or (wait_s is not None and (at - now).total_seconds() > wait_s)

    def _learn_dependencies(self, key: str, row: PhaseView) -> None:
        for name in row.after:
            self._dependents.setdefault(f"{row.run_id}/{name}", set()).add(key)
        if row.touches:
            self._touching.setdefault(row.run_id, set()).add(key)

    def _kept_apart(self, key: str) -> set[str]:
        """Return the phases that may be let go, or held back, by what becomes of one."""
        row = self._phases.rows[key]
        return self._touching.get(row.run_id, set()) if row.touches else set()

    def _sort_run(self, run_id: str) -> list[str]:
        keys = [key for key, row in self._phases.rows.items() if row.run_id == run_id]
        self._sort(keys)
        return keys

    def _refuse(self, key: str, held: Held) -> None:
        self._forget(key)
        self.holds.refused[key] = self._waiting[key] = self._new_reasons[key] = held

    def _sort(self, keys: Iterable[str]) -> None:
        for key in keys:
            row = self._phases.rows.get(key)
            if row is None or not self._is_in_scope(row):
                continue
            self._forget(key)
            if row.status is not PhaseStatus.QUEUED:
                self.holds.forget_due(key)
            if row.status in LIVE:
                self._live[key] = row
            elif row.status is PhaseStatus.SUBMITTED:
                self.submitted[key] = row
                self._newly_submitted[key] = None
            elif row.status is PhaseStatus.QUEUED:
                self._sort_queued(key, row)
            elif row.status in FAILED_STATES and self._may_retry(key, row):
                self._failed.put(self._place(key, row), row)

    def _sort_queued(self, key: str, row: PhaseView) -> None:
        held = self._why_not(row)
        if held is None:
            self._ready.put(self._place(key, row), row)
            return
        self._waiting[key] = held
        if held.by is HeldBy.BACK_OFF:
            self._backing_off[key] = self.holds.due_at(row, self.looked_at) or self.looked_at
        self._new_reasons[key] = held

    def _place(self, key: str, row: PhaseView) -> Place:
        run = self._runs.rows.get(row.run_id)
        return (run.order if run else row.order, row.index, row.order, key)

    def _forget(self, key: str) -> None:
        self._ready.discard(key)
        self._failed.discard(key)
        self._waiting.pop(key, None)
        self._backing_off.pop(key, None)
        self._live.pop(key, None)
        self.submitted.pop(key, None)
        self.holds.refused.pop(key, None)

    def _may_retry(self, key: str, row: PhaseView) -> bool:
        return key not in self._tried and not (self._why_not_run(row) or self._why_after(row))

    def _why_not(self, row: PhaseView) -> Held | None:
        if held := self._why_not_run(row) or self.holds.put_off.get(row.key):
            return held
        if row.attempts_spent >= row.max_attempts:
            spent = f"{row.attempts_spent} of {row.max_attempts} attempts are spent"
            return Held(HeldBy.ATTEMPTS_SPENT, spent)
        if held := self._why_after(row) or self._needs.why_not(row) or self._why_apart(row):
            return held
        now = self.looked_at
        if (due := self.holds.due_at(row, now)) is not None and due > now:
            return Held.until(due)
        return None

    def _why_not_run(self, row: PhaseView) -> Held | None:
        run = self._runs.rows.get(row.run_id)
        if run is not None and run.status == "PAUSED":
            return Held(HeldBy.RUN_PAUSED, "its run is paused")
        return self.holds.runs.get(row.run_id)

    def _why_after(self, row: PhaseView) -> Held | None:
        for name in row.after:
            key = f"{row.run_id}/{name}"
            if not self.is_done(key):
                stand = f"it comes after {name}, which {_stand_of(self.row(key))}"
                return Held(HeldBy.PREDECESSOR, stand)
        return None

    def _why_apart(self, row: PhaseView) -> Held | None:
        """Return which phase in work touches files that this one does; one at a time has them."""
        for key in self.total.live if row.touches else ():
            other = self._phases.rows[key]
            if other.run_id == row.run_id and (both := meeting(row.touches, other.touches)):
                why = f"it touches {both[0]}, and {other.phase_id}, in work, touches {both[1]}"
                return Held(HeldBy.TOUCHES, why)
        return None


def _stand_of(first: PhaseView | None) -> str:
    """Return how a phase stands for those that wait for it: work in progress is all one."""
    if first is None:
        return "does not exist"
    if first.status is PhaseStatus.QUEUED or first.status in BEGUN:
        return "is not complete yet"
    return f"is {first.status}"
