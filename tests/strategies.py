"""Hypothesis generators of names, events and histories, and small builders of events."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs
from hypothesis import strategies as st

from autopack.events import (
    CORE_EVENTS,
    LlmUsageRecorded,
    PhaseClaimed,
    PhaseCompleted,
    PhaseFailed,
    PhaseQueued,
    PhaseStarted,
    RunCreated,
    RunPaused,
)
from autopack.events.phase import PhaseEvent
from autopack.events.run import RunEvent
from autopack.events.usage import UsageEvent
from autopack.ids import phase_stream, run_stream
from autopack.ports.log import ANY

RUNS = ("r1", "r2", "r3")
PHASES = ("a", "b", "c")
TOKENS = ("t1", "t2", "t3")

texts = st.text(max_size=12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
instants = st.datetimes(
    min_value=datetime(1990, 1, 1),
    max_value=datetime(2090, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Return a generator of values that a field's type allows."""
    if hint is Any:
        return json_values
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _bounded(arguments[0], arguments[1:])
    if origin in (Union, UnionType):
        return st.one_of([values(arm) for arm in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    plain = {
        NoneType: st.none(),
        str: texts,
        bool: st.booleans(),
        int: st.integers(-(2**40), 2**40),
        float: st.floats(allow_nan=False, allow_infinity=False),
        datetime: instants,
    }
    return plain[hint]


def _bounded(base: type, marks: Sequence[Any]) -> st.SearchStrategy[Any]:
    low = next((m.ge for m in marks if getattr(m, "ge", None) is not None), None)
    high = next((m.le for m in marks if getattr(m, "le", None) is not None), None)
    shortest = next((m.min_length for m in marks if getattr(m, "min_length", None)), 0)
    if base is str:
        return st.text(min_size=shortest, max_size=12)
    if base is int:
        return st.integers(low, 2**50 if high is None else high)
    if base is float:
        return st.floats(low, high, allow_nan=False, allow_infinity=False)
    return values(base)


def events_of(cls: type, **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a generator of events of one class; *fixed* replaces the generators of fields."""
    fields = {field.name: values(field.type) for field in attrs.fields(cls)}
    fields.update({name: made for name, made in fixed.items() if name in fields})
    return st.builds(cls, **fields)


core_events = st.one_of([events_of(cls) for cls in CORE_EVENTS])
"""Every core event, with any values that its fields allow."""

_POOLS = {
    "run_id": st.sampled_from(RUNS),
    "phase_id": st.sampled_from(PHASES),
    "lease_token": st.sampled_from(TOKENS),
    "call_id": st.sampled_from(("c1", "c2")),
    "provider": st.sampled_from((None, "acme")),
    "attempt": st.integers(1, 3),
    "category": st.sampled_from(("implementation", "tests", "docs")),
    "complexity": st.sampled_from(("low", "medium", "high")),
    "role": st.sampled_from(("builder", "auditor")),
    "split": st.sampled_from(("measured", "inferred", "total_only")),
    "cost_usd": st.none() | st.integers(0, 64).map(lambda n: n / 8),
    "decision": st.sampled_from(("approve", "reject", "requeue")),
    "tau": st.none() | st.floats(0.05, 0.95),
}
_FOLDED = (*RunEvent.__args__, *PhaseEvent.__args__, *UsageEvent.__args__)

run_events = st.one_of([events_of(cls, **_POOLS) for cls in RunEvent.__args__])
phase_events = st.one_of(
    [events_of(cls, **_POOLS) for cls in (*PhaseEvent.__args__, *UsageEvent.__args__)]
)
folded_events = st.one_of([events_of(cls, **_POOLS) for cls in _FOLDED])
"""Events of few runs, phases and calls, so that they meet; in no sensible order."""

histories = st.lists(folded_events, min_size=1, max_size=25)
"""What a log may hold: ``evolve`` and projections take events in any order."""


def stream_of(event: Any) -> str:
    """Return the stream in which an event belongs."""
    if getattr(event, "run_id", None) and getattr(event, "phase_id", None):
        is_of_run = isinstance(event, PhaseQueued)
        return run_stream(event.run_id) if is_of_run else phase_stream(event.run_id, event.phase_id)
    return run_stream(getattr(event, "run_id", None) or "none")


def append_all(journal: Any, events: Sequence[Any]) -> list[Any]:
    """Append events to the streams where they belong, each by itself."""
    return [
        recorded
        for event in events
        for recorded in journal.append(stream_of(event), [event], expected_version=ANY)
    ]


def paused(why: str = "lunch", run_id: str = "r1") -> RunPaused:
    """Return a small event."""
    return RunPaused(run_id=run_id, why=why, actor="ann")


def queued(phase_id: str = "a", run_id: str = "r1", **fields: Any) -> PhaseQueued:
    """Return a phase that waits."""
    given = {"index": 0, "category": "tests", "complexity": "low", **fields}
    return PhaseQueued(run_id=run_id, phase_id=phase_id, **given)


def claimed(phase_id: str = "a", run_id: str = "r1", attempt: int = 1) -> PhaseClaimed:
    """Return a claim, with a lease token made of phase and attempt."""
    return PhaseClaimed(
        run_id=run_id,
        phase_id=phase_id,
        attempt=attempt,
        worker="w1",
        lease_token=f"{phase_id}{attempt}",
    )


def started(phase_id: str = "a", run_id: str = "r1", attempt: int = 1) -> PhaseStarted:
    """Return the start of a claimed attempt."""
    token = f"{phase_id}{attempt}"
    return PhaseStarted(run_id=run_id, phase_id=phase_id, attempt=attempt, lease_token=token)


def completed(phase_id: str = "a", run_id: str = "r1", **fields: Any) -> PhaseCompleted:
    """Return a good end."""
    return PhaseCompleted(run_id=run_id, phase_id=phase_id, attempt=1, **fields)


def failed(phase_id: str = "a", run_id: str = "r1", **fields: Any) -> PhaseFailed:
    """Return a bad end."""
    given = {"code": "boom", "message": "it broke", **fields}
    return PhaseFailed(run_id=run_id, phase_id=phase_id, attempt=1, **given)


def usage(call_id: str = "c1", run_id: str = "r1", phase_id: str = "a", **fields: Any) -> Any:
    """Return one call's usage."""
    return LlmUsageRecorded(run_id=run_id, phase_id=phase_id, call_id=call_id, **fields)


def created(run_id: str = "r1", **fields: Any) -> RunCreated:
    """Return a new run."""
    return RunCreated(run_id=run_id, **fields)
