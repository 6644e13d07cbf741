"""Sorted numbers that are never mutated, and windows of the newest sizes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack.prediction.calibration.sliding_window import Window
from autopack.prediction.calibration.sorted_multiset import Ordered

numbers = st.lists(st.integers(-50, 50).map(float), max_size=60)
sizes = st.lists(st.integers(-40, 40).filter(bool), max_size=80)


@given(numbers, numbers)
def test_one_by_one_and_at_once(first, second):
    """Both ways give the sorted numbers, and leave what was there as it was."""
    start = Ordered().with_numbers(first)
    slow = start
    for number in second:
        slow = slow.with_number(number)

    assert sorted(first + second) == list(slow) == list(start.with_numbers(second))
    assert (sorted(first), len(first)) == (list(start), len(start))


def test_blocks_split():
    """More numbers than a block holds are kept in order, and found by place."""
    ordered = Ordered()
    for number in range(3000):
        ordered = ordered.with_number(float(number * 7919 % 3000))

    assert list(map(float, range(3000))) == list(ordered)
    assert (0.0, 1500.0, 2999.0) == (ordered[0], ordered[1500], ordered[2999])
    assert len(ordered.blocks) > 1


@pytest.mark.parametrize("place", [-1, 2])
def test_places_that_are_not_there(place):
    """A place outside is refused."""
    with pytest.raises(IndexError):
        Ordered().with_numbers([1.0, 2.0])[place]


@given(sizes, st.integers(1, 20))
@settings(max_examples=60)
def test_a_window_keeps_the_newest(given_sizes, longest):
    """However it is filled, a window holds the newest sizes, whole and cut ones apart."""
    slow = Window()
    for size in given_sizes:
        slow = slow.with_size(size, longest)
    newest = given_sizes[-longest:]

    assert slow == Window().with_sizes(given_sizes, longest)
    assert newest == list(slow.order)
    assert sorted(size for size in newest if size > 0) == list(slow.exact)
    assert sorted(-size for size in newest if size < 0) == list(slow.cut)
    assert max(map(abs, newest), default=0) == slow.largest
