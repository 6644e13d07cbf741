"""Histories by a table: exact sums, differences that are explained, and nothing that is 0."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autopack
from autopack import ANY, NewEvent
from autopack.events import LlmUsageAmended
from autopack.prediction.calibration.price_entry import PriceEntry
from autopack.prediction.calibration.price_table import PriceTable
from autopack.testing.facts import usage

MARCH, JULY = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
MILLION = 1_000_000
TABLE = PriceTable(
    name="ours",
    entries=(
        PriceEntry(
            model="m", since="2026-01-01", input=3, output=15, cache_read="0.3",
            cache_write="3.75", cache_write_1h=6,
        ),
        PriceEntry(model="m", since="2026-06-01", input=1, output=5),
        PriceEntry(model="n*", since="2026-01-01", input="0.1", output="0.7"),
    ),
)  # fmt: skip


def told(*calls):
    """Return a log of calls, each with its moment."""
    log = autopack.create_log("memory:")
    events = [NewEvent(event=event, occurred_at=at) for at, event in calls]
    log.append("phase-r/a", events, expected_version=ANY)
    return log


def call(name, model="m", **fields):
    """Return a call with a million tokens of input and of output."""
    size = {"input_tokens": MILLION, "output_tokens": MILLION}
    return usage(name, **{"request_model": model, **size, **fields})


def test_each_call_has_the_price_of_its_moment():
    """Beside what was recorded, which stays; what has no price is counted by model, and is no 0."""
    with told(
        (MARCH, call("a", cost_usd=18)),
        (JULY, call("b")),
        (JULY, call("c", "unheard")),
        (JULY, call("d", "other", output_tokens=None)),
    ) as log:
        before = log.head()
        found = autopack.usage(log, by="model", prices=TABLE)
        rows = {row.group["model"]: row for row in found.repricing.rows}

        assert (Decimal(24), None, None) == tuple(
            rows[name].table_usd for name in ("m", "unheard", "other")
        )
        assert {
            "other": {"tokens that nobody told": 1},
            "unheard": {"no entry for the model": 1},
        } == found.repricing.total.unpriced
        assert (Decimal(18), Decimal(18), 1) == (
            rows["m"].compared_usd, rows["m"].compared_table_usd, rows["m"].compared_calls,
        )  # fmt: skip
        assert (TABLE.version, ()) == (found.repricing.table, found.repricing.differences)
        assert before == log.head()


def test_amended_figures_are_priced_anew():
    """The last ones count, as in every sum."""
    more = LlmUsageAmended(call_id="a", why="late", output_tokens=2 * MILLION)
    run = {"run_id": None, "phase_id": None}
    with told((MARCH, call("a", **run)), (JULY, more)) as log:
        total = autopack.usage(log, prices=TABLE).repricing.total

        assert Decimal(33) == total.table_usd


def test_what_was_not_measured_is_counted():
    """A guess has a price, and is said to be one."""
    with told((JULY, call("a", split="inferred")), (JULY, call("b"))) as log:
        total = autopack.usage(log, prices=TABLE).repricing.total

        assert (2, 1) == (total.priced_calls, total.guessed_calls)


CACHED = {"cache_write_tokens": 500_000, "cache_read_tokens": 400_000}
HOUR = {"source_fields": {"cache_write_1h_tokens": 500_000}}


@pytest.mark.parametrize(
    ("recorded", "fields", "cause"),
    [
        ("9", {}, "each call at half the price: a batch"),
        ("14.4", {}, "each call at 80% of the table's price: a discount, or other prices"),
        ("27", {}, "each call at 150% of the table's price: a surcharge, or other prices"),
        ("0", {}, "it was recorded as free"),
        ("18.42", CACHED, "cache writes were charged as kept for an hour"),
        ("17.295", {**CACHED, **HOUR}, "cache writes were charged as kept for minutes"),
        ("18", {"cache_read_tokens": MILLION}, "input of the cache was charged as ordinary input"),
    ],
)
def test_a_difference_is_explained(recorded, fields, cause):
    """By another reading of the same calls, or by what is the same of each."""
    with told((MARCH, call("a", cost_usd=recorded, **fields))) as log:
        (one,) = autopack.usage(log, prices=TABLE).repricing.differences

        assert ("m", 1, Decimal(recorded)) == (one.model, one.calls, one.recorded_usd)
        assert cause == one.cause


@pytest.mark.parametrize(("recorded", "n"), [("18.9", 0), ("17.1", 1), ("17.2", 0), ("17", 1)])
def test_small_differences_are_not_told(recorded, n):
    """Up to 5 % of what was recorded."""
    with told((MARCH, call("a", cost_usd=recorded))) as log:
        found = autopack.usage(log, prices=TABLE).repricing.differences

        assert n == len(found)


def test_differences_without_one_reading_have_no_cause():
    """Each call differs otherwise."""
    calls = [(MARCH, call(name, cost_usd=usd)) for name, usd in (("a", 9), ("b", 40))]
    with told(*calls) as log:
        (one,) = autopack.usage(log, prices=TABLE).repricing.differences

        assert (2, None) == (one.calls, one.cause)


CALLS = st.lists(
    st.tuples(
        st.sampled_from([MARCH, JULY]),
        st.sampled_from(["m", "n1", "n2", "unheard"]),
        st.integers(0, 10**7),
        st.integers(0, 10**7),
        st.sampled_from([None, "0.1", "7.000000000001"]),
        st.sampled_from(["measured", "inferred"]),
    ),
    max_size=12,
)


def history(calls, order=None):
    """Return a log of drawn calls, told in an order."""
    events = [
        (at, call(f"c{n}", model, input_tokens=given, output_tokens=written, cost_usd=usd,
                  split=split))
        for n, (at, model, given, written, usd, split) in enumerate(calls)
    ]  # fmt: skip
    return told(*(events if order is None else [events[n] for n in order]))


@given(calls=CALLS, by=st.lists(st.sampled_from(["model", "day", "run", "provider"]), unique=True))
def test_parts_come_to_the_whole_in_any_grouping(calls, by):
    """To the pico-dollar."""
    with history(calls) as log:
        found = autopack.usage(log, by=by, zone="UTC", prices=TABLE).repricing
        alone = autopack.usage(log, by=(), prices=TABLE).repricing

    assert alone.total == found.total
    if by:
        assert (found.total.table_usd or 0) == sum(row.table_usd or 0 for row in found.rows)
        assert found.total.unpriced_calls == sum(row.unpriced_calls for row in found.rows)
        assert found.total.compared_usd == sum(row.compared_usd for row in found.rows)


@given(calls=CALLS, data=st.data())
def test_the_order_of_events_does_not_matter(calls, data):
    """Told in any order, the sums and the differences are the same."""
    order = data.draw(st.permutations(range(len(calls))))
    with history(calls) as one, history(calls, order) as other:
        found = [autopack.usage(log, zone="UTC", prices=TABLE).repricing for log in (one, other)]

    assert found[0] == found[1]


def test_the_table_in_force_gives_what_was_recorded(tmp_path):
    """To the pico-dollar, with its version beside each cost; another table changes neither."""

    def work(phase, attempt):
        for n in range(3):
            attempt.record_usage(
                call_id=f"{phase.key}{n}", model="n1", input_tokens=1_234_567 + n, output_tokens=89
            )

    with autopack.create_log(tmp_path / "work.db") as log:
        autopack.create_run(log, "r", [autopack.PhaseSpec(name, model="n1") for name in "ab"])
        autopack.drain(log, executor=work, prices=TABLE)
        found = autopack.usage(log, prices=TABLE)
        calls = [r.event for r in log.read_all() if r.type == "llm.usage_recorded"]

        assert found.total.priced_usd == found.repricing.total.table_usd
        assert found.repricing.differences == ()
        assert 6 == found.repricing.total.compared_calls
        assert {(TABLE.version, "computed")} == {(c.price_table, c.cost_source) for c in calls}
