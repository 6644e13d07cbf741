"""Facts of an import that are known by their ids: told once, amended where figures have grown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import attrs

from autopack.events import LlmUsageAmended, LlmUsageRecorded
from autopack.events.usage import AMENDABLE
from autopack.log.write_transaction import JournalTransaction
from autopack.ports.log import ANY, NewEvent, Recorded
from autopack.projections.attempts import call_key
from autopack.values.ids import EventId, derived_id

_WHY: Final = "the source told the call again, with greater figures"

Told = tuple[str, NewEvent]


@attrs.define
class _Call:
    """A call as it stands: where it was told first, its figures by now, and how often amended."""

    stream: str
    event: LlmUsageRecorded
    n_amended: int | None = None  # not looked up yet
    figures: dict[str, Any] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.figures = _figures(self.event)


def append_new(transaction: JournalTransaction, batch: Sequence[Told]) -> None:
    """
    Append what is new of a batch whose every event is known by its id alone.

    What is known is left as it was told first. A call whose figures have grown is amended, by the
    greatest of each; so that neither the order nor the number of tellings matters, and nothing is
    remembered between batches.
    """
    ids = [new.event_id for _stream, new in batch if new.event_id is not None]
    stored: dict[bytes, Recorded[Any]] = {one.event_id: one for one in transaction.find(ids)}
    told = groupby(_fresh(transaction, batch, stored), key=itemgetter(0))
    # Neighbours of one stream go as one entry: each costs a look of its own, however short.
    transaction.append_batch([(stream, [new for _, new in some], ANY) for stream, some in told])


def _fresh(
    transaction: JournalTransaction, batch: Iterable[Told], stored: Mapping[bytes, Recorded[Any]]
) -> Iterator[Told]:
    first: dict[bytes | None, Told] = {}
    calls: dict[bytes | None, _Call] = {}
    for stream, new in batch:
        key, known = new.event_id, stored.get(new.event_id or b"")
        if known is None and key not in first:
            first[key] = stream, new
            yield stream, new
        elif isinstance(new.event, LlmUsageRecorded):
            if key not in calls:
                call = _as_told(*first[key]) if known is None else _as_stored(known)
                if call is None:
                    continue
                calls[key] = call
            yield from _grown(transaction, calls[key], new)


def _as_told(stream: str, new: NewEvent) -> _Call | None:
    return _Call(stream, new.event, 0) if isinstance(new.event, LlmUsageRecorded) else None


def _as_stored(known: Recorded[Any]) -> _Call | None:
    if not isinstance(known.event, LlmUsageRecorded):
        return None
    return _Call(known.stream, known.event)


def _grown(transaction: JournalTransaction, call: _Call, new: NewEvent) -> Iterator[Told]:
    if _greatest(call.figures, _figures(new.event)) == call.figures:
        return
    if call.n_amended is None:
        _catch_up(transaction, call)
    figures = _greatest(call.figures, _figures(new.event))
    if figures != call.figures:
        call.figures, call.n_amended = figures, (call.n_amended or 0) + 1
        yield call.stream, _amendment(call, new)


def _catch_up(transaction: JournalTransaction, call: _Call) -> None:
    """Take what the call was amended by in imports before this one."""
    call.n_amended = 0
    while found := transaction.find([_amendment_id(call, call.n_amended + 1)]):
        call.n_amended += 1
        call.figures = _greatest(call.figures, _figures(found[0].event))


def _figures(event: LlmUsageRecorded | LlmUsageAmended) -> dict[str, Any]:
    told = {name: getattr(event, name) for name in AMENDABLE}
    return {name: figure for name, figure in told.items() if figure is not None}


def _greatest(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    found = {**one, **other}
    found |= {name: max(one[name], other[name]) for name in one.keys() & other.keys()}
    cached = found.get("cache_read_tokens", 0) + found.get("cache_write_tokens", 0)
    if cached > found.get("input_tokens", cached):
        found["input_tokens"] = cached  # one telling's reads, another one's writes
    if {"input_tokens", "output_tokens", "total_tokens"} <= found.keys():
        found["total_tokens"] = found["input_tokens"] + found["output_tokens"]
    return found


def _amendment_id(call: _Call, number: int) -> EventId:
    return derived_id("usage", f"{call_key(call.event)}\x00{number}", "llm.usage_amended")


def _amendment(call: _Call, new: NewEvent) -> NewEvent:
    first, later = call.event, new.event
    priced = first if later.cost_usd is None else later
    cost: dict[str, Any] = {"cost_source": priced.cost_source} if "cost_usd" in call.figures else {}
    amended = LlmUsageAmended(
        run_id=first.run_id,
        phase_id=first.phase_id,
        attempt=first.attempt,
        provider=first.provider,
        call_id=first.call_id,
        why=_WHY,
        split=later.split,
        **cost,
        **call.figures,
    )
    return attrs.evolve(new, event=amended, event_id=_amendment_id(call, call.n_amended or 0))
