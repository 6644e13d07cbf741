"""Calls of an import: one that is told again with other figures is amended, and counted once."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from autopack.events import LlmUsageAmended, LlmUsageRecorded
from autopack.events.usage import AMENDABLE
from autopack.log.journal import Journal
from autopack.ports.log import NewEvent
from autopack.projections.attempts import call_key
from autopack.values.ids import derived_id

_FIGURES: Final = (*AMENDABLE, "split")
_WHOSE: Final = ("run_id", "phase_id", "attempt", "provider", "call_id", "role")
_WHY: Final = "the source told the call again, with these figures"

_Told = tuple[str, NewEvent]


class GrownCalls:
    """
    What a source has told of its calls, in one import and in those before it.

    Some tell a message in several lines while its figures grow. The first line is the call; a
    later one with other figures becomes an amendment, whose id follows from what it tells, so
    that a second import adds nothing, and one of a file that has grown adds what is new.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._first: dict[str, tuple[str, LlmUsageRecorded]] = {}
        self._told: dict[str, list[dict[str, Any]]] = {}
        self._as_told: dict[str, NewEvent] = {}

    def amending(self, batch: Iterable[_Told]) -> Iterator[_Told]:
        """Yield the events of a batch, a later line of a call as what it amends, if it does."""
        told = list(batch)
        stored = self._stored(told)
        for stream, new in told:
            event = new.event
            if not isinstance(event, LlmUsageRecorded):
                yield stream, new
                continue
            key = call_key(event)
            if key not in self._first:
                self._first[key] = stored.get(new.event_id, (stream, event))
                self._told[key] = [_figures(self._first[key][1])]
                self._as_told[key] = new
            yield from self._told_again(key, stream, new)

    def _told_again(self, key: str, stream: str, new: NewEvent) -> Iterator[_Told]:
        (whose, first), told = self._first[key], self._told[key]
        figures = _figures(new.event)
        if _whose(first) != _whose(new.event):
            yield stream, new
        elif [figures] == told:  # the same fact, though a later line has another time
            as_told = self._as_told[key]
            yield stream, as_told if as_told.event_id == new.event_id else new
        elif figures != told[-1]:
            yield whose, _amendment(new, figures, number=len(told))
            told.append(figures)

    def _stored(self, told: list[_Told]) -> dict[bytes | None, tuple[str, LlmUsageRecorded]]:
        """Return the calls that are recorded under the ids of a batch, with their streams."""
        ids = [
            new.event_id
            for _stream, new in told
            if isinstance(new.event, LlmUsageRecorded) and new.event_id is not None
        ]
        found = self._journal.decode(self._journal.backend.find(ids).values()) if ids else ()
        return {
            recorded.event_id: (recorded.stream, recorded.event)
            for recorded in found
            if isinstance(recorded.event, LlmUsageRecorded)
        }


def _figures(event: LlmUsageRecorded) -> dict[str, Any]:
    told = {name: getattr(event, name) for name in _FIGURES}
    return {name: figure for name, figure in told.items() if figure is not None}


def _whose(event: LlmUsageRecorded) -> tuple[Any, ...]:
    return tuple(getattr(event, name) for name in _WHOSE)


def _amendment(new: NewEvent, figures: dict[str, Any], *, number: int) -> NewEvent:
    event: LlmUsageRecorded = new.event
    source: Any = {} if event.cost_usd is None else {"cost_source": event.cost_source}
    amended = LlmUsageAmended(
        run_id=event.run_id,
        phase_id=event.phase_id,
        attempt=event.attempt,
        provider=event.provider,
        call_id=event.call_id,
        why=_WHY,
        **source,
        **figures,
    )
    told = json.dumps([number, figures], sort_keys=True, default=str)
    event_id = derived_id("usage", f"{call_key(event)}\x00{told}", "llm.usage_amended")
    return attrs.evolve(new, event=amended, event_id=event_id)
