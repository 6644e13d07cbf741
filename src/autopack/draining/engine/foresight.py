"""What the attempts that a drain has in work will still use, looked at while they are."""

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from autopack.draining.attempts.attempt import LiveAttempt
from autopack.errors import LeaseLostError
from autopack.log.command_handler import Handler
from autopack.ports.log import Recorded
from autopack.prediction.newest_attempts import ENDS, newest_attempts
from autopack.prediction.running.alarm_policy import AlarmPolicy
from autopack.prediction.running.remaining_use import EndedAttempts, amounts_of
from autopack.projections.attempt_row import AttemptRow
from autopack.values.ids import PhaseRef


class Foresight:
    """
    Says of attempts in work what they will still use, by those that ended.

    Nothing is read before somebody asks; from then on it is kept up to date. For the thread that
    touches the log, but for :meth:`ask`.

    Args:
        alarm: What becomes of those that are past what almost all like them used.
    """

    def __init__(self, handler: Handler, alarm: AlarmPolicy | None = None) -> None:
        self._handler, self._alarm = handler, alarm
        self._is_asked = alarm is not None
        self._past: EndedAttempts | None = None
        self._read_to = 0

    def ask(self) -> None:
        """Have attempts in work looked at from now on; any thread."""
        self._is_asked = True

    def hear(self, events: Sequence[Recorded[Any]]) -> None:
        """Learn from the attempts that ended."""
        for recorded in events:
            event = recorded.event
            is_end = isinstance(event, ENDS) and event.attempt is not None
            if is_end and self._past is not None and recorded.position > self._read_to:
                ref = PhaseRef(event.run_id, event.phase_id)
                self._past.learn(self._handler.attempt(ref, event.attempt))

    def look(self, lives: Iterable[LiveAttempt]) -> None:
        """Say of each attempt what it will still use, in tokens or else in seconds."""
        if not self._is_asked:
            return
        if self._past is None:
            journal = self._handler.journal
            self._read_to = journal.backend.head().position
            self._past = newest_attempts(journal, until=self._read_to)
        for live in lives:
            row, took_s = live.account, live.elapsed_s
            live.remaining = tuple(self._past.all_remaining(row, took_s))
            if self._alarm is not None and live.is_watched and live.alarm is None:
                self._judge(live, row, took_s, self._alarm, self._past)

    def _judge(
        self,
        live: LiveAttempt,
        row: AttemptRow,
        took_s: float,
        policy: AlarmPolicy,
        past: EndedAttempts,
    ) -> None:
        """Raise an alarm if an attempt is past its limit, and nobody has let it go on."""
        used = amounts_of(row.use, took_s).get(policy.measure)
        limit = past.limit(row, policy.measure, policy.tau)
        if used is None or limit is None or used <= limit.amount:
            return
        alarm = self._handler.known_phase(live.ref)[1].state.alarm
        if alarm == "heard" or (alarm == "raised" and policy.act == "note"):
            return
        with contextlib.suppress(LeaseLostError):  # whoever has it now looks at it
            live.raise_alarm(policy, used, limit)
