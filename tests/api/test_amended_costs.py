"""What an amended call costs: as it is told, else as it would have been priced at its moment."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

import autopack
from autopack import ANY, PhaseSpec, hookimpl, load_plugins
from autopack.events.usage import usage_id
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.prediction.calibration.price_entry import PriceEntry
from autopack.prediction.calibration.price_table import PriceTable
from autopack.testing.facts import usage
from autopack.types import NewEvent

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
MILLION = 1_000_000
TABLE = PriceTable(
    name="ours",
    entries=(
        PriceEntry(model="m", since="2026-01-01", input=3, output=15, cache_read="0.3"),
        PriceEntry(model="m", since="2026-06-01", input=1, output=5),
    ),
)


@pytest.fixture
def log():
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", [PhaseSpec("a", model="m")], caps={"usd": 900})
        yield log


def drained(log, prices=TABLE, **figures):
    """Drain the phase, whose one call was made in March."""

    def work(_phase, attempt):
        told = {"input_tokens": MILLION, **figures}
        attempt.record_usage(call_id="c", model="m", occurred_at=MARCH, **told)

    autopack.drain(log, executor=work, prices=prices)


def amended(log, **figures):
    """Amend the call; return what it costs since, of which source."""
    event = autopack.amend_usage(log, call_id="c", why="the bill", **figures).event
    (row,) = autopack.view(log, "usage").rows.values()
    used = next(cap.used for cap in autopack.get_caps(log, "r") if cap.unit == "usd")

    assert (row.cost_usd or 0) == used
    assert event.cost_usd is None or event.cost_usd == row.cost_usd
    return row.cost_usd, row.cost_source, row.price_table


def test_a_computed_cost_is_that_of_the_new_figures_at_the_calls_moment(log):
    """By the table of its drain, and not by today's price."""
    drained(log, output_tokens=0)

    assert (Decimal(18), "computed", TABLE.version) == amended(log, output_tokens=MILLION)


def test_each_amendment_builds_on_those_before(log):
    """What the second leaves out is as the first left it."""
    drained(log, output_tokens=0)
    amended(log, input_tokens=2 * MILLION, split="inferred")
    amended(log, cache_read_tokens=MILLION)
    cost, *_ = amended(log, output_tokens=MILLION)

    assert Decimal("18.3") == cost
    assert "inferred" == autopack.usage(log).total.use.weakest_split


def test_figures_that_come_later_are_priced(log):
    """A call that half was known of had no price."""
    drained(log)
    before = autopack.usage(log).total.cost_usd

    assert before is None
    assert (Decimal(18), "computed", TABLE.version) == amended(log, output_tokens=MILLION)


def test_a_cost_that_was_reported_stays(log):
    """Whoever told it knows better than a table; also where it came with an amendment."""
    drained(log, output_tokens=0)

    assert (Decimal(2), "reported", None) == amended(log, cost_usd=2)
    assert (Decimal(2), "reported", None) == amended(log, output_tokens=MILLION)


def test_what_is_no_count_changes_no_price(log):
    """How the figures are known says nothing of the cost."""
    drained(log, output_tokens=0)

    assert (Decimal(3), "computed", TABLE.version) == amended(log, split="inferred")


def test_a_call_that_was_imported_is_not_priced(log):
    """As it was not when it came in: `usage --prices` says what it would cost."""
    event = usage("c", phase_id="a", run_id="r", request_model="m", input_tokens=MILLION)
    new = NewEvent(event=event, event_id=usage_id(None, "c"), occurred_at=MARCH)
    log.append("phase-r/a", [new], expected_version=ANY)

    assert (None, "unknown", None) == amended(log, output_tokens=MILLION)
    assert Decimal(18) == autopack.usage(log, prices=TABLE).repricing.total.table_usd


class Priced:
    """A plugin that has a price until it has none."""

    price = Decimal(7)

    @hookimpl
    def autopack_price_usage(self, usage):
        return self.price


def test_a_price_that_nobody_knows_any_more_stays_as_it_was():
    """Of the figures before: whose it is stands beside it."""
    plugin = Priced()
    log = Log(MemoryBackend(), registry=load_plugins(extra=[plugin]))
    autopack.create_run(log, "r", [PhaseSpec("a", model="m")], caps={"usd": 900})
    drained(log, prices=None, output_tokens=0)
    plugin.price = None

    assert (Decimal(7), "computed", "plugin Priced") == amended(log, output_tokens=MILLION)
