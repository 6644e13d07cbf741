"""Between what attempts end, on made ones whose final amounts are known."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.calibration.survival import quantile_of
from autopack.prediction.running.final_amounts import EVEN, FinalAmounts, Survival, shares_below

SPREADS = {
    "narrow": lambda random: math.exp(random.gauss(8, 0.3)),
    "lognormal": lambda random: math.exp(random.gauss(8, 1)),
    "wide": lambda random: math.exp(random.gauss(8, 2)),
    "heavy tail": lambda random: random.paretovariate(1.2),
    "even": lambda random: random.random(),
    "exponential": lambda random: random.expovariate(1),
    "two peaks": lambda random: math.exp(random.gauss(8 + random.choice((0, math.log(8))), 0.3)),
    "peaks far apart": lambda random: math.exp(
        random.gauss(8 + random.choice((0, math.log(20))), 0.3)
    ),
}
PARTS = (0.0, 0.25, 0.5, 0.75)


def taught(amounts):
    """Return what these final amounts teach."""
    known = FinalAmounts()
    for amount in amounts:
        known.add(amount, is_whole=True)
    return known


def held(known, amounts, part):
    """Return the share of attempts whose end is held, looked at when *part* of it was used."""
    found = [(known.ends(part * amount), amount) for amount in amounts]
    assert all(ends.most is None or ends.least <= ends.most for ends, _amount in found)
    is_held = [
        ends.least <= amount * (1 + 1e-9) and (ends.most is None or amount <= ends.most)
        for ends, amount in found
    ]
    return sum(is_held) / len(is_held)


@pytest.mark.parametrize("known", [150, 500])
@pytest.mark.parametrize("spread", SPREADS)
def test_coverage(spread, known):
    """Nine of ten end within the interval, at the start and once a part of it is used."""
    shares = dict.fromkeys(PARTS, 0.0)
    histories = 24
    for number in range(histories):
        random = Random(f"{spread} {number}")
        past = taught(SPREADS[spread](random) for _ in range(known))
        new = [SPREADS[spread](random) for _ in range(250)]
        for part in PARTS:
            shares[part] += held(past, new, part) / histories

    assert all(0.88 <= share <= 0.92 for share in shares.values()), shares


def test_some_are_cut_off():
    """Attempts that a limit ends first, at whatever amount, take nothing from the interval."""
    random, shares = Random(7), dict.fromkeys(PARTS, 0.0)
    whole, histories = SPREADS["lognormal"], 16
    for _ in range(histories):
        past = FinalAmounts()
        for _ in range(500):
            amount, limit = whole(random), 3 * whole(random)
            past.add(min(amount, limit), is_whole=amount <= limit)
        new = [whole(random) for _ in range(400)]
        for part in PARTS:
            shares[part] += held(past, new, part) / histories

    assert len(past.survival.cut) > 60
    assert all(0.88 <= share <= 0.92 for share in shares.values()), shares


def test_of_those_that_got_as_far():
    """At any amount, nine of ten of those that got that far end within the interval."""
    random = Random(3)
    draw = SPREADS["lognormal"]
    past = taught(draw(random) for _ in range(500))
    new = sorted(draw(random) for _ in range(20_000))
    for used in (200, 1_000, 3_000, 8_000):
        ends = past.ends(used)
        reached = [amount for amount in new if amount >= used]
        share = sum(ends.least <= amount <= ends.most for amount in reached) / len(reached)

        assert 0.86 <= share <= 0.94, (used, share)


def test_too_few_got_this_far():
    """Of amounts that hardly anybody reached there is no upper end, and the count says so."""
    past = taught(range(1, 101))

    assert (95, None, 6) == past.ends(95)
    assert past.ends(92).most == 100
    assert (101, None, 0) == past.ends(101)
    assert (0, None, 8) == taught(range(1, 9)).ends(0)
    assert (0, 9, 9) == taught(range(1, 10)).ends(0)


def test_newest():
    """The newest 500 count, and no older ones."""
    past = taught([*(10_000.0 for _ in range(400)), *(10.0 for _ in range(500))])

    assert (10, 10, 500) == past.ends(0)


def test_always_alike():
    """Attempts that always use the same are known to the last token."""
    past = taught([5] * 40)

    assert (5, 5, 40) == past.ends(3)
    assert (5, 5, 40) == past.ends(5)


@given(
    st.lists(st.integers(1, 40), min_size=9, max_size=60),
    st.lists(st.integers(1, 40), max_size=20),
)
def test_upper_end_is_the_product_limit(whole, cut):
    """At the start the upper end is what the estimate for cut-off sizes says, where it says any."""
    past = Survival(tuple(sorted(whole)), tuple(sorted(cut)))
    ends = past.ends(0, 0.0)

    assert quantile_of(sorted(whole), sorted(cut), 0.9) == ends.most
    assert ends.least == 0


@given(
    st.lists(st.integers(1, 40), min_size=9, max_size=60),
    st.lists(st.integers(1, 40), max_size=20),
    st.integers(0, 45),
    st.floats(0.0, 0.1),
)
def test_ends_are_in_order(whole, cut, used, below):
    """No end lies under what is used already, nor the lower one above the upper one."""
    ends = Survival(tuple(sorted(whole)), tuple(sorted(cut))).ends(used, below)

    assert used <= ends.least
    assert ends.most is None or ends.least <= ends.most
    assert sum(amount >= used for amount in whole) == ends.reached


def test_shares_below():
    """An even split where too little is known; else one for each stretch of an attempt's way."""
    random = Random(1)
    peaks = Survival(tuple(sorted(SPREADS["two peaks"](random) for _ in range(500))))
    before, about, later = shares_below(peaks)

    assert before < about, (before, about, later)
    assert shares_below(Survival(tuple(range(12)))) == (EVEN, EVEN, EVEN)
    assert [peaks.stretch(used) for used in (0, 1_500, 2_000, 40_000)] == [0, 1, 1, 2]
