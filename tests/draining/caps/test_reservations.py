"""What a claim sets aside: rounded up, and an upper quantile once there is evidence."""

from decimal import Decimal
from types import SimpleNamespace

import attrs
import pytest

from autopack import hookimpl, load_plugins
from autopack.draining.caps.price_book import PriceBook
from autopack.draining.caps.reservations import Reservations
from autopack.ports.prediction import Estimate, Features
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.call_use import Use
from autopack.values.money import Usd

PHASE = SimpleNamespace(model=None)


def wanted(
    learned=(), *, predicted=1000, prompt=None, registry=None, phase=PHASE, assumed=None, **how
):
    """What is wanted for a phase of docs, after attempts that used so much."""
    reservations = Reservations(PriceBook(SimpleNamespace(now_us=lambda: 0), registry), assumed)
    for row in learned:
        reservations.learn(row)
    features = Features(category="docs", complexity="low", prompt_tokens=prompt)
    estimate = Estimate(
        estimator="e", estimator_version="1", predicted_output_tokens=predicted,
        budget_tokens=4096, confidence=1.0, features=features, **how,
    )  # fmt: skip
    return reservations.wanted(phase, estimate)


def used(tokens, *, calls=1, unpriced=0, usd=0, category="docs"):
    """An attempt that used so much."""
    use = Use(
        calls=calls, total_tokens=tokens, calls_without_cost=unpriced, cost_pico_usd=usd * 10**12
    )
    return AttemptRow(position=1, category=category, complexity="low", use=use)


@pytest.mark.parametrize(
    ("predicted", "prompt", "tokens"),
    [(1000, None, 1250), (1001, None, 1252), (1, None, 2), (1001, 500, 1752)],
)
def test_a_prediction_is_widened_rounded_up_and_sent_with_its_prompt(predicted, prompt, tokens):
    """A quarter more; a part of a token is one."""
    assert tokens == wanted(predicted=predicted, prompt=prompt).tokens


def test_a_quantile_is_no_further_widened():
    """A budget that is meant to hold a share of outputs is what is likely."""
    assert 4096 == wanted(tau=0.9).tokens


@pytest.mark.parametrize(
    ("n", "tokens", "basis"),
    [
        (0, 1250, "e 1"),
        (1, 2, "twice the largest of 1 attempts"),
        (8, 16, "twice the largest of 8 attempts"),
        (9, 9, "90% quantile of 9 attempts"),
        (10, 10, "90% quantile of 10 attempts"),
        (18, 18, "90% quantile of 18 attempts"),
        (19, 18, "90% quantile of 19 attempts"),
    ],
)
def test_evidence_is_an_upper_quantile(n, tokens, basis):
    """Of n attempts the one that nine in ten of n + 1 stay below; of too few, twice the largest."""
    found = wanted([used(k) for k in range(n, 0, -1)])

    assert tokens == found.tokens
    assert found.basis.startswith(basis)


def test_somebodys_word_comes_before_a_reckoning():
    """What a call counts as is said; what was used says more than that."""
    said = wanted(assumed=Usd.of("0.02"), registry=load_plugins(extra=[Prices()]),
                  phase=SimpleNamespace(model="m"))  # fmt: skip
    known = wanted([used(50, usd=2)], assumed=Usd.of("0.02"))

    assert (Decimal("0.02"), Decimal(4)) == (said.usd, known.usd)


def test_what_tells_nothing_is_no_evidence():
    """Attempts without a call, of other groups, and in money those that nobody could price."""
    silent = [used(0, calls=0) for _ in range(20)]
    others = [used(7, category="tests") for _ in range(20)]
    unpriced = [used(50, unpriced=1) for _ in range(9)]
    priced = [used(50, usd=2) for _ in range(9)]

    assert 1250 == wanted([*silent, *others]).tokens
    assert (50, None) == (wanted(unpriced).tokens, wanted(unpriced).usd)
    assert Decimal(2) == wanted([*unpriced, *priced]).usd


class Prices:
    """A dollar for what is read, ten for what is written, a hundred for both, a token."""

    @hookimpl
    def autopack_price_usage(self, usage):
        return usage.input_tokens + 10 * usage.output_tokens + 100 * usage.total_tokens


@pytest.mark.parametrize(
    ("learned", "prompt", "usd"),
    [
        ([], 100, 100 + 12_500 + 135_000),
        ([2000] * 9, 100, 100 + 19_000 + 200_000),
        ([50] * 9, 100, 100 + 10_000),
    ],
)
def test_a_price_is_asked_for_prompt_and_output_apart(learned, prompt, usd):
    """What is sent is none of what is written, also where both come from a quantile."""
    found = wanted(
        [used(tokens, unpriced=1) for tokens in learned],
        prompt=prompt,
        registry=load_plugins(extra=[Prices()]),
        phase=SimpleNamespace(model="m"),
    )

    assert usd == found.usd


def test_what_one_model_costs_is_no_evidence_of_another():
    """Ten cheap attempts say nothing of a dear one's price; their tokens count for both."""
    cheap = [attrs.evolve(used(100, usd=1), claimed_model="small") for _ in range(10)]
    dear = [attrs.evolve(used(100, usd=9), claimed_model="large") for _ in range(10)]
    small, large, other = (SimpleNamespace(model=name) for name in ("small", "large", "other"))

    assert Usd("1") == wanted([*cheap, *dear], phase=small).usd
    assert Usd("9") == wanted([*cheap, *dear], phase=large).usd
    assert wanted([*cheap, *dear], phase=other).usd is None
    assert 100 == wanted(cheap, phase=large).tokens
