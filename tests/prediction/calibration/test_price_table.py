"""Dated prices: whose they are, which names mean a model, and what a long call costs."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from autopack.errors import InvalidInputError
from autopack.events.usage import terms_of
from autopack.prediction.calibration.price_entry import LongInputPrice, PriceEntry
from autopack.prediction.calibration.price_table import PricedCall, PriceTable
from autopack.testing.facts import usage

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
MILLION = 1_000_000


def entry(model="claude-opus-4-8", **fields):
    """Return what a model costs: 3 dollars a million in, 15 out."""
    return PriceEntry(**{"model": model, "since": "2026-01-01", "input": 3, "output": 15, **fields})


def usd(table, model="claude-opus-4-8", **tokens):
    """Return what a call costs by a table."""
    return table.usd(model, JUNE, **{"input_tokens": MILLION, "output_tokens": 0, **tokens})


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-4-8",
        "Claude-Opus-4-8",
        "anthropic/claude-opus-4-8",
        "openrouter/anthropic/claude-opus-4-8",
        "anthropic:claude-opus-4-8",
        "us.anthropic.claude-opus-4-8-v1:0",
        "bedrock/eu.anthropic.claude-opus-4-8-v2:0",
        "claude-opus-4-8@20260101",
        "claude-opus-4-8[1m]",
        "opus",
        "anthropic/opus",
        "opus-5-preview",
    ],
)
def test_a_model_is_known_by_all_its_names(name):
    """Aliases, and whatever vendors put before and behind."""
    table = PriceTable(entries=(entry(aliases=("opus", "opus-5*")),))

    assert Decimal(3) == usd(table, name)


@pytest.mark.parametrize(
    "name", ["claude-opus-4", "claude-opus-4-80", "gpt-4.1-mini", "opus/large", "", "llama3:8b"]
)
def test_other_models_have_no_price(name):
    """A part of a name is not the name."""
    assert usd(PriceTable(entries=(entry(), entry("gpt-4"), entry("8b@x"))), name) is None


def test_the_name_as_it_is_goes_before_what_is_left_of_it():
    """A vendor that asks more has an entry of its own."""
    table = PriceTable(entries=(entry(), entry("resold/claude-opus-4-8", input=4)))

    assert [3, 4] == [usd(table), usd(table, "resold/claude-opus-4-8")]


def test_an_entry_of_the_provider_goes_before_one_of_any():
    """It holds for that provider alone; where nobody knows the provider it may be meant."""
    table = PriceTable(entries=(entry(), entry(provider="bedrock", input=4)))
    own = PriceTable(entries=(entry(provider="bedrock", input=4),))

    assert [4, 3] == [usd(table, provider=name) for name in ("bedrock", "anthropic")]
    assert [4, None] == [usd(own, provider=name) for name in (None, "anthropic")]


def test_a_long_call_costs_what_its_tier_says():
    """All of it, from the first token on; the highest tier that it is above."""
    tiers = (
        LongInputPrice(above=200_000, input=6, output=30),
        LongInputPrice(above=900_000, input=9, output=45),
    )
    table = PriceTable(entries=(entry(tiers=tiers),))
    sizes = (200_000, 200_001, 900_001)

    assert [Decimal("0.75"), Decimal("1.500006"), Decimal("10.125009")] == [
        usd(table, input_tokens=n, output_tokens=n // 100_000 * 5000) for n in sizes
    ]


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ({"cache_write": 6, "cache_write_1h": 8}, "7"),
        ({"cache_write": 6}, None),
        ({"cache_write_1h": 8}, "5.5"),
        ({}, "3"),
        ({"cache_write": 0, "cache_write_1h": 0}, "0"),
    ],
)
def test_what_a_cache_keeps_for_an_hour_has_its_price(prices, cost):
    """Or none at all, where other writes have one: unknown is not the cheaper one."""
    table = PriceTable(entries=(entry(**prices),))
    call = usage(
        request_model="claude-opus-4-8", input_tokens=MILLION, output_tokens=0,
        cache_write_tokens=MILLION, source_fields={"cache_write_1h_tokens": MILLION // 2},
    )  # fmt: skip
    found = table.price(call, JUNE)

    assert (None if cost is None else Decimal(cost)) == found


@pytest.mark.parametrize("missing", ["input_tokens", "output_tokens"])
def test_a_call_that_is_half_known_has_no_price(missing):
    """Nobody knows it, which is not 0."""
    given = {"input_tokens": 5, "output_tokens": 5, missing: None}
    call = usage(request_model="claude-opus-4-8", total_tokens=None, **given)

    assert PriceTable(entries=(entry(),)).price(call, JUNE) is None


def test_the_model_that_answered_goes_before_the_one_that_was_asked():
    """Which is looked up where the table does not know the other."""
    table = PriceTable(entries=(entry(), entry("small", input=1)))
    size = {"input_tokens": MILLION, "output_tokens": 0}
    calls = [
        usage(request_model="claude-opus-4-8", response_model=name, **size)
        for name in ("small", "odd")
    ]

    assert [1, 3] == [table.price(call, JUNE) for call in calls]


def test_a_table_goes_through_the_log_unchanged():
    """As plain values, with every digit."""
    tiers = (LongInputPrice(above=10, input="0.1", output=1, cache_read=0),)
    table = PriceTable(
        entries=(entry(aliases=("a",), provider="p", cache_write_1h="0.3", tiers=tiers), entry())
    )

    assert table == PriceTable.of(table.plain())


def test_a_tiers_price_that_is_none_is_refused():
    """By its name and value."""
    with pytest.raises(InvalidInputError, match="above 10 tokens: input is -1"):
        LongInputPrice(above=10, input=-1, output=1)


def quote(table, at=JUNE, **fields):
    """Return what a table says of a call with a million tokens of input."""
    size = {"input_tokens": MILLION, "output_tokens": 0}
    return table.quote(PricedCall(models=("claude-opus-4-8",), **{**size, **fields}), at)


@pytest.mark.parametrize(("hour", "expected"), [(16, 3), (17, 1), (23, 1), (0, 1), (1, 3), (12, 3)])
def test_a_price_of_the_night_holds_at_night(hour, expected):
    """From its first hour on to the one that ends it, over midnight, in UTC."""
    table = PriceTable(entries=(entry(), entry(input=1, hours="17:00-01:00")))

    assert Decimal(expected) == quote(table, datetime(2026, 6, 1, hour, tzinfo=UTC)).usd


def test_a_call_on_terms_of_its_own_has_the_price_of_these():
    """And none where no entry is about them: the usual price says nothing of it."""
    table = PriceTable(entries=(entry(), entry(input=1.5, when={"processing": "batch"})))
    batch, flex = (quote(table, terms=terms) for terms in (
        {"processing": "batch"}, {"service_tier": "flex"},
    ))  # fmt: skip

    assert (Decimal(3), Decimal("1.5")) == (quote(table).usd, batch.usd)
    assert (None, "no entry for its terms") == (flex.usd, flex.why)


@pytest.mark.parametrize(
    ("told", "terms"),
    [
        ({"service_tier": "batch"}, {"processing": "batch"}),
        ({"processing": "batch", "service_tier": "Standard"}, {"processing": "batch"}),
        ({"service_tier": "FLEX"}, {"service_tier": "flex"}),
        ({"service_tier": "auto", "speed": "fast"}, {"speed": "fast"}),
        ({"service_tier": 7, "another": "batch"}, {}),
    ],
)
def test_terms_are_those_that_change_a_price(told, terms):
    """A batch is one by whichever name its provider has for it; what is usual is none."""
    assert terms == terms_of(told)


def test_reasoning_and_each_call_may_have_prices_of_their_own():
    """Reasoning is a part of the output; a call that does not tell how much has no price."""
    table = PriceTable(entries=(entry(reasoning=2, per_call="0.01"),))
    size = {"output_tokens": MILLION}

    assert Decimal("3.01") + Decimal("0.5") * 15 + 1 == (
        quote(table, **size, reasoning_tokens=MILLION // 2).usd
    )
    assert (None, "tokens that nobody told") == (quote(table).usd, quote(table).why)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"input": -1}, "input"),
        ({"output": "x"}, "output"),
        ({"since": "soon"}, "since"),
        ({"hours": "9 to 5"}, "hours"),
        ({"hours": "25:00-26:00"}, "hours"),
        ({"per_call": -2}, "per_call"),
        ({"tiers": (LongInputPrice(above=5, input=1, output=1),) * 2}, "tiers"),
    ],
)
def test_what_is_no_price_is_refused_by_name(fields, name):
    """With the value that was given."""
    with pytest.raises(InvalidInputError) as caught:
        entry(**fields)

    assert name == caught.value.name
    assert caught.value.value is not None


def test_two_prices_from_one_day_on_are_refused():
    """Of one model by any of its names; another provider, day, hour or other terms are no clash."""
    apart = [
        entry(since="2026-02-01"), entry(provider="p"), entry(hours="00:00-01:00"),
        entry(when={"speed": "fast"}),
    ]  # fmt: skip
    PriceTable(entries=(entry(), *apart))

    with pytest.raises(InvalidInputError, match=r"two prices of opus from 2026-01-01") as caught:
        PriceTable(entries=(entry("other", aliases=("opus",)), entry("Opus")))
    assert ("since", "2026-01-01") == (caught.value.name, caught.value.value)


def test_a_table_is_known_by_its_version():
    """The same prices have the same one, and a changed price has another; a log keeps both."""
    table = PriceTable(entries=(entry(),), name="prices.toml")
    other = PriceTable(entries=(entry(input=4),), name="prices.toml")

    assert table.version.startswith("prices.toml sha256:")
    assert table.version != other.version
    assert table.version == PriceTable.of(table.kept()).version == quote(table).table


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2024-12-31", None), ("2025-01-01", 3), ("2025-05-31", 3), ("2025-06-01", 2)],
)
def test_a_price_holds_from_its_day_to_the_next(day, expected):
    """In UTC; what came later says nothing of an earlier call."""
    table = PriceTable(
        entries=(entry(since="2025-06-01", input=2), entry(since="2025-01-01", input=3))
    )

    assert expected == quote(table, datetime.fromisoformat(f"{day}T00:00:00+00:00")).usd


@pytest.mark.parametrize("turned", [False, True])
def test_the_longest_name_decides(turned):
    """In whatever order the entries stand, and however late another day is."""
    entries = (entry("*", since="2026-03-01", input=9), entry())

    assert Decimal(3) == quote(PriceTable(entries=entries[::-1] if turned else entries)).usd
