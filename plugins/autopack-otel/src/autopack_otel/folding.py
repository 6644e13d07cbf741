"""Events to spans: one trace a run; within it phases, their attempts, and the attempts' calls."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from autopack import Recorded
from autopack.events import (
    LlmUsageAmended,
    LlmUsageRecorded,
    PhaseCancelled,
    PhaseClaimed,
    PhaseCompleted,
    PhaseFailed,
    PhaseGated,
    PhaseReclaimed,
    PhaseReleased,
    PhaseTimedOut,
    RunFinished,
)
from autopack.events.usage import amended_figures
from autopack_otel.spans import Attribute, Span, call_span, id_of

_ENDS: Final = (
    PhaseCompleted,
    PhaseFailed,
    PhaseTimedOut,
    PhaseGated,
    PhaseReleased,
    PhaseReclaimed,
    PhaseCancelled,
)
_SENT_MOST: Final = 10_000
"""How many calls are remembered for amendments that come after they were sent."""
Place = tuple[str | None, str | None, int | None]
Begin = Callable[[str, str | None], int | None]
"""Tells when a run, or a phase of it, began before the first event that is shown."""


@attrs.define
class _Open:
    """What has begun: since when, what of it is known, and the calls that wait for its end."""

    start_us: int
    end_us: int
    told: dict[str, Attribute] = attrs.Factory(dict)
    error: str | None = None
    calls: dict[Any, Recorded[LlmUsageRecorded]] = attrs.Factory(dict)
    figures: dict[Any, dict[str, Any]] = attrs.Factory(dict)
    is_new: bool = True


def call_key(event: LlmUsageRecorded | LlmUsageAmended) -> tuple[Any, ...]:
    """Return what tells a call from all others."""
    return (event.run_id, event.phase_id, event.attempt, event.provider, event.call_id)


def last_figures(amendments: Iterable[Recorded[LlmUsageAmended]]) -> dict[Any, dict[str, Any]]:
    """Return what amendments changed last, by call."""
    found: dict[Any, dict[str, Any]] = {}
    for recorded in amendments:
        found.setdefault(call_key(recorded.event), {}).update(amended_figures(recorded.event))
    return found


class SpanFold:
    """
    Turns events, in their order, into spans, each once it has ended.

    An attempt's calls go out with its end, so that figures amended meanwhile are the last. One of
    the last calls that is amended later goes out again under the same ids. Phases that did not
    complete, and runs that are open, go out with :meth:`rest`.

    Args:
        origin: What the ids are made of, beside names: the log's ``origin_id``.
        figures: What amendments that come later will change, by call, where that is known.
        began: Asked for what began before the first event.
    """

    def __init__(
        self,
        origin: str,
        *,
        figures: Mapping[Any, dict[str, Any]] | None = None,
        began: Begin = lambda run_id, phase_id: None,
    ) -> None:
        self._origin, self._figures, self._began = origin, figures, began
        self._runs: dict[str, _Open] = {}
        self._phases: dict[tuple[str, str], _Open] = {}
        self._attempts: dict[Place, _Open] = {}
        self._sent: dict[Any, Recorded[LlmUsageRecorded]] = {}

    def take(self, recorded: Recorded[Any]) -> list[Span]:
        """Return the spans that end with an event."""
        event, at_us = recorded.event, recorded.row[6]
        run_id, phase_id = getattr(event, "run_id", None), getattr(event, "phase_id", None)
        if run_id is None:
            return self._calls(recorded)
        run = self._open(self._runs, run_id, (run_id, None), at_us)
        if isinstance(event, RunFinished):
            run.told["autopack.run.outcome"] = str(event.outcome)
            return self._ended(run_id)
        if phase_id is None or recorded.type == "phase.queued":
            return []
        phase = self._open(self._phases, (run_id, phase_id), (run_id, phase_id), at_us)
        if isinstance(event, PhaseClaimed):
            self._attempts[run_id, phase_id, event.attempt] = _claimed(event, at_us)
        if isinstance(event, _ENDS):
            return self._end(event, phase, at_us)
        return self._calls(recorded)

    def rest(self) -> Iterator[Span]:
        """Yield what has not ended, as it stands: attempts' calls, phases and runs."""
        for place in list(self._attempts):
            yield from self._attempt(place, is_over=False)
        for key, phase in self._phases.items():
            if phase.is_new:
                yield self._phase(key, phase)
        for run_id, run in self._runs.items():
            if run.is_new:
                yield self._run(run_id, run)

    def _open(self, kept: dict[Any, _Open], key: Any, name: Any, at_us: int) -> _Open:
        found = kept.get(key)
        if found is None:
            began = self._began(*name)
            found = kept[key] = _Open(at_us if began is None else min(began, at_us), at_us)
        found.end_us, found.is_new = max(found.end_us, at_us), True
        return found

    def _calls(self, recorded: Recorded[Any]) -> list[Span]:
        event = recorded.event
        if not isinstance(event, LlmUsageRecorded | LlmUsageAmended):
            return []
        held = self._attempts.get((event.run_id, event.phase_id, event.attempt))
        key = call_key(event)
        if isinstance(event, LlmUsageRecorded):
            if held is not None:
                held.calls.setdefault(key, recorded)
                return []
            self._keep(key, recorded)
            return [self._call(recorded, None)]
        figures = amended_figures(event)
        if held is not None and key in held.calls:
            held.figures.setdefault(key, {}).update(figures)
            return []
        if key not in self._sent:
            return []
        return [attrs.evolve(self._call(self._sent[key], figures), is_again=True)]

    def _keep(self, key: Any, recorded: Recorded[LlmUsageRecorded]) -> None:
        if self._figures is None:  # nobody knows what comes
            self._sent[key] = recorded
            if len(self._sent) > _SENT_MOST:
                del self._sent[next(iter(self._sent))]

    def _call(self, recorded: Recorded[LlmUsageRecorded], figures: dict[str, Any] | None) -> Span:
        event: Any = recorded.event
        key = call_key(event)
        known = (figures or {}) if self._figures is None else self._figures.get(key, {})
        event = attrs.evolve(event, **known) if known else event
        if known and self._figures is None:  # a later amendment changes what this one left
            self._sent[key] = Recorded(recorded.row, event)
        trace_id, parent = self._trace(event.run_id, recorded.event_id), None
        if event.run_id is not None:
            names = (event.run_id, event.phase_id, event.attempt)
            parent = self._id(*(name for name in names if name is not None))
        return call_span(
            event,
            event_id=bytes(recorded.event_id),
            trace_id=trace_id,
            parent_id=parent,
            end_us=recorded.row[6],
            is_amended=bool(known),
        )

    def _end(self, event: Any, phase: _Open, at_us: int) -> list[Span]:
        place = (event.run_id, event.phase_id, event.attempt)
        code = getattr(event, "code", None) or (
            "timed_out" if isinstance(event, PhaseTimedOut) else None
        )
        found = self._attempts.get(place)
        if found is not None:
            found.end_us, found.error = max(found.end_us, at_us), code
            found.told["autopack.attempt.ending"] = event.TYPE.partition(".")[2]
            if code and (kind := getattr(event, "failure_class", None)):
                found.told["autopack.failure_class"] = kind
        phase.error = code
        spans = list(self._attempt(place, is_over=True)) if found else []
        if isinstance(event, PhaseCompleted):
            phase.is_new = False
            spans.append(self._phase((event.run_id, event.phase_id), phase))
        return spans

    def _attempt(self, place: Place, *, is_over: bool) -> Iterator[Span]:
        found = self._attempts[place]
        run_id, phase_id, attempt = place
        for key, recorded in found.calls.items():
            self._keep(key, recorded)
            yield self._call(recorded, found.figures.get(key))
        found.calls, found.figures = {}, {}
        if is_over:
            del self._attempts[place]
            told = {"autopack.run.id": run_id, "autopack.phase.id": phase_id,
                    "autopack.attempt": attempt, **found.told}  # fmt: skip
            yield self._span(found, f"attempt {attempt}", told, (run_id, phase_id, attempt))

    def _phase(self, key: tuple[str, str], phase: _Open) -> Span:
        told: dict[str, Any] = {"autopack.run.id": key[0], "autopack.phase.id": key[1]}
        return self._span(phase, f"phase {key[1]}", told | phase.told, key)

    def _run(self, run_id: str, run: _Open) -> Span:
        return self._span(run, f"run {run_id}", {"autopack.run.id": run_id, **run.told}, (run_id,))

    def _ended(self, run_id: str) -> list[Span]:
        keys = [key for key in self._phases if key[0] == run_id]
        phases = [(key, self._phases.pop(key)) for key in keys]
        spans = [self._phase(key, phase) for key, phase in phases if phase.is_new]
        return [*spans, self._run(run_id, self._runs.pop(run_id))]

    def _span(self, of: _Open, name: str, told: dict[str, Any], names: tuple[Any, ...]) -> Span:
        run_id = names[0]
        error = {} if of.error is None else {"error.type": of.error}
        return Span(
            trace_id=self._trace(run_id, b""),
            span_id=self._id(*names),
            parent_id=self._id(*names[:-1]) if len(names) > 1 else None,
            name=name,
            start_us=of.start_us,
            end_us=of.end_us,
            attributes={**told, **error},
            error=of.error,
        )

    def _id(self, *names: Any) -> bytes:
        return id_of(8, self._origin, *names)

    def _trace(self, run_id: str | None, event_id: bytes) -> bytes:
        """Return the trace of a run; a call of none has its own."""
        if run_id is None:
            return id_of(16, "trace of a call", event_id.hex())
        return id_of(16, self._origin, "trace", run_id)


def _claimed(event: PhaseClaimed, at_us: int) -> _Open:
    named = {
        "autopack.executor": event.executor,
        "autopack.account": event.account,
        "autopack.model": event.model,
        "autopack.drain.id": event.drain,
    }
    told: dict[str, Attribute] = {name: value for name, value in named.items() if value is not None}
    return _Open(at_us, at_us, told)
