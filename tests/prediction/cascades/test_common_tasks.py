"""Which models and tasks can be compared: gaps by chance, and gaps by selection."""

import random

import pytest

from autopack.prediction.cascades.common_tasks import selected_models, whole_part
from autopack.prediction.cascades.trials import Trial, by_model

scipy_stats = pytest.importorskip("scipy.stats")


def tried(**outcomes):
    """Return trials by model and task; the outcomes of a model by task."""
    return by_model([
        Trial(task=str(task), model=model, cost_usd=1, right=right)
        for model, of in outcomes.items()
        for task, right in of.items()
    ])  # fmt: skip


def test_tried_where_another_failed():
    """The strong model of a cascade's own log ran only where the cheap one was wrong."""
    small = {n: n % 3 > 0 for n in range(60)}
    found = selected_models(tried(small=small, large=dict.fromkeys(range(0, 60, 3), True)))

    assert [("large", "small", (0, 20), (40, 40))] == [
        (one.model, one.other, one.with_it, one.without) for one in found
    ]


def test_tried_where_another_was_right():
    """A weak model that was spared what is hard is selected too."""
    large = {n: n % 2 == 0 for n in range(60)}
    (found,) = selected_models(tried(large=large, small=dict.fromkeys(range(0, 60, 2), True)))

    assert ("small", "large") == (found.model, found.other)


@pytest.mark.parametrize("seed", range(20))
def test_gaps_by_chance_are_no_selection(seed):
    """Half of the tasks, drawn at random, are like the others."""
    draw = random.Random(seed)
    outcomes = {
        name: {n: draw.random() < 0.6 for n in range(200) if draw.random() < share}
        for name, share in (("a", 1), ("b", 0.5), ("c", 0.8))
    }

    assert [] == selected_models(tried(**outcomes))


def test_models_with_no_gap():
    """What was tried everywhere is never selected, however the outcomes lie."""
    outcomes = {n: n % 2 == 0 for n in range(80)}

    assert [] == selected_models(tried(a=outcomes, b={n: not one for n, one in outcomes.items()}))


@pytest.mark.parametrize(
    ("one", "two"), [((3, 10), (8, 12)), ((0, 5), (5, 5)), ((7, 7), (7, 7)), ((1, 40), (9, 60))]
)
def test_the_exact_test(one, two):
    """The probability is that of Fisher's test, as scipy has it."""
    from autopack.prediction.cascades.common_tasks import chance_of

    table = [[one[0], one[1] - one[0]], [two[0], two[1] - two[0]]]

    assert scipy_stats.fisher_exact(table).pvalue == pytest.approx(chance_of(one, two))


def test_a_whole_matrix():
    """Nothing is left out of what has no gap."""
    all_right = dict.fromkeys(range(40), True)

    assert (["a", "b"], 40) == _part(tried(a=all_right, b=all_right))


def test_a_model_that_was_hardly_tried():
    """It is left out rather than all tasks but its own."""
    many, few = dict.fromkeys(range(100), True), dict.fromkeys(range(10), True)

    assert (["a", "b"], 100) == _part(tried(a=many, b=many, c=few))


def test_a_few_tasks_that_lack_a_model():
    """They are left out rather than the model."""
    many, most = dict.fromkeys(range(100), True), dict.fromkeys(range(90), True)

    assert (["a", "b", "c"], 90) == _part(tried(a=many, b=many, c=most))


def test_no_task_in_common():
    """Then there is nothing to compare."""
    a, b = dict.fromkeys(range(40), True), dict.fromkeys(range(40, 80), True)
    models, tasks = whole_part(tried(a=a, b=b))

    assert len(models) < 2 or not tasks


def _part(given):
    models, tasks = whole_part(given)
    return models, len(tasks)
