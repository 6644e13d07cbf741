"""What a question and an outcome cost, in calls of functions: the same after many as after few."""

import random
import sys
from itertools import count

import attrs
import pytest

from autopack.prediction.mixture.calibrator import Mixture


def _calls_of(work):
    """Return how many functions, of Python and of C, are called."""
    called = count()

    def note(_frame, event, _arg):
        if event in ("call", "c_call"):
            next(called)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return next(called)


def _outputs(make, numbers, *, cut_share=0.0, late=0):
    rng = random.Random(numbers[0])
    for number in numbers:
        size, prompt = int(rng.lognormvariate(6, 0.8)), int(rng.lognormvariate(6, 1))
        model, category = rng.choice("mn"), rng.choice(["docs", "tests"])
        is_cut = rng.random() < cut_share
        sample = make(number, size, prompt=prompt, model=model, category=category, cut=is_cut)
        yield attrs.evolve(sample, ended_position=sample.ended_position + 2 * late)


class _Line:
    """Samples that are asked for in turn, each learned so many later."""

    def __init__(self, late):
        self.calibrator, self.late = Mixture(), late
        self.state, self.waiting = self.calibrator.initial(), []

    def take(self, samples):
        for sample in samples:
            self.calibrator.predict(self.state, sample.question(), 0.9)
            self.waiting.append(sample)
            if len(self.waiting) > self.late:
                self.state = self.calibrator.update(self.state, self.waiting.pop(0))


@pytest.mark.parametrize(
    ("late", "cut_share", "most"), [(0, 0.0, 1250), (0, 0.05, 1750), (5, 0.0, 1500)]
)
def test_a_sample_costs_the_same_however_many_were_learned(make, late, cut_share, most):
    """A question and its outcome take so many calls, and after the windows are full no more."""
    line, taken = _Line(late), []
    for start in (0, 1000, 2000, 3000):
        line.take(_outputs(make, range(start, start + 950), cut_share=cut_share, late=late))
        some = list(
            _outputs(make, range(start + 950, start + 1000), cut_share=cut_share, late=late)
        )
        taken.append(_calls_of(lambda some=some: line.take(some)) / len(some))

    assert max(taken) < most
    assert taken[3] < 1.1 * taken[2]
