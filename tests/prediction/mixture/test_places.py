"""Places in the tree: where samples belong, and what each keeps."""

import math

from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.mixture.places import DEPTHS, WINDOWS, grown, path_of

sizes = st.lists(st.integers(1, 500).flatmap(lambda n: st.sampled_from([n, -n])), min_size=1)


@given(sizes=sizes)
def test_windows_hold_the_newest(sizes):
    """Each window is the newest of its length, the whole ones and the cut ones ascending."""
    long = [*sizes * 7, *range(1, 120), *sizes]
    place = None
    for size in long:
        place = grown(place, size, None)

    for ranked, length in zip((place.long, place.middle, place.short), WINDOWS, strict=True):
        newest = long[-length:]
        assert sorted(size for size in newest if size > 0) == list(ranked.exact)
        assert sorted(-size for size in newest if size < 0) == list(ranked.cut)
    assert place.largest == max(map(abs, long[-WINDOWS[0] :]))


@given(sizes=sizes)
def test_a_place_is_never_changed(sizes):
    """Whoever kept a place finds it as it was."""
    before = grown(None, 7, math.log(9))
    kept = [list(before.order), list(before.long.exact), before.mean]
    place = before
    for size in sizes:
        place = grown(place, size, None)

    assert kept == [list(before.order), list(before.long.exact), before.mean]


def test_means_are_of_whole_sizes():
    """A size that was cut off is not in the mean, nor is its prompt."""
    place = grown(grown(grown(None, 10, math.log(2)), 1000, math.log(8)), -7, math.log(900))

    assert (2, 2) == (place.n, place.prompts)
    assert math.isclose(math.log(100), place.mean)
    assert math.isclose(math.log(4), place.prompt)


def test_a_path_gets_finer_in_the_prompt():
    """Prompts that are near to each other share all but the finest places; without one, none."""
    near, nearer, none = (path_of("m", "docs", "low", prompt) for prompt in (900, 950, None))

    assert DEPTHS == len(near.own)
    assert near.own[:8] == nearer.own[:8]
    assert near.own[9] != nearer.own[9]
    assert near.own[:5] == none.own


def test_words_for_a_category_are_one_place():
    """Categories and complexities are looked up in the standard words."""
    assert path_of("m", "documentation", "LOW", 5) == path_of("m", "docs", "low", 5)
