"""Money: exact to the pico-dollar, one text for each amount, and no float in any sum."""

import pickle
from decimal import ROUND_UP, Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.errors import InvalidInputError
from autopack.testing.generators import amounts
from autopack.values.money import PICO, Usd, UsdSum, pico, share, total

MOST_PICO = 2**63 - 1
DECIMALS = st.decimals(min_value=0, max_value=9_000_000, places=12, allow_nan=False)


class TestText:
    """What stands in an event."""

    @pytest.mark.parametrize(
        ("given", "text"),
        [
            (0, "0"),
            (-0.0, "0"),
            (Decimal("-0.00"), "0"),
            ("0e5", "0"),
            (1, "1"),
            ("1.0", "1"),
            ("+1.50", "1.5"),
            (".5", "0.5"),
            (Decimal("1E+5"), "100000"),
            ("1e-12", "0.000000000001"),
            (1e-7, "0.0000001"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.3"),
            (1 / 3, "0.333333333333"),
            (2.5e-12, "0.000000000002"),
            (3.5e-12, "0.000000000004"),
            (4e-13, "0"),
            (123456.789, "123456.789"),
            (Decimal(MOST_PICO).scaleb(-12), "9223372.036854775807"),
        ],
    )
    def test_each_amount_has_one(self, given, text):
        """No exponent, no sign, no zeros at the end; a float is what it prints as, to 12 places."""
        amount = Usd.of(given)

        assert (text, text, f"Usd('{text}')") == (str(amount), f"{amount}", repr(amount))
        assert amount == Usd.stored(text)

    @given(DECIMALS)
    def test_it_comes_back(self, amount):
        """Whatever the exponent and the zeros at the end: equal amounts have equal texts."""
        taken = Usd.of(amount)

        assert amount == taken == Usd.stored(str(taken)) == Usd.of(str(taken))
        assert str(taken) == str(Usd.of(amount + Decimal("0E-20"))) == str(Usd.of_pico(taken.pico))
        assert "E" not in str(taken)

    @given(DECIMALS, DECIMALS)
    def test_order_and_identity_are_kept(self, one, other):
        """Two texts are the same if the amounts are, and pico-dollars stand in their order."""
        taken = Usd.of(one), Usd.of(other)

        assert (one == other) == (str(taken[0]) == str(taken[1]))
        assert (one < other) == (taken[0] < taken[1]) == (taken[0].pico < taken[1].pico)

    @given(st.floats(min_value=0, max_value=9e6))
    def test_a_float_is_what_it_prints_as(self, number):
        """Not its binary value: both ways of giving it are one amount, to within half a pico."""
        taken = Usd.of(number)

        assert taken == Usd.computed(Decimal(repr(number)))
        assert abs(taken - Decimal(repr(number))) <= Decimal("0.5E-12")

    def test_it_is_copied_as_it_is(self):
        """A pickled amount is the same amount of the same class."""
        back = pickle.loads(pickle.dumps(Usd.of("0.10")))

        assert (Usd, "0.1") == (type(back), str(back))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("0.0000000000001", "at most 12 decimals"),
        (Decimal("1E-13"), "at most 12 decimals"),
        (Decimal("0.1000000000001"), "at most 12 decimals"),
        (-1, "below 0"),
        (-1e-300, "below 0"),
        ("-0.01", "below 0"),
        (float("nan"), "no amount"),
        (Decimal("sNaN"), "no amount"),
        (float("inf"), "no amount"),
        (Decimal("Infinity"), "no amount"),
        (True, "no amount"),
        (None, "no amount"),
        (b"1", "no amount"),
        (1j, "no amount"),
        ("", "no amount"),
        (" 1", "no amount"),
        ("1\n", "no amount"),
        ("1_000", "no amount"),
        ("١", "no amount"),
        ("1,5", "no amount"),
        ("nan", "no amount"),
        ("0" * 101, "no amount"),
        (Decimal(MOST_PICO + 1).scaleb(-12), "above 9223372.036854775807"),
        ("1e999", "above 9223372.036854775807"),
        (1e300, "above 9223372.036854775807"),
        pytest.param(10**5000, "above 9223372.036854775807", id="very large"),
    ],
)
def test_what_is_no_amount_is_refused(given, said):
    """With what was given, and why; also where the number itself cannot be written down."""
    with pytest.raises(InvalidInputError, match=said):
        Usd.of(given)


