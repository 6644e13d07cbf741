"""Hypothesis strategies: of names, events in any order, runs, drain views and samples."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs
from hypothesis import strategies as st

from autopack.events import CORE_EVENTS
from autopack.events.cap_table import CapTable
from autopack.events.phase import PhaseEvent
from autopack.events.run import RunEvent
from autopack.events.usage import UsageEvent
from autopack.ports.drain import DrainView, GroupEvidence, RunHistory, evidence_of
from autopack.ports.prediction import Features, PhaseSpec, Sample
from autopack.ports.states import PhaseStatus
from autopack.ports.work import PhaseView, RunView
from autopack.values.ids import PhaseId, PhaseRef, RunId
from autopack.values.money import Usd, UsdSum

RUNS = ("r1", "r2", "r3")
PHASES = ("a", "b", "c")
CATEGORIES = ("implementation", "tests", "docs")
COMPLEXITIES = ("low", "medium", "high")

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
"""What a free field may hold, and gives back as it was."""
instants = st.datetimes(
    min_value=datetime(1990, 1, 1),
    max_value=datetime(2090, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
"""Aware moments, in two time zones."""


amounts = st.integers(0, 2**63 - 1).map(Usd.of_pico)
"""Amounts of USD to the pico-dollar, which no float could hold side by side."""

_CAPS: dict[str, st.SearchStrategy[Any]] = {
    "tokens": st.integers(1, 2**53),
    "usd": st.integers(1, 2**63 - 1).map(Usd.of_pico),
    "attempts": st.integers(1, 2**53),
    "minutes": st.floats(0.001, 1e12),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of the values that a field's type allows."""
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
    plain: dict[Any, st.SearchStrategy[Any]] = {
        NoneType: st.none(),
        str: texts,
        bool: st.booleans(),
        int: st.integers(-(2**40), 2**40),
        float: st.floats(allow_nan=False, allow_infinity=False),
        datetime: instants,
        Usd: amounts,
        UsdSum: amounts.map(UsdSum.of),
        CapTable: st.fixed_dictionaries({}, optional=_CAPS).map(CapTable.of),
    }
    return plain[hint]


def _bounded(base: Any, marks: Sequence[Any]) -> st.SearchStrategy[Any]:
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
    """
    Return a strategy of events of one class, with any values that its fields allow.

    Args:
        cls: A class made with ``@autopack.event``.
        fixed: Strategies that replace those of fields; names that the class lacks are ignored.
    """
    fields = {field.name: values(field.type) for field in attrs.fields(cls)}
    coherent = {"cost_source": st.sampled_from((None, "unknown")), **fixed}
    fields.update({name: made for name, made in coherent.items() if name in fields})
    return st.builds(cls, **fields)


core_events = st.one_of([events_of(cls) for cls in CORE_EVENTS])
"""Every core event, with any values that its fields allow."""

FEW: Mapping[str, st.SearchStrategy[Any]] = {
    "run_id": st.sampled_from(RUNS),
    "phase_id": st.sampled_from(PHASES),
    "lease_token": st.sampled_from(("t1", "t2", "t3")),
    "call_id": st.sampled_from(("c1", "c2")),
    "provider": st.sampled_from((None, "acme")),
    "attempt": st.integers(1, 3),
    "category": st.sampled_from(CATEGORIES),
    "complexity": st.sampled_from(COMPLEXITIES),
    "role": st.sampled_from(("builder", "auditor")),
    "split": st.sampled_from(("measured", "inferred", "total_only")),
    "cost_usd": st.none() | amounts,
    "decision": st.sampled_from(("approve", "reject", "requeue")),
    "tau": st.floats(0.05, 0.95),
}
"""Strategies of fields that draw from few values, so that events meet."""

