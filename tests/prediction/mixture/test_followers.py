"""Followers: what they promise of misses whatever the outputs are, and where they stop."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.mixture.followers import moved

TAU, STEP = 0.9, 0.05


def _followed(sizes, *, most=1e9):
    """Return the share of outputs above what a follower of 100 says, and its last offset."""
    offset, misses = 0.0, 0
    for size in sizes:
        said = 100 * math.exp(offset)
        miss = float(size > said)
        misses += miss
        offset = moved(offset, STEP, miss, TAU, math.log(said / size), most)
    return misses / len(sizes), offset


@given(sizes=st.lists(st.floats(1, 1e6), min_size=1, max_size=300))
def test_misses_are_bounded_whatever_the_outputs(sizes):
    """The share of misses is at most 1 - tau and the way that the offset went."""
    missed, offset = _followed(sizes)

    assert missed <= 1 - TAU + offset / (STEP * len(sizes)) + 1e-9


def test_coverage_is_held():
    """Of outputs that vary, tau are covered, though the level was wrong at first."""
    rng = random.Random(1)
    missed, _ = _followed([rng.lognormvariate(6, 0.5) for _ in range(5000)])

    assert pytest.approx(1 - TAU, abs=0.01) == missed


def test_it_stops_at_the_output():
    """Outputs that are always of one size are followed to that size, and not below it."""
    missed, offset = _followed([37.0] * 2000)

    assert 0 == missed
    assert pytest.approx(math.log(37 / 100)) == offset


def test_it_goes_no_farther_than_allowed():
    """Outputs beyond all reach move it to its limit."""
    _, offset = _followed([1e12] * 1000, most=3.0)

    assert 3.0 == offset


def test_a_probable_miss_moves_it_by_as_much():
    """What is not known counts by how probable it is."""
    moves = [moved(0.0, STEP, miss, TAU, 1.0, 3.0) for miss in (0.0, 0.5, 1.0)]

    assert pytest.approx([-0.005, 0.02, 0.045]) == moves
