"""Amounts of USD in events: decimals in fields, canonical texts in JSON, of plugins' events too."""

from decimal import Decimal

import attrs
import pytest
from hypothesis import given

from autopack import event
from autopack.errors import InvalidEventError, StoredEventError
from autopack.events import (
    CapReserved,
    CapSet,
    CapSettled,
    LlmUsageAmended,
    LlmUsageRecorded,
    PhaseClaimed,
)
from autopack.format.codec import Codec
from autopack.testing.generators import amounts
from autopack.values.money import Usd, UsdSum


@event("bill.paid")
class BillPaid:
    """A plugin's event."""

    total: Usd
    tip: Usd | None = None
    parts: tuple[Usd, ...] = ()


@event("bill.sent")
@attrs.frozen
class BillSent:
    """Another, of a class that attrs has made."""

    total: Usd
    sums: UsdSum | None = None


CODEC = Codec()
CODEC.register(BillPaid)
CODEC.register(BillSent)

FIELDS = [
    (lambda usd: LlmUsageRecorded(call_id="c", cost_usd=usd), "cost_usd"),
    (lambda usd: LlmUsageAmended(call_id="c", why="w", cost_usd=usd), "cost_usd"),
    (lambda usd: CapSet(scope="s", by="b", why="w", max_usd=usd), "max_usd"),
    (lambda usd: CapReserved(scope="s", lease_token="t", usd=usd), "usd"),
    (lambda usd: CapSettled(scope="s", lease_token="t", usd=usd), "usd"),
    (
        lambda usd: PhaseClaimed(
            run_id="r", phase_id="p", attempt=1, worker="w", lease_token="t", reserved_usd=usd
        ),
        "reserved_usd",
    ),
    (lambda usd: BillPaid(total=usd), "total"),
    (lambda usd: BillPaid(total=1, tip=usd), "tip"),
    (lambda usd: BillSent(total=usd), "total"),
    (lambda usd: BillSent(total=1, sums=usd), "sums"),
]


@pytest.mark.parametrize(("made", "field"), FIELDS)
@given(amount=amounts)
def test_it_comes_back_as_it_was(made, field, amount):
    """Equal, of the same class, and with the same text a second time."""
    fact = made(amount)
    stored = CODEC.encode(fact)
    back = CODEC.decode(*stored, 1)

    assert fact == back
    assert stored == CODEC.encode(back)
    assert f'"{field}":"{amount}"' in stored[2]
    assert type(getattr(fact, field)) is type(getattr(back, field))


@pytest.mark.parametrize(("made", "field"), FIELDS)
@pytest.mark.parametrize("given", [0.1, "0.10", Decimal("0.100"), Decimal("1E-1")])
def test_all_ways_to_give_it_are_one(made, field, given):
    """One event, and so one hash."""
    assert CODEC.encode(made(Usd.of("0.1"))) == CODEC.encode(made(given))
    assert isinstance(getattr(made(given), field), Usd)


@pytest.mark.parametrize(("made", "field"), FIELDS)
@pytest.mark.parametrize(
    ("given", "said"),
    [(-1, "below 0"), (float("nan"), "no amount"), ("1e-13", "at most 12"), (1e300, "above")],
)
def test_what_is_no_amount_does_not_construct(made, field, given, said):
    """The field is named, and why."""
    with pytest.raises(InvalidEventError, match=f"{field}: .*{said}"):
        made(given)


@pytest.mark.parametrize(("made", "field"), FIELDS)
@pytest.mark.parametrize("stored", ["0.5", "1", '"0.50"', '"1e-7"', '"-1"', "true", "[]", '"x"'])
def test_what_is_stored_otherwise_is_refused(made, field, stored):
    """A number is no text, and there is one text for each amount."""
    name, schema, data = CODEC.encode(made(Usd.of("0.125")))
    amiss = data.replace('"0.125"', stored)

    with pytest.raises(StoredEventError, match=field):
        CODEC.decode(name, schema, amiss, 7)


@pytest.mark.parametrize("number", [2**63, 10**19, 10**26])
def test_only_a_sum_may_be_larger(number):
    """A call's pico-dollars fit a signed 64-bit integer, those of a sum need not."""
    amount = UsdSum.of_pico(number)
    settled = CapSettled(scope="s", lease_token="t", usd=amount)

    assert amount == CODEC.decode(*CODEC.encode(settled), 1).usd
    with pytest.raises(InvalidEventError, match=r"cost_usd: .*above 9223372"):
        LlmUsageRecorded(call_id="c", cost_usd=amount)
    with pytest.raises(StoredEventError, match="cost_usd"):
        data = f'{{"call_id":"c","cost_usd":"{amount}"}}'
        CODEC.decode("llm.usage_recorded", 1, data, 1)


def test_in_a_tuple_they_are_given_as_amounts():
    """What stands inside of something else is not guessed at."""
    paid = BillPaid(total=1, parts=(Usd.of(0.1), Usd.of(0.2)))

    assert paid == CODEC.decode(*CODEC.encode(paid), 1)
    with pytest.raises(InvalidEventError, match="parts"):
        BillPaid(total=1, parts=(0.1,))


class TestCostSource:
    """Whose figure a cost is."""

    @pytest.mark.parametrize("kind", [LlmUsageRecorded, LlmUsageAmended])
    @pytest.mark.parametrize(
        ("given", "source"),
        [
            ({"cost_usd": 0.5}, "reported"),
            ({"cost_usd": 0}, "reported"),
            ({"cost_usd": 0.5, "cost_source": "unknown"}, "unknown"),
            ({"cost_usd": 0.5, "cost_source": "computed"}, "computed"),
            ({}, "unknown"),
            ({"cost_source": "unknown"}, "unknown"),
        ],
    )
    def test_it_is_the_providers_unless_it_is_said(self, kind, given, source):
        """A cost alone was reported; and so it is read."""
        more = {"why": "w"} if kind is LlmUsageAmended else {}
        fact = kind(call_id="c", **more, **given)

        assert source == fact.cost_source
        assert fact == CODEC.decode(*CODEC.encode(fact), 1)

    @pytest.mark.parametrize("source", ["reported", "computed"])
    def test_a_source_needs_a_cost(self, source):
        """Nobody can have reported what is not there."""
        with pytest.raises(InvalidEventError, match=f"'{source}', but there is no cost_usd"):
            LlmUsageRecorded(call_id="c", cost_source=source)

    def test_another_word_is_refused(self):
        """By name."""
        with pytest.raises(InvalidEventError, match="cost_source"):
            LlmUsageRecorded(call_id="c", cost_usd=1, cost_source="guessed")