run_events = st.one_of([events_of(cls, **FEW) for cls in get_args(RunEvent)])
"""Events of run streams, of few runs, in no sensible order."""
phase_events = st.one_of(
    [events_of(cls, **FEW) for cls in (*get_args(PhaseEvent), *get_args(UsageEvent))]
)
"""Events of phase streams, of few phases and calls, in no sensible order."""
any_order = st.lists(run_events | phase_events, min_size=1, max_size=25)
"""
What a log may hold and no library would write: ``evolve`` and projections take events in any
order. For histories that the library would write see :mod:`autopack.testing.histories`.
"""

phase_specs = st.builds(
    PhaseSpec,
    st.sampled_from(PHASES),
    category=st.sampled_from(CATEGORIES),
    complexity=st.sampled_from(COMPLEXITIES),
    deliverables=st.lists(st.sampled_from(("src/a.py", "docs/b.md")), max_size=2).map(tuple),
    goal=st.none() | texts,
    priority=st.integers(0, 3),
    max_attempts=st.integers(1, 3),
)
"""Phases as a user asks for them, of few names."""
runs = st.lists(phase_specs, max_size=3, unique_by=lambda spec: spec.id)
"""The phases of a run, each name once."""

phase_views = st.builds(
    PhaseView,
    run_id=st.sampled_from(RUNS),
    phase_id=st.sampled_from(PHASES),
    order=st.integers(1, 99),
    index=st.integers(0, 9),
    category=st.sampled_from(CATEGORIES),
    complexity=st.sampled_from(COMPLEXITIES),
    deliverables=st.lists(st.sampled_from(("src/a.py", "docs/b.md")), max_size=2).map(tuple),
    priority=st.integers(0, 3),
    attempts=st.integers(0, 3),
    fingerprint=st.none() | st.sampled_from(("f1", "f2")),
    predicted_output_tokens=st.none() | st.integers(1, 50_000),
    budget_tokens=st.none() | st.integers(1, 64_000),
)
"""Queued phases as a drain strategy sees them."""


run_histories = st.builds(
    RunHistory,
    attempts=st.integers(0, 9),
    completed=st.integers(0, 3),
    failed=st.integers(0, 3),
    timed_out=st.integers(0, 3),
    with_usage=st.integers(0, 9),
    first_ending=st.sampled_from((None, "completed", "failed", "timed_out", "gated")),
    first_had_usage=st.booleans(),
    first_is_repeat=st.booleans(),
    repeats=st.integers(0, 5),
)
"""What a drain has seen of a run."""
group_evidence = st.lists(st.tuples(st.integers(1, 9000), st.integers(1, 9000)), max_size=6).map(
    lambda pairs: sum_of([evidence_of(*pair) for pair in pairs])
)
"""What is known of a group's predictions."""


def sum_of(parts: Sequence[GroupEvidence]) -> GroupEvidence:
    """Return evidence added up."""
    total = GroupEvidence()
    for part in parts:
        total = total.plus(part)
    return total


_moment: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({
    "phases": st.lists(phase_views, max_size=8, unique_by=lambda phase: phase.key),
    "n_ready": st.just(0) | st.integers(0, 8),
    "n_failed": st.integers(0, 8),
    "ready_in": st.none() | st.timedeltas(timedelta(0), timedelta(hours=2)),
    "tokens": st.integers(0, 10**6),
})  # fmt: skip
"""What is shared out below; made once, as a strategy costs more than what it draws."""
_counts: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({
    "waiting": st.integers(0, 5),
    "running": st.integers(0, 3),
    "elsewhere": st.integers(0, 3),
    "spent_tokens": st.integers(0, 10**7),
    "reserved_tokens": st.integers(0, 10**5),
    "failures": st.dictionaries(st.sampled_from(("f1", "f2")), st.integers(1, 5)),
    "samples": st.integers(0, 40),
    "history": st.dictionaries(st.sampled_from(RUNS), run_histories),
    "zero_streak": st.integers(0, 5),
    "groups": st.dictionaries(
        st.sampled_from([f"{one}/{two}" for one in CATEGORIES for two in COMPLEXITIES]),
        group_evidence,
        max_size=3,
    ),
})  # fmt: skip


