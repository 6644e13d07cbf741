"""Which chain is chosen: the cheapest of those that are not right less often."""

import pytest

from autopack.prediction.cascades.chain_choice import chosen, frontier, table_of
from autopack.prediction.cascades.trials import ModelColumn


def column(name, cost, right, tasks=100):
    """Return a model that costs the same everywhere and is right in the first tasks."""
    hits = [float(n < right) for n in range(tasks)]
    return ModelColumn(model=name, cost=[cost] * tasks, right=hits, passed=hits, passed_right=hits)


def choice(*columns, margin=0.01, caution=0.0, max_length=3, blocks=10):
    """Return the best single model and the best chain, by name."""
    table = table_of(columns, max_length=max_length, blocks=blocks)
    found = chosen(table, table.whole(), range(blocks), margin=margin, caution=caution)
    names = [[columns[place].model for place in chain] for chain in table.chains]
    return names[found.single], names[found.chain]


def test_cheap_first():
    """Half of the tasks are done by the cheap one."""
    found = choice(column("small", 1, 50), column("large", 10, 90))

    assert (["large"], ["small", "large"]) == found


def test_the_cheapest_model_of_those_that_are_as_good():
    """What is right as often for less is what a chain must beat."""
    found = choice(column("small", 1, 90), column("large", 10, 90))

    assert (["small"], ["small"]) == found


@pytest.mark.parametrize(("margin", "single"), [(0.0, "large"), (0.02, "small")])
def test_the_margin(margin, single):
    """Two points less are as good only for who says so."""
    found = choice(column("small", 1, 88), column("large", 10, 90), margin=margin)

    assert single == found[0][0]


def test_a_chain_without_the_best_model():
    """Two that know different things may do without it."""
    hits = [[float(n % 2 == place) for n in range(100)] for place in (0, 1)]
    two = [
        ModelColumn(model=f"m{n}", cost=[1.0] * 100, right=of, passed=of, passed_right=of)
        for n, of in enumerate(hits)
    ]

    assert ["m0", "m1"] == sorted(choice(*two, column("large", 10, 90))[1])


def test_what_costs_the_same_is_told_apart_by_what_is_right():
    """A hundredth more is no reason to be right less often."""
    small, other = column("small", 1.0, 50), column("other", 1.01, 51)
    large = column("large", 10, 90)
    found = choice(small, other, large, max_length=2)

    assert ["other", "large"] == found[1]


def test_shorter_chains_are_preferred():
    """A model that adds nothing and costs nothing is left out."""
    found = choice(column("free", 0, 0), column("small", 1, 50), column("large", 10, 90))

    assert ["small", "large"] == found[1]


def lucky():
    """Return a model that is right in four of five tasks, and one that is in all or in half."""
    found = []
    for name, cost, hits in (
        ("small", 1.0, [float(n // 10 % 2 == 0 or n % 2) for n in range(100)]),
        ("large", 10.0, [float(n % 5 > 0) for n in range(100)]),
    ):
        found.append(
            ModelColumn(
                model=name, cost=[cost] * 100, right=hits, passed=[1.0] * 100, passed_right=hits
            )
        )
    return found


def test_caution():
    """What is as good by luck in few tasks is not chosen where standard errors are taken off."""
    small, large = lucky()

    assert ["small"] == choice(small, large, margin=0.05)[1]
    assert ["large"] == choice(small, large, margin=0.05, caution=2)[1]


def test_caution_spares_what_cannot_be_worse():
    """A chain that ends with the best model is right whenever that is, and no error is in that."""
    found = choice(column("small", 1, 50), column("large", 10, 90), caution=3)

    assert ["small", "large"] == found[1]


def test_the_frontier():
    """From the cheapest up, each right more often than all before it."""
    columns = column("small", 1, 50), column("middle", 20, 60), column("large", 10, 90)
    table = table_of(columns, max_length=2, blocks=4)
    found = [table.chains[number] for number in frontier(table, table.whole())]

    assert [(0,), (0, 2)] == found


@pytest.mark.parametrize("blocks", [1, 7, 20])
def test_blocks_hold_all_tasks(blocks):
    """Their sums are the sums over all of them, whatever their number."""
    columns = column("small", 1, 50), column("large", 10, 90)
    table = table_of(columns, max_length=2, blocks=blocks)
    whole = table.whole()
    without = whole.minus(table.sums[0])

    assert (100, [100, 600, 1000, 1010]) == (whole.tasks, [round(one) for one in whole.cost])
    assert 100 - table.sums[0].tasks == without.tasks
