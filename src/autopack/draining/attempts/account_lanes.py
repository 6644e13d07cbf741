"""The lanes of a drain's account: who is let in, what a refusal closes, and what opens it."""

from datetime import datetime, timedelta
from typing import Final

import attrs

from autopack.aggregates import account as accounts
from autopack.aggregates.account import AccountState, Rest, lane_of
from autopack.aggregates.phase import holds
from autopack.aggregates.requests import Entering, Refused
from autopack.events import (
    LimitReported,
    PhaseCompleted,
    PhaseEvent,
    PhaseFailed,
    PhaseGated,
    PhaseSubmitted,
)
from autopack.log.command_handler import Handler
from autopack.ports.log import Entry, from_us
from autopack.projections.attempt_row import AttemptRow
from autopack.values.ids import PhaseRef, account_stream

_LOOKS_AGAIN: Final = timedelta(seconds=1)
_OF_THE_WORK: Final = frozenset({"truncated", "boundary", "refused", "validation", "check_failed"})
"""Classes of failures that only who was answered meets with."""


@attrs.frozen(kw_only=True)
class Closed:
    """A lane that lets nobody in: when to look again, and its rest."""

    until: datetime
    rest: Rest


class AccountLanes:
    """
    Keeps to what the log says of one account, and adds what attempts find out.

    What lets an attempt in, or tells of its end, is appended in the batch of its claim or its end,
    under the version of the account's stream: of two who want to probe a lane, one does. What a
    method returns as entries is to be built within :meth:`Handler.append`.

    Moments that a clock recorded which is ahead, or that are far off since ours was set back, count
    from when they are first seen.

    Args:
        name: The account.
        leave: What share of each window is left to others; None is nothing.
    """

    def __init__(self, handler: Handler, name: str, *, leave: float | None = None) -> None:
        self.name = name
        self._handler, self._leave = handler, leave
        self._seen: dict[tuple[str, datetime], datetime] = {}
        self.closed(self._now())  # reads the account's stream, which none of its askers waits for

    @property
    def state(self) -> AccountState:
        """What is known of the account."""
        return self._handler.known_account(self.name)[1]

    def entering(self, ref: PhaseRef, model: str | None, token: str) -> list[Entry]:
        """
        Return the entries that let an attempt in, as a probe where its lane has rested.

        Raises:
            LaneRestingError: It is not to be made.
        """
        version, state = self._handler.known_account(self.name)
        now = self._now()
        waited = frozenset(
            (lane, rest.until)
            for lane, rest in state.rests.items()
            if self._due(lane, rest.until, rest.wait_s, now) <= now
        )
        request = Entering(
            account=self.name,
            model=lane_of(model),
            run_id=ref.run_id,
            phase_id=ref.phase_id,
            lease_token=token,
            now=now,
            waited=waited,
            probing=frozenset(self._probing(state)),
        )
        return [(account_stream(self.name), accounts.decide(request, state), version)]

    def ending(self, event: PhaseEvent, row: AttemptRow, refused: Refused | None) -> list[Entry]:
        """Return the entries that follow of an attempt's end."""
        if refused is not None:
            version, state = self._handler.known_account(self.name)
            return [(account_stream(self.name), accounts.decide(refused, state), version)]
        return self.answering(row.lease_token or "") if _was_answered(event, row) else []

    def answering(self, token: str) -> list[Entry]:
        """Return the entries that follow of an attempt's being answered; none in most cases."""
        version, state = self._handler.known_account(self.name)
        events = accounts.answered(self.name, token, state)
        return [(account_stream(self.name), events, version)] if events else []

    def probes_since(self, token: str) -> datetime | None:
        """Return since when a lane is closed that an attempt probes; None if it probes none."""
        rests = self.state.rests.values()
        since = [r.closed_at for r in rests if r.probe and r.probe.lease_token == token]
        return min(since, default=None)

    def report(self, report: LimitReported) -> None:
        """Record what was told of a window, if that is news."""

        def build() -> list[Entry]:
            version, state = self._handler.known_account(self.name)
            return [(account_stream(self.name), accounts.decide(report, state), version)]

        if accounts.decide(report, self.state):
            self._handler.append(build)

    def look(self) -> None:
        """
        Let lanes rest of which less is left than is to be left to others.

        Reads what :meth:`closed` needs, which then asks nothing of the log.
        """
        leave, now = self._leave, self._now()
        self.closed(now)
        if leave is None or not accounts.left_alone(self.name, leave, now, self.state):
            return

        def build() -> list[Entry]:
            version, state = self._handler.known_account(self.name)
            events = accounts.left_alone(self.name, leave, now, state)
            return [(account_stream(self.name), events, version)]

        self._handler.append(build)

    def closed(self, now: datetime) -> dict[str, Closed]:
        """Return the lanes that let nobody in now, by model; an empty text is the whole account."""
        state, found = self.state, {}
        probing = self._probing(state) if state.rests else set()
        for lane, rest in state.rests.items():
            until = self._due(lane, rest.until, rest.wait_s, now)
            probe = rest.probe
            if probe is not None and probe.lease_token in probing:
                until = min(probe.until, now + _LOOKS_AGAIN)
            if until > now:
                found[lane] = Closed(until=until, rest=rest)
        return found

    def _probing(self, state: AccountState) -> set[str]:
        """Return the tokens of those probes that are at work."""
        probes = [rest.probe for rest in state.rests.values() if rest.probe is not None]
        return {
            probe.lease_token
            for probe in probes
            if holds(
                self._handler.known_phase(PhaseRef.parse(f"{probe.run_id}/{probe.phase_id}"))[
                    1
                ].state,
                probe.lease_token,
            )
        }

    def _due(self, lane: str, until: datetime, wait_s: float, now: datetime) -> datetime:
        """Return when a rest is over: never longer than it was meant, from when it is seen."""
        due = min(self._seen.get((lane, until), until), now + timedelta(seconds=wait_s))
        self._seen[lane, until] = due
        return due

    def _now(self) -> datetime:
        return from_us(self._handler.journal.now_us())


def _was_answered(event: PhaseEvent, row: AttemptRow) -> bool:
    if isinstance(event, PhaseSubmitted | PhaseCompleted | PhaseGated):
        return True
    is_of_it = isinstance(event, PhaseFailed) and event.failure_class in _OF_THE_WORK
    return is_of_it or (isinstance(event, PhaseFailed) and row.use.calls > 0)
