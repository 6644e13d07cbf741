"""The attempts at a phase as strategies see them, read from the log's account of use."""

from autopack.log.command_handler import Handler
from autopack.log.journal import END
from autopack.ports.drain import PastAttempt
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import attempt_key
from autopack.values.ids import PhaseRef


def past_attempts(
    handler: Handler, ref: PhaseRef, number: int, until: int = END
) -> tuple[PastAttempt, ...]:
    """
    Return the attempts at a phase up to the given number, in order.

    Args:
        until: The position up to which the log is read, whoever knows more of it by now.
    """
    attempts = handler.attempts_until(ref, until) if number else {}
    keys = ((attempt_key(ref.run_id, ref.phase_id, n), n) for n in range(1, number + 1))
    return tuple(past_attempt(attempts.get(key) or AttemptRow(position=0), n) for key, n in keys)


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
