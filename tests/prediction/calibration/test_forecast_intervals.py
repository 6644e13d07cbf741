"""Forecasts: ranges, sums, prices by day and model, and what has no price."""

import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from autopack.errors import InvalidInputError
from autopack.prediction.calibration.block_errors import BlockErrors
from autopack.prediction.calibration.forecast_intervals import (
    PhaseForecast,
    UsdRange,
    forecast_of,
    in_usd,
    priced,
    range_of,
)
from autopack.prediction.calibration.price_table import PriceEntry, PriceTable
from autopack.values.money import Usd


def phase(run="r", name="p", low=50, middle=100, high=300, usd=None):
    """Return one phase's forecast."""
    return PhaseForecast(
        run_id=run,
        phase_id=name,
        model="m",
        prompt_tokens=10,
        figure=range_of(low, middle, high),
        usd=usd,
        basis="",
    )


def test_a_range():
    """What is expected is Swanson's mean, and quantiles that cross are put in order."""
    found = range_of(100, 50, 300)

    assert (50, 0.3 * 50 + 0.4 * 100 + 0.3 * 300, 300) == (found.low, found.expected, found.high)


def test_sums():
    """Where nothing is known of past sums all phases are taken to be small or large at once."""
    whole = forecast_of("c", [phase(), phase(name="q"), phase(run="s")]).whole
    one = range_of(50, 100, 300)

    assert (3, 0) == (whole.phases, whole.blocks)
    assert pytest.approx(3 * one.expected) == whole.output_tokens.expected
    assert (150, 900, 900) == (
        whole.output_tokens.low,
        whole.output_tokens.high,
        whole.most_output_tokens,
    )


def test_sums_by_what_past_sums_were_off():
    """Both ends and the middle move; costs move with what output costs, and not below nothing."""
    usd = UsdRange(low=Usd.of("1.5"), expected=Usd.of("2.5"), high=Usd.of("4"))
    errors = BlockErrors([[math.log(factor)] * 2 for factor in (1, 2, 4)] * 4, 100)
    some = [phase(usd=usd), phase(name="q", usd=usd)]
    whole, factors = forecast_of("c", some, errors).whole, errors.factors(2, 0.8)
    usual = 2 * range_of(50, 100, 300).expected

    assert (12, 12) == (whole.blocks, factors.blocks)
    assert pytest.approx(2) == factors.middle
    assert pytest.approx(2 * usual) == whole.output_tokens.expected
    assert pytest.approx(usual * factors.high) == whole.output_tokens.high
    assert pytest.approx(5 + 0.01 * usual) == float(whole.usd.expected)
    assert 0 <= whole.usd.low < whole.usd.expected < whole.usd.high


def test_one_phase_alone_keeps_its_own_ends():
    """What sums are off says less of one phase than its own quantiles."""
    errors = BlockErrors([[0.0], [1.0], [2.0]], 100)

    assert range_of(50, 100, 300) == forecast_of("c", [phase()], errors).whole.output_tokens


def test_runs_apart():
    """Each run has its own sum."""
    found = forecast_of("c", [phase(), phase(name="q"), phase(run="s")])

    assert {"r": 2, "s": 1} == {run: total.phases for run, total in found.runs.items()}


def test_what_has_no_price():
    """It is counted, and the sum is of those that have one."""
    usd = UsdRange(low=Decimal(1), expected=Decimal("2.1"), high=Decimal(4))
    whole = forecast_of("c", [phase(usd=usd), phase(name="q")]).whole

    assert (1, 4.0) == (whole.unpriced, whole.most_usd)
    assert usd == whole.usd


def test_nothing_queued():
    """The sum over nothing is nothing, and costs nothing that is known."""
    whole = forecast_of("c", []).whole

    assert (0, 0.0, None) == (whole.phases, whole.output_tokens.expected, whole.usd)


@pytest.mark.parametrize(
    ("prompt", "price", "expected"),
    [
        (None, Decimal(1), Decimal(1)),
        (10, None, None),
        (10, Decimal("0.5"), Decimal("0.5")),
    ],
)
def test_pricing(prompt, price, expected):
    """A cost is what the price says, which may know how inputs go with outputs."""
    found = priced(range_of(1, 2, 3), prompt, "m", lambda model, given, written: price)

    assert expected == (found and found.expected)


def entry(model="m", since="2026-01-01", given=3.0, written=15.0, **fields):
    """Return a price entry."""
    return PriceEntry(model=model, since=since, input=given, output=written, **fields)


def usd(table, model="m", day="2026-06-01", **tokens):
    """Return what a call of a million tokens in and out costs on a day."""
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    sizes = {"input_tokens": 1_000_000, "output_tokens": 1_000_000} | tokens
    return table.usd(model, at, **sizes)


def test_prices_by_day():
    """The latest entry that has begun holds; before the first, nothing is known."""
    table = PriceTable(entries=[entry(), entry(since="2026-05-01", given=1.0, written=2.0)])

    assert [None, 18.0, 3.0] == [
        usd(table, day=day) for day in ("2025-12-31", "2026-04-30", "2026-05-01")
    ]


def test_prices_by_model():
    """The longest name decides, and an unknown model has no price."""
    table = PriceTable(entries=[entry("m*"), entry("m-large", given=9.0)])

    assert [18.0, 24.0, None, None] == [usd(table, m) for m in ("m-2", "m-large", "n", None)]


def test_prices_of_caches():
    """Input from and to a cache has its own price, else that of ordinary input."""
    own = PriceTable(entries=[entry(cache_read=0.3, cache_write=6.0)])
    plain = PriceTable(entries=[entry()])
    cached = {"cache_read_tokens": 500_000, "cache_write_tokens": 250_000, "output_tokens": 0}

    assert Decimal("2.4") == usd(own, **cached)
    assert Decimal(3) == usd(plain, **cached)


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"given": -1.0}, "input is -1.0"), ({"written": math.inf}, "output is inf"),
     ({"since": "soon"}, "'soon' is no day")],
)  # fmt: skip
def test_prices_that_are_none(fields, message):
    """They are refused by name and value."""
    with pytest.raises(InvalidInputError, match=message):
        entry(**fields)


def test_another_measure():
    """Costs are summed and told exactly; of output tokens such a forecast says nothing."""
    some = [
        PhaseForecast(
            run_id="r", phase_id=name, model=None, prompt_tokens=None, basis="", by="cost_usd",
            figure=range_of(0.01, 0.02, 0.04), usd=in_usd(range_of(0.01, 0.02, 0.04)),
        )
        for name in ("p", "q")
    ]  # fmt: skip
    whole = forecast_of("c", some, by="cost_usd").whole

    assert (Usd.of("0.02"), Usd.of("0.08"), Usd.of("0.08")) == (
        whole.usd.low, whole.usd.high, whole.most_usd,
    )  # fmt: skip
    assert ("cost_usd", 0) == (whole.by, whole.unpriced)
    for one in (some[0], whole):
        with pytest.raises(InvalidInputError, match="by cost_usd, and says nothing of output"):
            one.output_tokens  # noqa: B018
