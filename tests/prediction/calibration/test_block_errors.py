"""Totals are as wide as past totals were off: with drift, with errors that phases share."""

import math
import random

import pytest

from autopack.prediction.calibration.block_errors import BlockErrors, block_errors, student
from autopack.prediction.calibration.forecast_intervals import expected_by
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile

CALIBRATOR = ShrinkageQuantile()
EXPECT = expected_by(CALIBRATOR)


def test_student():
    """Its quantiles are those of the tables, from two degrees of freedom on."""
    for degrees, expected in ((2, 1.886), (3, 1.638), (5, 1.476), (10, 1.372), (60, 1.296)):
        assert pytest.approx(expected, rel=0.01) == student(0.9, degrees)


def test_too_few_blocks_say_nothing():
    """Under three sums, one after the other, there is no interval."""
    assert BlockErrors().factors(5, 0.8) is None
    assert BlockErrors([[0.1], [0.2]], 100).factors(1, 0.8) is None
    assert BlockErrors([[0.1] * 40] * 9, 100).factors(40, 0.8) is None
    assert BlockErrors([[0.1] * 40] * 9, 120).factors(40, 0.8) is not None


def test_longer_sums_than_are_known_are_taken_for_the_longest():
    """Errors that phases share do not cancel out."""
    errors = BlockErrors([[0.0, 0.1 * i] for i in range(9)], 100)

    assert errors.factors(2, 0.8) == errors.factors(50, 0.8)


def test_few_samples(sample):
    """Where there is no room for three blocks there are none, and nothing fails."""
    for n in (0, 1, 20, 22):
        assert BlockErrors() == block_errors(CALIBRATOR, [sample(9)] * n, 10, EXPECT)
    assert 3 == len(block_errors(CALIBRATOR, [sample(9)] * 23, 10, EXPECT).errors)


def test_nothing_of_a_block_is_known_when_it_is_predicted(sample):
    """What comes later, or within it, changes no earlier error."""
    sizes = [random.Random(i).randrange(100, 900) for i in range(200)]
    before = block_errors(CALIBRATOR, [sample(size) for size in sizes], 10, EXPECT)
    after = block_errors(
        CALIBRATOR, [sample(size) for size in [*sizes[:120], *[1] * 80]], 10, EXPECT
    )
    same = [a == b for a, b in zip(before.errors, after.errors, strict=True)]

    assert same == sorted(same, reverse=True)
    assert 15 < sum(same) < 30


def test_work_is_bounded(sample):
    """However long the history and the queue are, at most 40 times 200 outputs are predicted."""
    asked = []

    def expect(state, features):
        asked.append(features)
        return 9.0

    found = block_errors(CALIBRATOR, [sample(9)] * 5000, 10**6, expect)

    assert 8000 == len(asked)
    assert {200} == {len(block) for block in found.errors}


def drifting(sample, drawn, n):
    """Return samples whose level wanders and jumps by run: errors that neighbours share."""
    level, own, found = 0.0, 0.0, []
    for i in range(n):
        level += drawn.gauss(0, 0.01)
        own = drawn.gauss(0, 0.3) if i % 40 == 0 else own
        found.append(sample(max(1, round(math.exp(6 + level + own + drawn.gauss(0, 0.7))))))
    return found


class Level:
    """Expects the newest outputs' mean, older ones weighing less and less."""

    name = "level"

    def initial(self):
        return 400.0

    def update(self, state, sample):
        return state + (sample.actual_output_tokens - state) / 50

    def expected(self, state, features):
        return state


@pytest.mark.parametrize("n", [10, 50, 200])
@pytest.mark.parametrize("known", [150, 900])
def test_intervals_hold_about_what_they_say(sample, n, known):
    """Eight of ten sums over what comes next are within them, with much history and with little."""
    held, level = 0, Level()
    for seed in range(150):
        some = drifting(sample, random.Random(seed), known + n)
        state = level.initial()
        for one in some[:known]:
            state = level.update(state, one)
        factors = block_errors(level, some[:known], n, level.expected).factors(n, 0.8)
        actual = sum(one.actual_output_tokens for one in some[known:])
        held += factors.low <= actual / (n * state) <= factors.high

    assert 0.68 <= held / 150 <= 0.95
