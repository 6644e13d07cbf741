"""The weights of experts: against a plain reference, and what they may cost at most."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.mixture.aggregation import even, judged, mixed


class PlainBoa:
    """Bernstein online aggregation, written expert by expert as the paper has it."""

    def __init__(self, experts):
        self.experts = experts
        self.regret = [0.0] * experts
        self.variance = [1e-12] * experts
        self.range = [1e-12] * experts
        self.weights = [1 / experts] * experts

    def learn(self, losses):
        """Learn the experts' losses of one round."""
        own = sum(w * loss for w, loss in zip(self.weights, losses, strict=True))
        unscaled = []
        for k in range(self.experts):
            instant = own - losses[k]
            self.range[k] = max(self.range[k], abs(instant))
            self.variance[k] += 2.2 * instant**2
            rate = min(
                1 / self.range[k], math.sqrt(math.log(self.experts)) / math.sqrt(self.variance[k])
            )
            surprise = self.range[k] if rate * abs(instant) > 0.5 else 0.0
            self.regret[k] += 0.5 * (instant * (1 - rate * instant) + surprise)
            unscaled.append((rate, rate * self.regret[k]))
        top = max(height for _, height in unscaled)
        raw = [rate * math.exp(height - top) for rate, height in unscaled]
        self.weights = [one / sum(raw) for one in raw]


sizes = st.floats(1, 1e5)
rounds = st.lists(
    st.tuples(st.lists(sizes, min_size=4, max_size=4), st.floats(-1, 1)), min_size=1, max_size=40
)


@given(rounds=rounds)
def test_as_the_reference(rounds):
    """The weights are those of the algorithm with the losses' slopes taken for the losses."""
    weights, plain = even(4), PlainBoa(4)
    for values, slope in rounds:
        weights = judged(weights, values, mixed(weights, values), slope)
        plain.learn([slope * value for value in values])

    assert pytest.approx(plain.weights, abs=1e-6) == weights.shares


@given(rounds=rounds)
def test_weights_are_shares(rounds):
    """They are 0 or more and add up to 1, and the weights before are as they were."""
    weights = even(4)
    for values, slope in rounds:
        before = [list(column) for column in weights]
        after = judged(weights, values, mixed(weights, values), slope)

        assert before == [list(column) for column in weights]
        assert pytest.approx(1) == sum(after.shares)
        assert min(after.shares) >= 0

        weights = after


def _against(weights, values, _rng):
    """Return the slope that costs most: away from where most of the weight is."""
    middle = sorted(values)[len(values) // 2]
    return 0.9 if mixed(weights, values) > middle else -0.9


def _turning(weights, values, rng):
    """Return a slope by chance, so that no expert is better for long."""
    return rng.choice((-0.9, 0.1))


def _towards_the_worst(weights, values, rng):
    """Return the slope by which the expert with the largest weight loses."""
    best = max(range(len(values)), key=weights.shares.__getitem__)
    return 0.9 if values[best] > mixed(weights, values) else -0.9


@pytest.mark.parametrize("adversary", [_against, _turning, _towards_the_worst])
@pytest.mark.parametrize("seed", range(5))
def test_regret_of_adversarial_sequences(adversary, seed):
    """No expert is better by more than its gains' spread and range allow, whoever chooses."""
    rng, experts, n = random.Random(seed), 8, 2000
    weights, steps = even(experts), [[] for _ in range(experts)]
    for _ in range(n):
        values = [rng.lognormvariate(4, 1) for _ in range(experts)]
        mixture = mixed(weights, values)
        slope = adversary(weights, values, rng)
        for own, value in zip(steps, values, strict=True):
            own.append(slope * (mixture - value))
        weights = judged(weights, values, mixture, slope)

    for own in steps:
        spread = math.sqrt(math.log(experts) * sum(step * step for step in own))
        bound = 4 * spread + 4 * math.log(experts) * max(map(abs, own))
        assert sum(own) <= bound


def test_the_best_expert_is_found():
    """Of one good expert among many bad ones, nearly all the weight ends with the good one."""
    weights, rng = even(10), random.Random(1)
    for _ in range(500):
        size = rng.uniform(90, 110)
        values = [100.0, *(rng.uniform(200, 900) for _ in range(9))]
        mixture = mixed(weights, values)
        weights = judged(weights, values, mixture, 0.1 if size <= mixture else -0.9)

    assert weights.shares[0] > 0.9
