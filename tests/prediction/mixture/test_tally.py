"""What the mixture promises of misses: what it rests on is counted as it happens."""

import re

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack.prediction.calibration.guarantees import undecided
from autopack.prediction.mixture.calibrator import Mixture
from autopack.prediction.mixture.layers import HOLDING, LAYER_MOST, Layers
from autopack.prediction.mixture.tally import Tally, guaranteed, is_stopped


@settings(deadline=None, max_examples=20)
@given(
    moves=st.lists(
        st.one_of(st.sampled_from(["over", "under"]), st.integers(1, 100_000)),
        min_size=1,
        max_size=80,
    ),
    tau=st.sampled_from([0.5, 0.9, 0.99]),
    again=st.booleans(),
)
def test_the_bound_holds_whatever_is_played(make, moves, tau, again):
    """Nobody breaks it who chooses each output with sight of its prediction, done before or not."""
    calibrator = Mixture(tau=tau)
    state, misses = calibrator.initial(), 0
    for number, move in enumerate(moves):
        sample = make(number, 1)
        if again:
            sample = attrs.evolve(sample, features={**sample.features, "tasks": [str(number % 3)]})
        said = calibrator.predict(state, sample.question(), tau).tokens
        sizes = {"over": int(said) + 1, "under": max(1, int(said) - 1)}
        size = sizes.get(move, move)
        misses += size > said
        state = calibrator.update(state, attrs.evolve(sample, actual_output_tokens=size))
    (found,) = calibrator.guarantees(state)

    assert (len(moves), (), 0) == (found.rows, found.missing, found.late)
    assert misses / len(moves) == found.missed <= found.at_most + 1e-9

    (line,) = calibrator.propose(state).settings["guarantees"]
    most, it_is = re.search(r"at most ([\d.]+); it is ([\d.]+)", line).groups()

    assert float(it_is) <= float(most)


def test_outputs_that_outgrow_each_answer_by_a_token(make):
    """However large they are, each counts as a miss, and moves the offset."""
    calibrator = Mixture()
    state = calibrator.initial()
    for number in range(25):
        said = calibrator.predict(state, make(number, 1).question(), 0.9).tokens
        state = calibrator.update(state, make(number, int(said) + 1))
    (found,) = calibrator.guarantees(state)

    assert 1.0 == found.missed == pytest.approx(found.at_most)


def test_nothing_is_promised_of_nothing():
    """Before any outcome there is no guarantee."""
    calibrator = Mixture()

    assert () == calibrator.guarantees(calibrator.initial())


def test_failed_attempts_are_held_against_nothing(make):
    """They are learned apart."""
    calibrator = Mixture()
    state = calibrator.update(calibrator.initial(), attrs.evolve(make(0, 9), success=False))

    assert () == calibrator.guarantees(state)


def test_what_was_not_so_is_counted(make):
    """Outputs that were cut under what was said, and outcomes that were late."""
    calibrator = Mixture()
    state = calibrator.initial()
    for number in range(30):
        state = calibrator.update(state, make(number, 100 + number))
    state = calibrator.update(state, make(30, 5, cut=True))
    state = calibrator.update(state, make(31, 5000, cut=True))
    late = attrs.evolve(make(40, 50), position=2 * 31 + 1)
    (found,) = calibrator.guarantees(calibrator.update(state, late))

    assert (33, 1, (undecided(1),)) == (found.rows, found.late, found.missing)


def test_an_offset_at_its_end():
    """From there on a miss moves it no more, and nothing is promised."""
    end = Layers(held=LAYER_MOST)
    tally = Tally().with_outcome(1.0, 5, is_late=False, is_stopped=is_stopped(end))
    found = guaranteed(tally, [end], 0.9)

    assert ("1 times its offset was as large as it may be",) == found.missing
    assert 0.1 + LAYER_MOST / HOLDING == found.at_most
    assert not is_stopped(Layers())
