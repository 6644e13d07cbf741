"""Figures of a recorded call that its source corrected later."""

from typing import Final, Unpack

import attrs

from autopack.errors import InvalidInputError
from autopack.events import LlmUsageAmended
from autopack.events.usage import usage_id
from autopack.handler import handler_of
from autopack.ids import PhaseRef
from autopack.journal import JournalTransaction
from autopack.log import Log
from autopack.ports.log import ANY, NewEvent, Recorded
from autopack.ports.usage import AmendedFigures

_FIGURES: Final = tuple(AmendedFigures.__annotations__)


def amend_usage(
    log: Log,
    *,
    call_id: str,
    provider: str | None = None,
    why: str,
    **figures: Unpack[AmendedFigures],
) -> Recorded[LlmUsageAmended]:
    """
    Record that a call's source gave other figures later; both stay visible, totals use the last.

    The call's run, phase and attempt are looked up, so its sample follows too.

    Args:
        call_id: As it was recorded, with *provider*.
        why: Where the figures come from ("the monthly bill"); it is recorded.
        figures: What changed of ``input_tokens``, ``output_tokens``, ``reasoning_tokens``,
            ``total_tokens``, ``cost_usd``, ``split``; the rest stays as it was.

    Raises:
        InvalidInputError: No such call is recorded, or no figure that can be amended was given.
    """
    unknown = sorted(set(figures) - set(_FIGURES))
    if unknown or not figures:
        raise InvalidInputError(
            f"amend_usage() takes {', '.join(_FIGURES)}; given was {', '.join(unknown) or 'none'}."
        )
    given = LlmUsageAmended(provider=provider, call_id=call_id, why=why, **figures)
    new = log.redacted(NewEvent(event=given))
    with log.transaction() as transaction:
        event_id = usage_id(provider, call_id)
        call = next(log.decode(transaction.store.find([event_id]).values()), None)
        if call is None:
            raise InvalidInputError(
                f"No call {call_id!r} of provider {provider!r} is recorded in this log, so there "
                "is nothing to amend. Give both as they were recorded: `autopack history RUN "
                "PHASE --json` shows them."
            )
        amended = attrs.evolve(
            new.event,
            run_id=call.event.run_id,
            phase_id=call.event.phase_id,
            attempt=call.event.attempt,
            split=figures.get("split", call.event.split),
        )
        new = attrs.evolve(new, event=amended)
        (recorded,) = transaction.append_batch([(call.stream, [new], ANY)])
        if call.event.run_id and call.event.phase_id:
            ref = PhaseRef(call.event.run_id, call.event.phase_id)
            _count(log, transaction, ref, amended)
    return recorded


def _count(
    log: Log, transaction: JournalTransaction, ref: PhaseRef, event: LlmUsageAmended
) -> None:
    """Count under the caps of the call's run and drain by how much it was amended."""
    from autopack.draining.caps import Caps
    from autopack.draining.spending import amended, calls_of

    caps = Caps(handler_of(log))
    for call in calls_of(log, ref):
        if (call.provider, call.call_id) == (event.provider, event.call_id):
            caps.correct(transaction, call, amended(call, event), ref)
