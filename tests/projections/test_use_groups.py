"""What calls used, in groups: the sums are the account's, and what nobody told is no 0."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.projections.call_use import Use
from autopack.projections.calls import CallRow
from autopack.projections.use_groups import UsageRow, grouped, total_of
from autopack.values.money import Usd


def call(call_id="c", **fields):
    cost = fields.pop("cost_usd", None)
    return CallRow(call_id=call_id, cost_usd=None if cost is None else Usd.of(cost), **fields)


def by_model(*calls):
    return grouped(calls, ["model"], lambda one: (one.model,))


calls = st.builds(
    call,
    model=st.sampled_from((None, "a", "b")),
    cost_usd=st.none() | st.integers(0, 64).map(lambda n: Decimal(n) / 8),
    cost_source=st.sampled_from(("reported", "computed")),
    input_tokens=st.none() | st.integers(0, 99),
    cache_read_tokens=st.none() | st.integers(0, 9),
    split=st.sampled_from(("measured", "inferred", "total_only")),
    is_told=st.booleans(),
)


@given(st.lists(calls))
def test_groups_are_parts_of_the_whole(found):
    """Each call is in one group; a call that only an amendment names is in none."""
    rows = by_model(*found)
    whole = Use()
    for one in found:
        whole = whole.plus(one)

    assert whole == total_of(rows).use
    assert len(rows) == len({one.model for one in found if one.is_told})
    assert all(row.use.calls for row in rows)


def test_what_nobody_told_is_no_cost():
    """None where no call has a cost, and what is known where some have."""
    none, some, free = by_model(
        call(model="none"),
        call(model="some", cost_usd="0.5"),
        call(model="some"),
        call(model="free", cost_usd=0),
    )[::-1]
    found = {row.group["model"]: row for row in (none, some, free)}

    assert found["none"].cost_usd is None
    assert found["none"].reported_usd is None
    assert (Usd("0.5"), 1) == (found["some"].cost_usd, found["some"].use.calls_without_cost)
    assert Usd("0") == found["free"].cost_usd == found["free"].priced_usd


def test_reported_and_priced_are_told_apart():
    """A price table's word is not the provider's."""
    [row] = by_model(
        call("c1", cost_usd="0.5", cost_source="reported"),
        call("c2", cost_usd="0.25", cost_source="computed"),
    )

    assert (Usd("0.75"), Usd("0.5"), Usd("0.25")) == (
        row.cost_usd,
        row.reported_usd,
        row.priced_usd,
    )


@pytest.mark.parametrize(
    ("found", "share"),
    [
        ([], None),
        ([call(input_tokens=10)], None),
        ([call(input_tokens=10, cache_read_tokens=0)], 0.0),
        ([call(input_tokens=10, cache_read_tokens=4), call("d", input_tokens=90)], 0.4),
        ([call(input_tokens=0, cache_read_tokens=0)], None),
    ],
)
def test_the_cached_share_is_of_the_calls_that_told(found, share):
    """Who does not say what came from a cache has not said that nothing did."""
    assert share == total_of(by_model(*found)).cached_share


def test_days_are_in_order_and_of_a_day_the_dearest_is_first():
    """Whatever the order in which calls were recorded."""
    found = [
        call(model="cheap", quarter="2", cost_usd="0.1"),
        call(model="dear", quarter="2", cost_usd="0.2"),
        call(model="large", quarter="1", input_tokens=9, output_tokens=9),
        call(model="small", quarter="1", input_tokens=1, output_tokens=1),
    ]
    rows = grouped(found, ["day", "model"], lambda one: (one.quarter, one.model))

    assert ["large", "small", "dear", "cheap"] == [row.group["model"] for row in rows]


def test_the_sum_of_no_rows_is_nothing():
    """And its cost is 0, for there is nothing that it does not know."""
    assert UsageRow() == total_of([])
    assert Usd("0") == total_of([]).cost_usd
