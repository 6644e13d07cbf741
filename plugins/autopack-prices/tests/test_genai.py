"""Prices by the package genai-prices, where that is installed."""

import importlib.util
import itertools
import json
import socket
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

import pytest
from click.testing import CliRunner

import autopack
from autopack import ANY, PhaseSpec
from autopack.cli.main import autopack as command
from autopack.errors import DrainRefusedError
from autopack.testing.facts import usage
from autopack.types import PricedCall
from autopack.values.money import Usd

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
IS_THERE = importlib.util.find_spec("genai_prices") is not None
needs_genai = pytest.mark.skipif(not IS_THERE, reason="genai-prices is not installed")


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPACK_PRICES", "genai-prices")
    with autopack.create_log(tmp_path / "work.db") as log:
        given = {"category": "docs", "complexity": "low", "prompt_tokens": 1000}
        autopack.create_run(log, "r", [PhaseSpec("p", model="gpt-4o", **given)])
        yield log


def execute(_phase, attempt):
    """Tell tokens, and no cost."""
    attempt.record_usage(model="gpt-4o", input_tokens=1000, output_tokens=1000)


@needs_genai
def test_a_drain_is_priced_by_it(log):
    """A cap in USD is kept without a table of one's own."""
    report = autopack.drain(log, executor=execute, max_usd=5)

    assert (1, 0) == (report.completed, report.unpriced_calls)
    assert Decimal("0.0125") == report.cost_usd


@needs_genai
def test_what_it_does_not_know_has_no_price():
    """An odd model, and a call that is half known."""
    table = autopack.read_prices("genai")
    size = {"input_tokens": 1000, "output_tokens": 1000}
    odd = usage(request_model="no such model at all", **size)
    half = usage(request_model="gpt-4o", **{**size, "output_tokens": None})
    answered = usage(request_model="no such model at all", response_model="gpt-4o", **size)

    assert [None, None, Decimal("0.0125")] == [
        table.price(one, JUNE) for one in (odd, half, answered)
    ]


MOMENTS = [
    datetime(2024, 6, 1, 3, tzinfo=UTC),
    datetime(2026, 3, 1, 17, 30, tzinfo=UTC),
    datetime(2026, 11, 28, 0, 40, tzinfo=UTC),
]
SIZES = [(1000, 200, 100, 50, 0), (300_001, 7, 200_000, 1000, 500), (100_001, 3, 1, 0, 0)]
"""Input, output, reads from a cache, writes to one, those that are kept for an hour."""
TERMS = [{}, {"processing": "batch"}, {"service_tier": "flex"}, {"speed": "fast"}]


def theirs(provider, model, terms, at, size):
    """Return what the package itself says; None if it does not know its own name of a model."""
    from genai_prices import Usage, calc_price

    names = (
        "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
        "cache_write_1h_tokens",
    )  # fmt: skip
    try:
        found = calc_price(
            Usage(**dict(zip(names, size, strict=True))),
            model.id,
            provider_id=provider.id,
            genai_request_timestamp=at,
            price_context=terms,
        )
    except LookupError:
        return None
    return Usd.computed(found.total_price)


@needs_genai
def test_every_model_costs_what_the_package_itself_says():
    """By day, hour of the day, size of the input, cache and terms, to the pico-dollar."""
    from genai_prices.data import providers

    table = autopack.read_prices("genai")
    priced, differ = 0, []
    for provider, model in ((one, model) for one in providers for model in one.models):
        variants = [one.when for one in model.price_variants or ()]
        for terms, at, size in itertools.product(TERMS, MOMENTS, SIZES):
            if terms and terms not in variants:
                continue
            told = dict(zip(("input_tokens", "output_tokens"), size, strict=False))
            call = PricedCall(
                models=(model.id,), provider=provider.id, cache_read_tokens=size[2],
                cache_write_tokens=size[3], cache_write_1h_tokens=size[4], reasoning_tokens=0,
                terms=terms, **told,
            )  # fmt: skip
            usd = table.quote(call, at).usd
            if usd is None:
                continue  # rather none than one that is nearly right
            expected = theirs(provider, model, terms, at, size)
            priced += expected is not None
            if expected not in (None, usd):
                differ.append((provider.id, model.id, terms, at, size, usd, expected))

    assert [] == differ
    assert priced > 15_000


@needs_genai
def test_the_version_of_the_package_is_recorded(log):
    """With each price, so that an old figure can be explained after an update."""
    autopack.drain(log, executor=execute)
    (call,) = [one.event for one in log.read_all() if one.type == "llm.usage_recorded"]

    assert f"genai-prices {version('genai-prices')}" == call.price_table


@needs_genai
def test_a_drain_is_resumed_with_the_prices_that_it_named(tmp_path):
    """The log keeps their name and version, and none of their thousands of entries."""
    with autopack.create_log(tmp_path / "named.db") as log:
        autopack.create_run(log, "r", [PhaseSpec(name, model="gpt-4o") for name in "ab"])
        autopack.drain(log, executor=execute, prices="genai", max_phases=1)
        kept = next(one.event for one in log.read_all() if one.type == "drain.started").settings
        autopack.drain(log, executor=execute, resumes="last", max_phases=2)
        costs = [one.event.cost_usd for one in log.read_all() if one.type == "llm.usage_recorded"]

    assert {"name": "genai", "version": f"genai-prices {version('genai-prices')}"} == (
        kept["prices"]
    )
    assert [Decimal("0.0125")] * 2 == costs


@needs_genai
def test_a_history_is_priced_by_its_name(log):
    """On the command line, where nothing was recorded of its cost."""
    log.append("run-r", [usage("c", request_model="gpt-4o", input_tokens=1000, output_tokens=1000)],
               expected_version=ANY)  # fmt: skip
    shown = CliRunner().invoke(
        command, ["--log", log.target, "usage", "--prices", "genai", "--json"]
    )
    found = json.loads(shown.stdout)["repricing"]

    assert 0.0125 == found["total"]["table_usd"]
    assert f"genai-prices {version('genai-prices')}" == found["table"]


@needs_genai
def test_nothing_is_fetched(monkeypatch):
    """Prices come from the installed package alone."""
    monkeypatch.setattr(socket, "socket", None)

    assert autopack.read_prices("genai").usd("gpt-4o", JUNE, input_tokens=1000, output_tokens=0)


@pytest.mark.skipif(IS_THERE, reason="genai-prices is installed")
def test_without_the_package_the_drain_is_refused(log):
    """Before anything is written, with what to install."""
    with pytest.raises(DrainRefusedError, match=r"autopack-prices\[genai\]"):
        autopack.drain(log, executor=execute)