@pytest.mark.parametrize(
    "stored",
    [
        0.5, 1, None, True, [], "", "0.50", "00", "01", "1.", ".5", "1e3", "1E-7", "-0", "-1", "+1",
        "1\n", " 1", "١", "0.0000000000001", "9223372.036854775808", "NaN", "Infinity", "1" * 40,
    ],
)  # fmt: skip
def test_what_is_no_canonical_text_is_no_stored_amount(stored):
    """A number is no text, and a second way to write an amount is none of ours."""
    with pytest.raises(ValueError, match=r"US dollars"):
        Usd.stored(stored)


class TestSums:
    """Which float sums get wrong from the third one on."""

    def test_a_million_dimes(self):
        """They are a hundred thousand dollars, to the last digit."""
        assert "100000" == str(total([Usd.of(0.1)] * 10**6))
        assert "0" == str(total([]))

    @given(st.lists(amounts, max_size=20))
    def test_they_are_exact_in_any_order(self, given):
        """However they are added: as amounts, by the built-in sum, or in pico-dollars."""
        exact = Usd.of_pico(sum(map(pico, given)))

        assert exact == total(given) == total(reversed(given)) == sum(given, Usd())
        assert str(exact) == str(sum(given, Usd()))

    @given(amounts, amounts)
    def test_what_is_added_can_be_taken_away(self, one, other):
        """Nothing is left over that nobody gave."""
        assert str(one) == str(one + other - other)
        assert "0" == str(one + other - one - other)

    def test_no_context_rounds_them(self):
        """A program that computes in six digits, or traps what is inexact, changes no sum."""
        with localcontext() as context:
            context.prec, context.rounding = 6, ROUND_UP
            context.traps[Inexact] = True
            large, small = Usd.of("9000000"), Usd.of_pico(1)

            assert "9000000.000000000001" == str(large + small)
            assert "8999999.999999999999" == str(large - small)
            assert "18000000" == str(total([large, large]))
            assert 9 * 10**18 == large.pico
            assert "0.333333333333" == str(share(Usd.of(1), 1, 3))

    def test_they_are_of_their_own_class_with_any_number(self):
        """Also from the other side; a float is no amount until it is taken as one."""
        amount = Usd.of("0.5")

        assert ["1", "1", "0.5", "0.5"] == [
            str(one) for one in (amount + Decimal("0.50"), Decimal("0.50") + amount, 1 - amount,
                                 amount - 0)
        ]  # fmt: skip
        with pytest.raises(TypeError):
            amount + 0.5

    def test_a_sum_may_be_larger_than_any_amount(self):
        """Up to a thousand billion dollars; of one call that would be refused."""
        much = Usd.of(9_000_000) + Usd.of(9_000_000)

        assert "18000000" == str(UsdSum.of(much)) == str(UsdSum.stored("18000000"))
        with pytest.raises(InvalidInputError, match="above 9223372"):
            Usd.of(much)


class TestComputed:
    """What a calculation gives may be finer than what is kept."""

    @pytest.mark.parametrize(
        ("given", "text"),
        [
            (Decimal(1) / 3, "0.333333333333"),
            (Decimal("0.0000000000005"), "0"),
            (Decimal("0.0000000000015"), "0.000000000002"),
            (0.1 * 3, "0.3"),
            (2, "2"),
        ],
    )
    def test_it_is_rounded_half_even(self, given, text):
        """To the pico-dollar."""
        assert text == str(Usd.computed(given))

    @pytest.mark.parametrize("given", [Decimal("NaN"), float("inf"), -1, "free", None, 1e300])
    def test_what_is_no_amount_is_none(self, given):
        """Rounding makes no amount of it."""
        with pytest.raises(InvalidInputError):
            Usd.computed(given)

    @given(amounts, st.integers(0, 10**9), st.integers(1, 10**9))
    def test_a_share_is_the_nearest(self, amount, parts, of):
        """Off by half a pico-dollar at most."""
        assert abs(2 * (share(amount, parts, of).pico * of - amount.pico * parts)) <= of


def test_pico_dollars_are_whole():
    """There are a million million in a dollar, and unknown costs have none."""
    assert (PICO, MOST_PICO, 0) == (pico(Usd.of(1)), Usd.of(Usd.MOST).pico, pico(None))
