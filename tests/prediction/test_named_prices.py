"""Prices by the names under which plugins register them."""

import pytest

import autopack
from autopack import PhaseSpec, hookimpl, load_plugins
from autopack.errors import InvalidInputError
from autopack.events import LlmUsageRecorded
from autopack.prediction.calibration.price_entry import PriceEntry
from autopack.prediction.calibration.price_table import PriceTable
from autopack.prediction.named_prices import prices_kept, prices_named

ENTRY = PriceEntry(model="m", since="2026-01-01", input=3, output=15)


class Source:
    """Knows one model."""

    version = "source 1"

    def entries(self, model, provider):
        return (ENTRY,) if model == "m" else ()


class Registers:
    """A table, a source, and what is neither."""

    @hookimpl
    def autopack_register_prices(self, register):
        register("table", PriceTable(entries=(ENTRY,)))
        register("source", Source())
        register("neither", object())


@pytest.fixture
def plugins():
    return load_plugins(extra=[Registers()])


def test_a_table_or_a_source_is_known_by_its_name(plugins):
    """A log keeps a table's entries, and of a source how it is found again."""
    table, source = (prices_named(plugins, name) for name in ("table", "source"))

    assert table == prices_kept(plugins, table.kept())
    assert {"name": "source", "version": "source 1"} == source.kept()
    assert "source 1" == prices_kept(plugins, source.kept()).version


def test_what_is_no_prices_is_refused(plugins):
    """By the name that was asked for."""
    with pytest.raises(InvalidInputError, match="neither', is no table of prices"):
        prices_named(plugins, "neither")


def test_a_name_that_nobody_registered_is_refused_with_those_that_are(plugins):
    """It may be a file's name without its ending, too."""
    with pytest.raises(InvalidInputError, match=r"no file sauce, .*source") as caught:
        autopack.read_prices("sauce", plugins=plugins)

    assert ("prices", "sauce") == (caught.value.name, caught.value.value)


def test_a_drain_takes_them_by_their_name(plugins):
    """As a report of usage does, and own loops; a name that nobody registered is met with one."""

    def work(_phase, attempt):
        attempt.record_usage(call_id="c", model="m", input_tokens=1_000_000, output_tokens=0)

    with autopack.create_log("memory:", plugins=plugins) as log:
        autopack.create_run(log, "r", [PhaseSpec("a"), PhaseSpec("b")])
        autopack.drain(log, executor=work, prices="source", max_phases=1)
        with autopack.attempt(log, "r/b", prices="table") as attempt:
            work(None, attempt)
        with pytest.raises(InvalidInputError, match="Did you mean 'source'") as caught:
            autopack.drain(log, executor=work, prices="sourse")
        calls = [one.event for one in log.read_all(types=[LlmUsageRecorded])]

    assert [("3", "source 1")] == [(str(c.cost_usd), c.price_table) for c in calls[:1]]
    assert ["3", "3"] == [str(call.cost_usd) for call in calls]
    assert ("prices", "sourse") == (caught.value.name, caught.value.value)
