"""Chains are judged by tasks that had no part in choosing them, with intervals that hold."""

import random
from statistics import fmean

import pytest

from autopack.prediction.cascades.chain_choice import table_of
from autopack.prediction.cascades.chain_judging import ChainJudge, JudgedTask, compared
from autopack.prediction.cascades.trials import ModelColumn


def made_up(seed, *, models=6, tasks=60, share=0.5):
    """Return columns of models that are all alike: whatever is chosen is chosen by luck."""
    draw = random.Random(seed)
    found = []
    for number in range(models):
        hits = [float(draw.random() < share) for _ in range(tasks)]
        found.append(
            ModelColumn(
                model=f"m{number}",
                cost=[draw.lognormvariate(0, 0.5) for _ in range(tasks)],
                right=hits,
                passed=[1.0] * tasks,
                passed_right=hits,
            )
        )
    return found


def judge_of(columns, blocks=20):
    """Return a judge of chains of one model."""
    table = table_of(columns, max_length=1, blocks=blocks)
    return ChainJudge(columns, table, margin=0.0, caution=0)


def test_what_is_chosen_by_luck_is_no_better_later():
    """The chosen model looks better on the tasks that chose it, and not on others."""
    seen, held, later = [], [], []
    for seed in range(30):
        judge = judge_of(made_up(seed))
        seen.append(fmean(one.chain_right for one in judge.of_all(judge.choice())))
        held.append(fmean(one.chain_right for one in judge.held_out()))
        draw = random.Random(seed).random
        later.append(fmean(one.chain_right for one in judge.one_after_the_other(draw)))

    assert fmean(seen) > 0.54
    assert 0.47 < fmean(held) < 0.53
    assert 0.47 < fmean(later) < 0.53


def only_right_in(name, *tasks):
    """Return a model that costs what every other one does."""
    hits = [float(task in tasks) for task in range(40)]
    return ModelColumn(
        model=name, cost=[1.0] * 40, right=hits, passed=[1.0] * 40, passed_right=hits
    )


def test_a_task_has_no_part_in_its_own_judgement():
    """The last two tasks make one model the better one; by all others it is not."""
    judge = judge_of([only_right_in("a", *range(19), 38, 39), only_right_in("b", *range(20))])

    assert 1 == judge.of_all(judge.choice())[-1].chain_right
    assert [0, 0] == [one.chain_right for one in judge.held_out()[38:]]


def test_each_task_is_held_out_once():
    """In the order of the tasks."""
    columns = made_up(2, models=1)
    held = judge_of(columns, blocks=7).held_out()

    assert list(columns[0].cost) == [one.chain_usd for one in held]


def test_the_first_ones_only_choose():
    """In one order, three tenths of the tasks; over all orders nearly every task is judged."""
    judge = judge_of(made_up(3, tasks=200))
    found = judge.one_after_the_other(random.Random(1).random)

    assert 180 <= len(found) <= 200


def judged(pairs):
    """Return tasks as judged: costs of the single model and of the chain; both are right."""
    return [
        JudgedTask(single_usd=a, chain_usd=b, single_right=1.0, chain_right=1.0) for a, b in pairs
    ]


def test_figures():
    """Means, their ratio and their difference."""
    tasks = [
        JudgedTask(single_usd=4, chain_usd=1, single_right=1, chain_right=1),
        JudgedTask(single_usd=2, chain_usd=2, single_right=0, chain_right=1),
    ]
    found = compared(tasks, random.Random(1).random)

    assert (2, 3, 1.5, 0.5) == (
        found.tasks,
        found.single_usd.value,
        found.chain_usd.value,
        found.cost_ratio.value,
    )
    assert (0.5, 1, 0.5) == (
        found.single_right.value,
        found.chain_right.value,
        found.right_gain.value,
    )


def test_pairs_are_kept_together():
    """A chain that costs half of whatever the model costs does so in every resample."""
    draw = random.Random(5)
    costs = [draw.lognormvariate(0, 2) for _ in range(50)]
    found = compared(judged((one, one / 2) for one in costs), draw.random)

    assert found.single_usd.low < 0.7 * found.single_usd.high
    assert pytest.approx([0.5] * 3) == [
        found.cost_ratio.low,
        found.cost_ratio.value,
        found.cost_ratio.high,
    ]


def test_intervals_hold_the_truth():
    """Nineteen times of twenty, as they say; here at least thirty-two of forty."""
    held = 0
    for seed in range(40):
        draw = random.Random(seed)
        pairs = [(draw.lognormvariate(0, 0.5), draw.lognormvariate(-0.5, 0.5)) for _ in range(50)]
        ratio = compared(judged(pairs), draw.random).cost_ratio
        held += ratio.low <= 2.718281828**-0.5 <= ratio.high

    assert 32 <= held


def test_the_same_draws_give_the_same():
    """There is no other chance in it."""
    columns = made_up(4)
    one, two = (
        compared(judge_of(columns).one_after_the_other(draw), draw)
        for draw in (random.Random(9).random, random.Random(9).random)
    )

    assert one == two
