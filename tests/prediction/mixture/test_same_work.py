"""The same work done before: what it tells of an output, and what it costs to know."""

import math
import random

import attrs
import pytest
from rpds import HashTrieMap

from autopack.prediction.calibration.prequential import Replay, Row
from autopack.prediction.mixture import same_work
from autopack.prediction.mixture.calibrator import Mixture
from autopack.prediction.mixture.same_work import SameWork, learned_work, said_by

MEANS = [6.0] * 8
Z = 1.2815515655446004
"""How many deviations the quantile at 0.9 is above the middle."""


def made_tasks(make, *, n, tasks, spread, noise, seed=1):
    """Return samples of tasks in any order, and what who knows their effects would say of each."""
    rng, effects, found = random.Random(seed), {}, []
    for number in range(n):
        task = rng.randrange(tasks)
        middle = 6 + 0.5 * (task % 3) + effects.setdefault(task, rng.gauss(0, spread))
        tokens = max(1, round(math.exp(middle + rng.gauss(0, noise))))
        sample = make(number, tokens, category=f"c{task % 3}")
        names = {**sample.features, "tasks": [f"task:{task}"]}
        found.append((attrs.evolve(sample, features=names), math.exp(middle + Z * noise)))
    return found


def without_tasks(sample):
    return attrs.evolve(sample, features={**sample.features, "tasks": ()})


def loss(said, samples):
    actual = [sample.actual_output_tokens for sample in samples]
    errors = [one - predicted for one, predicted in zip(actual, said, strict=True)]
    return sum(max(0.9 * error, -0.1 * error) for error in errors) / sum(actual)


def coverage(said, samples):
    return sum(
        sample.actual_output_tokens <= predicted
        for sample, predicted in zip(samples, said, strict=True)
    ) / len(samples)


@pytest.mark.parametrize(("tasks", "spread", "noise"), [(100, 0.8, 0.35), (300, 0.8, 0.35)])
def test_it_gains_half_of_what_there_is(make, asked_in_turn, tasks, spread, noise):
    """Against who knows each task's effect, and its share of outputs is held."""
    made = made_tasks(make, n=1500, tasks=tasks, spread=spread, noise=noise)
    samples, known = [sample for sample, _ in made], [size for _, size in made]
    said = asked_in_turn(samples)
    plain = loss(asked_in_turn([without_tasks(sample) for sample in samples]), samples)

    assert plain - loss(said, samples) >= 0.5 * (plain - loss(known, samples))
    assert abs(coverage(said, samples) - 0.9) <= 0.02


def test_tasks_that_tell_nothing_cost_little(make, asked_in_turn):
    """Where all do the same, what is said stays about what it was."""
    samples = [s for s, _ in made_tasks(make, n=1500, tasks=100, spread=0.0, noise=0.5)]
    plain = loss(asked_in_turn([without_tasks(sample) for sample in samples]), samples)

    assert loss(asked_in_turn(samples), samples) <= 1.01 * plain


def test_work_that_nobody_did_again_changes_nothing(make, asked_in_turn):
    """Each its own: what is said is the same as without names."""
    rng = random.Random(2)
    samples = [make(number, int(rng.lognormvariate(6, 0.5))) for number in range(200)]
    named = [
        attrs.evolve(sample, features={**sample.features, "tasks": [f"task:{number}"]})
        for number, sample in enumerate(samples)
    ]

    assert asked_in_turn(samples) == asked_in_turn(named)


def test_outcomes_that_come_late_are_learned_too(make):
    """Whether the work was known when it was asked for, and whether it is now, may differ."""
    made = made_tasks(make, n=400, tasks=20, spread=0.8, noise=0.3)
    samples = [attrs.evolve(sample, ended_position=sample.position + 101) for sample, _ in made]
    rows = [
        Row(at=s.position, known_at=s.ended_position, features=s.question(), sample=s)
        for s in samples
    ]
    said = [predicted.tokens for _, (predicted,) in Replay(Mixture(), rows, (0.9,))]

    assert abs(coverage(said[100:], samples[100:]) - 0.9) <= 0.06


def test_a_special_name_counts_for_more_than_a_general_one():
    """It leans on the general one where little is known of it."""
    work = SameWork()
    for _ in range(10):
        work = learned_work(work, ["goal"], "c", round(math.exp(7)), MEANS, None)
    general = said_by(work, ["goal", "phase"], "c", MEANS, 0.9)
    work = learned_work(work, ["phase"], "c", round(math.exp(5)), MEANS, None)
    special = said_by(work, ["goal", "phase"], "c", MEANS, 0.9)

    assert said_by(work, ["other"], "c", MEANS, 0.9) is None
    assert all(6.5 < mean <= 7.01 for mean in general.means)
    assert all(5 < new < old for new, old in zip(special.means, general.means, strict=True))


def test_outputs_that_were_cut_off_teach_nothing():
    """Nobody knows how large they would have been."""
    work = SameWork()

    assert work is learned_work(work, ["goal"], "c", -500, MEANS, None)


def test_names_are_kept_while_they_are_new(monkeypatch):
    """The newest at least so many, and never more than twice as many."""
    monkeypatch.setattr(same_work, "_MOST", 50)
    work = SameWork()
    for number in range(500):
        work = learned_work(work, [f"t{number}"], "c", 400, MEANS, None)

    assert all(work.effect_of(f"t{number}") is not None for number in range(450, 500))
    assert len(work.young) + len(work.old) <= 102
    assert isinstance(work.young, HashTrieMap)
