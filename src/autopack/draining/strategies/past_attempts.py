"""The attempts at a phase as strategies see them, read from the log's account of use."""

from autopack.log.command_handler import Handler
from autopack.ports.drain import PastAttempt
from autopack.projections.attempt_row import AttemptRow
from autopack.values.ids import PhaseRef


def past_attempts(handler: Handler, ref: PhaseRef, number: int) -> tuple[PastAttempt, ...]:
    """Return the attempts at a phase up to the given number, in order."""
    return tuple(past_attempt(handler.attempt(ref, n), n) for n in range(1, number + 1))


def past_attempt(row: AttemptRow, number: int) -> PastAttempt:
    """Return what strategies see of an attempt."""
    is_priced = row.use.calls > row.use.calls_without_cost
    return PastAttempt(
        number=number,
        model=row.claimed_model,
        executor=row.executor,
        ending=row.ending,
        failure_class=row.failure_class,
        reason_code=row.reason_code,
        message=row.message,
        verdict=row.verdict,
        cost_usd=row.use.cost_usd if is_priced else None,
        calls=row.use.calls,
        output_tokens=row.use.output_tokens or 0,
    )
