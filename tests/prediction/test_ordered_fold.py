"""The fold that learns samples in the order of their ends, however they come and change."""

import attrs
from hypothesis import given
from hypothesis import strategies as st

from autopack.ports.prediction import Sample
from autopack.prediction.ordered_fold import OrderedFold


class Listing:
    """A calibrator whose state is what it learned, and which counts how often it learned."""

    name = "listing"

    def __init__(self):
        self.learned = 0

    def initial(self):
        """Return nothing."""
        return ()

    def update(self, state, sample):
        """Return the state with the sample."""
        self.learned += 1
        return (*state, (sample.ended_position, sample.actual_output_tokens))


def _sample(position, ended, tokens):
    return Sample(
        position=position,
        ended_position=ended,
        run_id="r",
        phase_id=f"p{position}",
        attempt=1,
        category="docs",
        complexity="low",
        predicted_output_tokens=100,
        actual_output_tokens=tokens,
        success=True,
    )


steps = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 40), st.integers(1, 5), st.booleans()),
    max_size=80,
)


@given(steps=steps)
def test_as_if_all_were_folded_anew(steps):
    """Samples may come out of order, change, or end again later: it is what a new fold gives."""
    fold, now = OrderedFold(Listing()), {}
    for position, delay, tokens, is_asked in steps:
        before = now.get(position)
        sample = _sample(position, position + delay, tokens)
        now[position] = sample

        assert before == fold.put(sample)

        if is_asked:
            assert _anew(now) == fold.state

    assert _anew(now) == fold.state


def _anew(samples):
    ordered = sorted(samples.values(), key=lambda one: (one.ended_position, one.position))
    return tuple((one.ended_position, one.actual_output_tokens) for one in ordered)


def test_each_is_learned_once():
    """What comes in order is learned when it is asked for, and nothing is learned again."""
    calibrator = Listing()
    fold = OrderedFold(calibrator)
    for position in range(1, 301):
        fold.put(_sample(position, position, 7))
        assert position == len(fold.state)

    assert 300 == calibrator.learned


def test_a_change_costs_what_came_after_it():
    """Only some more than the samples after the one that changed are learned again."""
    calibrator = Listing()
    fold = OrderedFold(calibrator)
    for position in range(1, 1001):
        fold.put(_sample(position, position, 7))
        assert fold.state
    fold.put(attrs.evolve(_sample(990, 990, 7), is_superseded=True))

    assert 1000 == len(fold.state)
    assert calibrator.learned - 1000 <= 4 * 11


class Counting:
    """A calibrator whose state is how many samples it learned."""

    name = "counting"

    def initial(self):
        """Return nothing."""
        return 0

    def update(self, state, sample):
        """Return one more."""
        return state + 1


def test_few_states_are_kept_however_many_samples_there_are():
    """Of a hundred thousand samples thirty, of which two are far back, at each moment."""
    fold = OrderedFold(Counting())
    for position in range(1, 100_001):
        fold.put(_sample(position, position, 7))
        if position % 97 == 0 or position % 1024 < 3:
            assert position == fold.state
    kept = [count for count, _ in fold._kept]

    assert all(count == state for count, state in fold._kept)
    assert 100_000 == fold.state
    assert len(kept) <= 30
    assert [0, 81_920] == [count for count in kept if count < 100_000 - 2048]


def test_a_change_far_back():
    """It is learned again from a multiple of sixteen thousand, and not from the beginning."""
    fold = OrderedFold(Counting())
    for position in range(1, 50_001):
        fold.put(_sample(position, position, 7))
    assert 50_000 == fold.state
    fold.put(_sample(47_000, 47_000, 8))

    assert 32_768 == fold._kept[-1][0]
    assert 50_000 == fold.state
