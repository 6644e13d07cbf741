"""An attempt that is past what almost all like it used: told once, and ended if it is to be."""

from autopack.draining.attempts.held_streams import held_stream
from autopack.events import PhaseAlarmed
from autopack.log.command_handler import Handler
from autopack.ports.log import Entry
from autopack.prediction.running.alarm_policy import AlarmPolicy
from autopack.prediction.running.remaining_use import Limit, RemainingUse
from autopack.report.remaining_text import amount_words
from autopack.values.ids import PhaseRef, phase_stream


class Alarming:
    """
    What is said of an attempt in work while it is looked at; part of a ``LiveAttempt``.

    Attributes:
        is_watched: Whether its executor is at work, so that it may use more.
        remaining: What it will still use, by measure.
        alarm: What it is to be ended for; None as long as it may go on.
        calls_over_alarm: How many calls it recorded since.
    """

    ref: PhaseRef
    number: int
    lease_token: str
    _handler: Handler
    is_watched: bool = False
    remaining: tuple[RemainingUse, ...] = ()
    alarm: PhaseAlarmed | None = None
    calls_over_alarm: int = 0

    def raise_alarm(self, policy: AlarmPolicy, used: float, limit: Limit) -> None:
        """
        Record that the attempt is past a limit, once a phase, and end it where the policy says so.

        A phase that a person let go on is not alarmed again. One that was alarmed before, and never
        got as far as its end, is ended without a second event.

        Raises:
            LeaseLostError: The phase is not this worker's any more; nothing is recorded.
        """
        alarm = PhaseAlarmed(
            run_id=self.ref.run_id,
            phase_id=self.ref.phase_id,
            attempt=self.number,
            lease_token=self.lease_token,
            measure=policy.measure,
            used=used,
            predicted=limit.amount,
            tau=policy.tau,
            policy=policy.act,
            like=limit.like,
            known=limit.known,
            why=_why(policy, used, limit),
        )

        def build() -> list[Entry]:
            version, stream = held_stream(self._handler, self.ref, self.lease_token)
            events = [alarm] if stream.state.alarm is None else []
            return [(phase_stream(self.ref.run_id, self.ref.phase_id), events, version)]

        if self._handler.known_phase(self.ref)[1].state.alarm is None:
            self._handler.append(build)
        if policy.act != "note":
            self.alarm = alarm


def _why(policy: AlarmPolicy, used: float, limit: Limit) -> str:
    so_far, most = (amount_words(policy.measure, amount) for amount in (used, limit.amount))
    return (
        f"It used {so_far}; {100 * policy.tau:g} % of the {limit.known:,} like it ({limit.like}) "
        f"that ended well used {most} at most."
    )
