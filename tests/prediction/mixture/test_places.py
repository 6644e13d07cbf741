"""Places in the tree: where samples belong, and what each keeps."""

import math

from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.mixture.places import DEPTHS, NO_OCTAVE, WINDOWS, grown, path_of

sizes = st.lists(st.integers(1, 500).flatmap(lambda n: st.sampled_from([n, -n])), min_size=1)


@given(sizes=sizes)
def test_windows_hold_the_newest(sizes):
    """Each window is the newest of its length, the whole ones and the cut ones ascending."""
    long = [*sizes * 7, *range(1, 120), *sizes]
    place = None
    for size in long:
        place = grown(place, size, None)

    windows = zip((place.long, place.middle, place.short), WINDOWS, strict=True)
    for (exact, cut), length in windows:
        newest = long[-length:]
        assert sorted(size for size in newest if size > 0) == list(exact)
        assert sorted(-size for size in newest if size < 0) == list(cut)
    assert place.largest == max(map(abs, long[-WINDOWS[0] :]))


@given(sizes=sizes)
def test_a_place_is_never_changed(sizes):
    """Whoever kept a place finds it as it was."""
    before = grown(None, 7, math.log(9))
    kept = [list(before.order), list(before.long[0]), before.mean]
    place = before
    for size in sizes:
        place = grown(place, size, None)

    assert kept == [list(before.order), list(before.long[0]), before.mean]


def test_means_are_of_whole_sizes():
    """A size that was cut off is not in the mean, nor is its prompt."""
    place = grown(grown(grown(None, 10, math.log(2)), 1000, math.log(8)), -7, math.log(900))

    assert (2, 2) == (place.n, place.prompts)
    assert math.isclose(math.log(100), place.mean)
    assert math.isclose(math.log(4), place.prompt)


@given(sizes=sizes)
def test_a_shared_place_has_its_longest_window(sizes):
    """What is looked at whatever the model holds what the other does, in one window."""
    place = shared = None
    for size in sizes * 5:
        place, shared = grown(place, size, 1.0), grown(shared, size, 1.0, is_shared=True)

    assert place.long == shared.long == shared.middle == shared.short
    assert (place.order, place.n, place.mean) == (shared.order, shared.n, shared.mean)


def test_a_path_gets_finer_in_the_prompt():
    """Prompts that are near to each other share all but the finest places; without one, none."""
    near, nearer, none = (path_of("m", "docs", "low", prompt) for prompt in (900, 950, None))

    assert DEPTHS == len(near.own) + len(near.parts)
    assert (near.own, near.octave) == (nearer.own, nearer.octave)
    assert near.parts[:3] == nearer.parts[:3]
    assert near.parts[4] != nearer.parts[4]
    assert (near.own, "", ()) == (none.own, none.octave, none.parts)


@given(prompt=st.integers(0, 2**40))
def test_each_part_of_an_octave_is_half_of_the_one_above(prompt):
    """The places of a prompt lie within each other, and tell its size as finely as they say."""
    path = path_of("m", "docs", "low", prompt)
    octaves = math.log2(1 + prompt)

    assert [0, *((part - 1) // 2 for part in path.parts[1:])] == [0, *path.parts[:-1]]
    assert [of - 1 + int(octaves * of) % of for of in (1, 2, 4, 8, 16)] == list(path.parts)
    assert path.octave.endswith(f"\0{int(octaves)}")
    assert all(part < len(NO_OCTAVE) for part in path.parts)


def test_words_for_a_category_are_one_place():
    """Categories and complexities are looked up in the standard words."""
    assert path_of("m", "documentation", "LOW", 5) == path_of("m", "docs", "low", 5)