@st.composite
def drain_views(draw: st.DrawFn) -> DrainView:
    """Return moments of a drain: what is ready, in work, failed, spent and known."""
    now, found = draw(instants).astimezone(UTC), draw(_moment)
    quarter = now.replace(minute=0, second=0, microsecond=0)
    phases, n_ready = found["phases"], found["n_ready"]
    n_begun = n_ready + found["n_failed"]
    return DrainView(
        now=now,
        ready=phases[:n_ready],
        next_ready_at=None if found["ready_in"] is None else now + found["ready_in"],
        runs={name: RunView(run_id=name, order=n) for n, name in enumerate(RUNS, start=1)},
        tokens_by_quarter={quarter: found["tokens"]},
        failed=[attrs.evolve(row, status=PhaseStatus.FAILED) for row in phases[n_ready:n_begun]],
        in_work=[attrs.evolve(row, status=PhaseStatus.RUNNING) for row in phases[n_begun:]],
        **draw(_counts),
    )


phase_refs = st.builds(
    PhaseRef, st.sampled_from(RUNS).map(RunId), st.sampled_from(PHASES).map(PhaseId)
)
"""Names of few phases."""

_deliverables = ("src/a.py", "create web/view.tsx", "tests/test_a.py", "docs/guide.md", "CHANGELOG")
_files = st.sampled_from(
    (("backend", True, 1.0), ("test", False, 0.5), ("doc", True, 1.0), ("config", False, 2.0))
)
features = st.lists(st.tuples(st.sampled_from(_deliverables), _files), max_size=4).flatmap(
    lambda named: st.builds(
        Features,
        category=st.sampled_from((*CATEGORIES, "unheard of")),
        complexity=st.sampled_from((*COMPLEXITIES, "maintenance")),
        deliverables=st.just(tuple(text for text, _file in named)),
        files=st.sampled_from(((), tuple(file for _text, file in named))),
        ledger=st.booleans(),
        model=st.none() | st.just("m-1"),
        prompt_tokens=st.none() | st.integers(0, 10**6),
        context_texts=st.integers(0, 12),
        goal_words=st.lists(st.sampled_from(("api_reference", "examples")), unique=True).map(tuple),
    )
)
"""What an estimator is asked: of any category, with files that were looked at or only named."""
usable_samples = st.builds(
    Sample,
    position=st.integers(1, 10**6),
    run_id=st.sampled_from(RUNS),
    phase_id=st.text("abcdefgh", min_size=1, max_size=4),
    attempt=st.integers(1, 3),
    category=st.sampled_from(CATEGORIES),
    complexity=st.sampled_from(COMPLEXITIES),
    predicted_output_tokens=st.integers(1, 60_000),
    actual_output_tokens=st.integers(1, 60_000),
    budget_tokens=st.integers(1, 64_000),
    success=st.just(True),
    estimator=st.just("deliverables"),
    estimator_version=st.just("v1"),
    deliverables=st.integers(1, 5),
)
"""Measured samples of attempts that went well, all of one estimator and version."""
unmeasured_samples = usable_samples.flatmap(
    lambda sample: st.sampled_from(
        (
            attrs.evolve(sample, actual_output_tokens=None, split="inferred"),
            attrs.evolve(sample, actual_output_tokens=None, split="total_only"),
            attrs.evolve(sample, actual_output_tokens=None),
        )
    )
)
"""Samples whose output nobody measured; no calibrator may use one."""
samples = st.one_of(
    usable_samples,
    usable_samples,
    unmeasured_samples,
    usable_samples.map(lambda sample: attrs.evolve(sample, truncated=True)),
    usable_samples.map(lambda sample: attrs.evolve(sample, success=False)),
    usable_samples.map(lambda sample: attrs.evolve(sample, is_test=True)),
)
"""What a calibrator is shown: mostly usable, some cut off, failed, unmeasured or of tests."""
