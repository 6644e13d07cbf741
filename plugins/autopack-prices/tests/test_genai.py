"""Prices by the package genai-prices, where that is installed."""

import importlib.util
from datetime import UTC, datetime
from decimal import Decimal

import pytest

import autopack
from autopack import PhaseSpec
from autopack.errors import DrainRefusedError
from autopack.testing.facts import usage

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
    from autopack_prices.genai import usd_of

    size = {"input_tokens": 1000, "output_tokens": 1000}
    odd = usage(request_model="no such model at all", **size)
    half = usage(request_model="gpt-4o", **{**size, "output_tokens": None})
    answered = usage(request_model="no such model at all", response_model="gpt-4o", **size)

    assert [None, None, Decimal("0.0125")] == [usd_of(one, JUNE) for one in (odd, half, answered)]


@pytest.mark.skipif(IS_THERE, reason="genai-prices is installed")
def test_without_the_package_the_drain_is_refused(log):
    """Before anything is written, with what to install."""
    with pytest.raises(DrainRefusedError, match=r"autopack-prices\[genai\]"):
        autopack.drain(log, executor=execute)
