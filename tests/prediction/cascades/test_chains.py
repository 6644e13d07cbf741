"""What a chain costs and achieves, task by task, against doing it step by step."""

import random
from itertools import permutations

import pytest

from autopack.prediction.cascades.chains import (
    MOST,
    course_of,
    courses,
    longest,
    number_of,
)
from autopack.prediction.cascades.trials import ModelColumn, Trial, by_model, columns_of


def made_up(seed, *, models=4, tasks=30, is_certain=True):
    """Return columns of made-up models, with certain or with probable outcomes."""
    draw = random.Random(seed)

    def share():
        return float(draw.random() < 0.5) if is_certain else draw.random()

    found = []
    for model in range(models):
        right = [share() for _ in range(tasks)]
        passed_right = [one * share() for one in right]
        passed = [p + (1 - r) * share() for p, r in zip(passed_right, right, strict=True)]
        costs = [draw.uniform(0, 2) for _ in range(tasks)]
        found.append(
            ModelColumn(
                model=f"m{model}", cost=costs, right=right, passed=passed, passed_right=passed_right
            )
        )
    return found


def walked(columns, chain, task):
    """Return what a chain with certain outcomes does with a task, one model after the other."""
    cost = 0.0
    for place in chain:
        cost += columns[place].cost[task]
        if columns[place].passed[task]:
            return cost, columns[place].right[task], 0.0
    return cost, columns[chain[-1]].right[task], 1.0


@pytest.mark.parametrize("seed", range(5))
def test_every_chain_as_it_is_walked(seed):
    """Its cost is of each model it reaches, its work of the first that passes, or the last."""
    columns = made_up(seed)
    for course in courses(columns, 3):
        expected = [walked(columns, course.chain, task) for task in range(30)]

        assert pytest.approx([one[0] for one in expected]) == course.cost
        assert [one[1] for one in expected] == course.right
        assert [one[2] for one in expected] == course.unpassed


def test_each_chain_once():
    """All orders of different models, up to the length."""
    chains = [course.chain for course in courses(made_up(1, tasks=1), 3)]

    assert sorted(chains) == sorted(p for n in (1, 2, 3) for p in permutations(range(4), n))
    assert number_of(4, 3) == len(chains)


def test_one_chain_alone():
    """As among all of them."""
    columns = made_up(2, is_certain=False)

    assert all(course_of(columns, one.chain) == one for one in courses(columns, 3))


def test_a_check_that_is_never_right_about_the_first():
    """What is passed though wrong ends the chain; what is failed though right is paid again."""
    first = ModelColumn(model="a", cost=[1, 1], right=[0, 1], passed=[1, 0], passed_right=[0, 0])
    second = ModelColumn(model="b", cost=[10, 10], right=[1, 1], passed=[1, 1], passed_right=[1, 1])
    course = course_of([first, second], (0, 1))

    assert ([1, 11], [0, 1], [0, 0]) == (course.cost, course.right, course.unpassed)


def test_repeats_are_means():
    """Two trials of a model at a task are half of it each."""
    rows = [
        Trial(task="t", model="a", cost_usd=1, right=True),
        Trial(task="t", model="a", cost_usd=3, right=False),
        Trial(task="t", model="b", cost_usd=10, right=True),
    ]
    columns = columns_of(by_model(rows), ["t"], lambda one: float(bool(one.right)))
    course = course_of(columns, (0, 1))

    assert ([2 + 10 / 2], [1.0]) == (course.cost, course.right)


@pytest.mark.parametrize(
    ("models", "wanted", "length"),
    [(2, 3, 2), (10, 3, 3), (10, 5, 4), (25, 3, 3), (25, 4, 3), (200, 4, 2), (1, 3, 1)],
)
def test_how_long_chains_may_be(models, wanted, length):
    """As is wanted, as long as they are not too many; two models are always compared."""
    assert length == longest(models, wanted)
    assert length <= 2 or number_of(models, length) <= MOST
