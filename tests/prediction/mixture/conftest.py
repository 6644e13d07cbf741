"""Outputs with a known truth, and a calibrator that is asked before it learns each."""

import math
import random

import pytest

from autopack.ports.prediction import Sample
from autopack.prediction.mixture.calibrator import Mixture


def made_sample(number, tokens, *, cut=False, prompt=None, category="docs", model="m"):
    """Return a sample that was asked for and ended before the next."""
    return Sample(
        position=2 * number + 1,
        ended_position=2 * number + 2,
        run_id=None,
        phase_id=None,
        attempt=None,
        category=category,
        complexity="medium",
        predicted_output_tokens=4000,
        actual_output_tokens=tokens,
        success=not cut,
        truncated=cut,
        model=model,
        features={"model": model, "prompt_tokens": prompt},
    )


def _asked_in_turn(samples, tau=0.9, calibrator=None):
    calibrator = calibrator or Mixture(tau=tau)
    state, said = calibrator.initial(), []
    for sample in samples:
        said.append(calibrator.predict(state, sample.question(), tau).tokens)
        state = calibrator.update(state, sample)
    return said


@pytest.fixture(scope="session")
def make():
    """Return a function that makes a sample by number and size."""
    return made_sample


@pytest.fixture(scope="session")
def asked_in_turn():
    """Return a function that gives what is said of each sample before it is learned."""
    return _asked_in_turn


@pytest.fixture(scope="session")
def drifting():
    """Return outputs of twelve groups with prompts, threefold from row 3,000 on; one is rare."""
    rng = random.Random(1)
    levels = [math.exp(rng.gauss(6, 0.8)) for _ in range(12)]
    shares, n, samples = [0.09] * 11 + [0.01], 15_500, []
    for number in range(n):
        group, prompt = rng.choices(range(12), shares)[0], int(rng.lognormvariate(6, 1))
        size = levels[group] * (prompt / 400) ** 0.5 * rng.lognormvariate(0, 0.5)
        tokens = max(1, int(size * (3 if number >= 3000 else 1)))
        samples.append(made_sample(number, tokens, prompt=prompt, category=f"c{group}"))
    return samples
