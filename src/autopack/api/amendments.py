"""Figures of a recorded call that its source corrected later."""

from datetime import datetime
from typing import Any, Final, Unpack

import attrs

from autopack.errors import InvalidInputError
from autopack.events import DrainStarted, LlmUsageAmended, LlmUsageRecorded
from autopack.events.usage import AMENDABLE, TOKEN_COUNTS, usage_id
from autopack.log import views
from autopack.log.log import Log, handler_of, journal_of, registry_of
from autopack.ports.log import ANY, Entry, Recorded
from autopack.ports.usage import AmendedFigures
from autopack.prediction.calibration.price_table import PriceTable
from autopack.prediction.named_prices import prices_kept
from autopack.projections.attempts import ATTEMPTS, call_key
from autopack.projections.call_use import amended
from autopack.projections.calls import USAGE
from autopack.values.ids import PhaseRef, drain_stream, phase_stream

_UNPRICED: Final[dict[str, Any]] = {
    "cost_usd": None, "cost_source": "unknown", "price_table": None,
}  # fmt: skip
_STANDING: Final = (*AMENDABLE, "cost_source", "price_table", "split")
_PARTS: Final = frozenset({"input_tokens", "output_tokens"})
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
        figures: What changed of ``input_tokens``, ``cache_read_tokens``, ``cache_write_tokens``,
            ``output_tokens``, ``reasoning_tokens``, ``total_tokens``, ``cost_usd``, ``split``; the
            rest stays as it was. A cost that nobody reported is priced anew by the table of the
            call's drain, else by plugins, at the moment of the call; it stays if neither knows one.

    Raises:
        InvalidInputError: No such call is recorded, no figure that can be amended was given, or
            the figures cannot be so together.
    """
    from autopack.draining.attempts.call_figures import check_possible

    unknown = sorted(set(figures) - set(_FIGURES))
    if unknown or not figures:
        raise InvalidInputError(
            f"amend_usage() takes {', '.join(_FIGURES)}; given was {', '.join(unknown) or 'none'}.",
            name="figures",
            value=tuple(unknown),
        )
    event_id = usage_id(provider, call_id)
    journal = journal_of(log)
    found = next(journal.decode(journal.backend.find([event_id]).values()), None)
    if found is None or not isinstance(found.event, LlmUsageRecorded):
        raise InvalidInputError(
            f"No call {call_id!r} of provider {provider!r} is recorded in this log, so there "
            "is nothing to amend. Give both as they were recorded; they are in:",
            do="history(log, run, phase)",
            typed="autopack history RUN PHASE --json",
            name="call_id",
            value=call_id,
        )
    call = _as_it_stands(log, found)
    merged = {name: getattr(call, name) for name in LlmUsageRecorded.__annotations__}
    amended_parts = {"total_tokens": None, **figures} if figures.keys() & _PARTS else figures
    check_possible({**merged, **amended_parts})
    event = LlmUsageAmended(
        run_id=call.run_id,
        phase_id=call.phase_id,
        attempt=call.attempt,
        provider=call.provider,
        call_id=call.call_id,
        why=why,
        **{"split": call.split, **figures, **_price(log, call, dict(figures), found.occurred_at)},
    )
    return _append(log, found, event)


def _as_it_stands(log: Log, found: Recorded[Any]) -> LlmUsageRecorded:
    """Return a call with what it was amended by before."""
    row = views.current_row(journal_of(log), USAGE, USAGE.key(found) or "")
    known: Any = {name: getattr(row, name) for name in _STANDING}
    call: LlmUsageRecorded = attrs.evolve(found.event, **known)
    return call


def _price(
    log: Log, call: LlmUsageRecorded, figures: dict[str, Any], at: datetime
) -> dict[str, Any]:
    """
    Return what the amended call costs: as it is told now, else as it would have been priced.

    Other counts of a call that nobody told a cost of are priced as the call was, at its moment; a
    call that was imported was not.
    """
    if figures.get("cost_usd") is not None:
        return {"cost_source": "reported"}
    is_ours = call.cost_source == "computed" or (
        call.cost_usd is None and call.lease_token is not None
    )
    if not is_ours or not figures.keys() & set(TOKEN_COUNTS):
        return {}
    from autopack.draining.caps.price_book import PriceBook

    amended_parts = {"total_tokens": None} if figures.keys() & _PARTS else {}
    unpriced: Any = attrs.evolve(  # type: ignore[misc]
        call, **{**amended_parts, **figures, **_UNPRICED}
    )
    book = PriceBook(journal_of(log), registry_of(log), _table(log, call))
    anew = book.priced(unpriced, at)
    names = ("cost_usd", "cost_source", "price_table")
    return {name: getattr(anew, name) for name in names}


def _table(log: Log, call: LlmUsageRecorded) -> PriceTable | None:
    """Return the prices of the drain that made a call, as the log keeps them."""
    if call.run_id is None or call.phase_id is None or call.attempt is None:
        return None
    row = handler_of(log).attempt(PhaseRef.parse(f"{call.run_id}/{call.phase_id}"), call.attempt)
    if row.drain is None:
        return None
    starts = (recorded.event for recorded in log.read(drain_stream(row.drain)))
    kept = [one.settings.get("prices") for one in starts if isinstance(one, DrainStarted)]
    return next((prices_kept(registry_of(log), plain) for plain in reversed(kept) if plain), None)


def _append(log: Log, found: Recorded[Any], event: LlmUsageAmended) -> Recorded[Any]:
    """Append an amendment, and count it under the caps of its call's run and drain."""
    from autopack.draining.caps.enforcement import Caps

    call, handler = found.event, handler_of(log)

    def build() -> list[Entry]:
        if call.run_id is None or call.phase_id is None:
            return [(found.stream, [event], ANY)]
        ref = PhaseRef(call.run_id, call.phase_id)
        version, stream = handler.known_phase(ref)
        key = ATTEMPTS.key(found)
        row = stream.attempts.get(key) if key is not None else None
        before = row.calls.get(call_key(call)) if row is not None else None
        if row is None or before is None:  # as far as is known here: what came since is read then
            own = found.stream == phase_stream(ref.run_id, ref.phase_id)
            return [(found.stream, [event], version if own else ANY)]
        after = row.use.plus(before, -1).plus(amended(before, event))
        entries = Caps(handler).correcting(ref, row, after)
        return [(found.stream, [event], version), *entries]

    return handler.append(build)[0]
