"""Usage: what calls used, unknown kept apart from nothing, guesses apart from measurements."""

from decimal import Decimal
from functools import reduce

import attrs
from hypothesis import given
from hypothesis import strategies as st

from autopack.events import LlmUsageAmended, LlmUsageRecorded
from autopack.log import views
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, journal_of
from autopack.plugins.discovery import load_plugins
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.call_use import Use
from autopack.projections.calls import USAGE
from autopack.testing.facts import append_all, usage
from autopack.testing.generators import events_of

REGISTRY = load_plugins()
FEW = {
    "run_id": st.sampled_from((None, "r1", "r2")),
    "phase_id": st.sampled_from((None, "a")),
    "call_id": st.sampled_from("abc"),
    "provider": st.sampled_from((None, "acme")),
    "cost_usd": st.none() | st.integers(0, 64).map(lambda n: Decimal(n) / 8),
}
calls = events_of(LlmUsageRecorded, **FEW)
amendments = events_of(LlmUsageAmended, **FEW)


@attrs.frozen
class Used:
    """The calls by their keys, and the sums over them."""

    rows: dict
    calls: list
    total: Use


def used(*events):
    """Return what calls used, after events."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    append_all(log, events)
    view = views.replay(journal_of(log), ATTEMPTS)
    calls = [item for row in view.rows.values() for item in row.calls.items()]
    return Used(dict(calls), [call for _key, call in calls], view.total.all.use)


def usage_total(events):
    """Return the sums over the calls one by one."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    append_all(log, events)
    return views.replay(journal_of(log), USAGE).total


def amended(call_id="c1", **fields):
    named = {"run_id": "r1", "phase_id": "a", "call_id": call_id}
    return LlmUsageAmended(**named, why="the bill came", **fields)


def test_calls_are_summed():
    """Tokens and cost add up; late calls count, and are counted."""
    total = used(
        usage("c1", input_tokens=10, output_tokens=5, total_tokens=15, cost_usd=Decimal("0.5")),
        usage("c2", input_tokens=1, output_tokens=2, late=True, cost_usd=Decimal("0.25")),
    ).total

    assert (2, 1, 18, 11, 7, 0.75) == (
        total.calls,
        total.late_calls,
        total.total_tokens,
        total.input_tokens,
        total.output_tokens,
        total.cost_usd,
    )


def test_unknown_is_not_nothing():
    """What no call gave adds nothing and is counted as unknown; 0, and a part, are known."""
    total = used(
        usage("c1"), usage("c2", input_tokens=5), usage("c3", total_tokens=0, cost_usd=Decimal(0))
    )

    assert (2, 5) == (total.total.calls_without_total, total.total.total_tokens)
    assert (2, 0.0) == (total.total.calls_without_cost, total.total.cost_usd)
    assert total.rows["\x00c1"].output_tokens is None


def test_guesses_are_kept_apart():
    """An inferred split never looks like a measured one."""
    total = used(
        usage("c1", output_tokens=5),
        usage("c2", output_tokens=60, split="inferred"),
        usage("c3", total_tokens=100, split="total_only"),
    ).total

    assert (5, 60) == (total.measured_output_tokens, total.inferred_output_tokens)
    assert {"measured": 1, "inferred": 1, "total_only": 1} == total.by_split


def test_an_amended_part_makes_the_total_anew():
    """A total that was reported with the old figures is not that of the new ones."""
    view = used(
        usage("c1", input_tokens=10, output_tokens=5, total_tokens=15), amended(output_tokens=9)
    )

    assert (19, 0) == (view.total.total_tokens, view.total.calls_without_total)


def test_an_amendment_replaces_what_it_gives():
    """The last figures count; what the amendment does not say stays."""
    view = used(
        usage("c1", input_tokens=10, output_tokens=5, cost_usd=Decimal("0.5")),
        amended(output_tokens=9, split="inferred"),
    )
    row = view.rows["\x00c1"]

    assert (10, 9, 0.5, "inferred", 1) == (
        row.input_tokens,
        row.output_tokens,
        row.cost_usd,
        row.split,
        row.amended,
    )
    assert (1, 9, 0, 9) == (
        view.total.calls,
        view.total.output_tokens,
        view.total.measured_output_tokens,
        view.total.inferred_output_tokens,
    )


def test_an_amendment_leaves_nothing_of_what_it_replaces():
    """Neither in the counts by split, nor in those by quarter of an hour."""
    events = [usage("c1", output_tokens=5, split="inferred"), amended(output_tokens=9)]
    log = Log(MemoryBackend(), registry=REGISTRY)
    append_all(log, events)
    (quarter,) = views.replay(journal_of(log), ATTEMPTS).total.by_quarter.values()
    total = used(*events).total

    assert ({"measured": 1}, "measured") == (total.by_split, total.weakest_split)
    assert (1, 9) == (quarter.calls, quarter.tokens)


def test_a_call_that_comes_after_its_amendment_keeps_what_that_gave():
    """Its price too, with whose it is; in an import one may stand before the other."""
    view = used(
        amended(cost_usd=Decimal("0.5"), output_tokens=9),
        usage(
            "c1", input_tokens=10, output_tokens=5, total_tokens=15,
            cost_usd=Decimal("0.25"), cost_source="computed",
        ),
    )  # fmt: skip
    row, total = view.rows["\x00c1"], view.total

    assert (Decimal("0.5"), "reported", 19) == (row.cost_usd, row.cost_source, row.total)
    assert (1, 19, Decimal("0.5"), 0) == (
        total.calls, total.total_tokens, total.cost_usd, total.computed_pico_usd,
    )  # fmt: skip


def test_an_amendment_of_an_unknown_call_makes_none():
    """There is nothing to amend."""
    assert 0 == used(amended("c9", output_tokens=9)).total.calls


def test_a_call_is_known_by_its_provider_and_id():
    """Two providers may use the same id; one call told twice counts once, as it was told first."""
    view = used(
        usage("c1", output_tokens=1),
        usage("c1", output_tokens=2, provider="acme"),
        usage("c1", output_tokens=3),
    )

    assert {"\x00c1", "acme\x00c1"} == set(view.rows)
    assert (2, 3) == (view.total.calls, view.total.output_tokens)


def test_the_answering_model_counts():
    """Where the answer names its model, that one was used."""
    rows = used(
        usage("c1", request_model="m", response_model="m-2026"), usage("c2", request_model="m")
    ).rows

    assert ["m-2026", "m"] == [row.model for row in rows.values()]


@given(events=st.lists(calls | amendments, max_size=15))
def test_the_sums_are_those_of_the_rows(events):
    """Whatever was recorded, repeated and amended, the total is the sum over the calls."""
    view = used(*events)

    assert reduce(Use.plus, view.calls, Use()) == view.total
    assert view.total == usage_total(events)
