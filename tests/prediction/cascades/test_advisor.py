"""What trials speak for as a whole: advice, refusals, and what is left out."""

import random

import attrs
import pytest
from tests.long.cascades import world_of

from autopack.prediction.cascades.advisor import advised
from autopack.prediction.cascades.trials import Trial


def advice(trials, **settings):
    """Return the advice of some trials, always by the same draws."""
    return advised(trials, random.Random(1).random, source="a test", **settings)


@pytest.fixture(scope="module")
def trials():
    """What five models of very different prices did with 120 tasks."""
    return world_of(4).trials(random.Random(4), 120)


def split(n, *, cheap=0.5, strong=0.9, seed=3):
    """Return trials of two models, the strong one ten times as dear."""
    draw = random.Random(seed)
    found = []
    for number in range(n):
        hard = draw.random()
        for model, usd, share in (("small", 1.0, cheap), ("large", 10.0, strong)):
            right = hard < share
            found.append(
                Trial(task=f"t{number}", model=model, cost_usd=usd, right=right, checked=right)
            )
    return found


def test_advice():
    """Of two models: try the small one first."""
    found = advice(split(100))
    figures = found.figures

    assert (("small", "large"), None) == (found.chain, found.refusal)
    assert ("large", 4, 100) == (figures.single, figures.chains, found.tasks)
    assert 0.5 < figures.held_out.cost_ratio.value < 0.7
    assert 0 == figures.held_out.right_gain.value
    assert "measured" == found.check.basis


def test_the_order_of_trials_does_not_matter(trials):
    """The same trials, told in another order, are the same evidence."""
    turned = list(trials)
    random.Random(2).shuffle(turned)

    assert advice(trials) == advice(turned)


def test_what_is_not_known_is_left_out(trials):
    """By why; a trial without a cost is not one that cost nothing."""
    lacking = [
        attrs.evolve(trials[0], task="new", cost_usd=None),
        attrs.evolve(trials[0], task="new", right=None),
        attrs.evolve(trials[0], task="newer"),
    ]
    found = advice([*trials, *lacking])

    assert {"no_cost": 1, "no_verdict": 1, "not_tried_by_all": 1} == found.left_out
    assert advice(trials).figures == found.figures


def test_a_cascades_own_log_is_refused():
    """The strong model ran only where the cheap one was wrong: what else it can is not known."""
    seen = [one for one in split(100) if one.model == "small"]
    failed = {one.task for one in seen if not one.right}
    seen += [one for one in split(100) if one.model == "large" and one.task in failed]
    found = advice(seen)

    assert found.chain is None
    assert found.refusal.startswith("large was not tried on tasks like the others: small is right")
    assert {"selected_tasks": len(failed)} == found.left_out


def test_a_selected_model_beside_others():
    """The others are compared, and of the one it is told."""
    both = split(100)
    failed = {one.task for one in both if one.model == "small" and not one.right}
    third = [
        Trial(task=task, model="third", cost_usd=0.1, right=True, checked=True) for task in failed
    ]
    found = advice([*both, *third])

    assert ("small", "large") == found.chain
    assert [True] == [note.startswith("third was not tried on tasks like") for note in found.notes]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "not one trial has both a cost and a verdict (there are no trials)"),
        ([Trial(task="t", model="m", right=True)] * 3, "(3 have no cost)"),
        ([one for one in split(60) if one.model == "small"], "all trials are of one model, small"),
        (split(29), "only 29 tasks were tried by each of large, small; 30 are needed"),
        ([attrs.evolve(one, cost_usd=0.0) for one in split(60)], "every trial cost nothing"),
        ([attrs.evolve(one, checked=None) for one in split(60, cheap=0.0)], "no chain is cheaper"),
        ([attrs.evolve(one, cost_usd=1.0) for one in split(60)], "no chain is cheaper"),
        (
            [attrs.evolve(one, task=f"{one.model}-{one.task}") for one in split(60)],
            "only 0 tasks were tried by each of large, small",
        ),
    ],
)
def test_refusals(given, says):
    """Each says what there is, and what would be needed."""
    found = advice(given)

    assert found.chain is None
    assert says in found.refusal


@pytest.mark.parametrize("seed", range(12))
def test_a_check_that_passes_half_of_what_is_wrong(seed):
    """It is no evidence, whatever the models can."""
    world = world_of(seed, models=3, false_passes=0.5)
    found = advice(world.trials(random.Random(seed), 100))

    assert found.chain is None
    assert "of wrong work" in found.refusal


def test_false_passes_cost_success():
    """The more wrong work a check passes, the less a chain that goes by it is right."""
    given = [attrs.evolve(one, checked=None) for one in split(100)]
    right = [
        advice(given, false_passes=share, margin=0.9).figures.frontier for share in (0.0, 0.2, 0.4)
    ]
    chain = [next(one.right for one in of if one.models == ("small", "large")) for of in right]

    assert sorted(chain, reverse=True) == chain
    assert len(set(chain)) == 3


def test_a_saving_that_luck_explains_is_refused():
    """Two models that differ in nothing but what single tasks cost."""
    draw = random.Random(3)
    given = [
        Trial(task=f"t{n}", model=m, cost_usd=draw.lognormvariate(0, 2), right=True, checked=True)
        for n in range(40)
        for m in ("a", "b")
    ]

    assert advice(given).chain is None


def test_an_assumed_check_is_told():
    """Nobody should believe in a perfect check without knowing it."""
    found = advice([attrs.evolve(one, checked=None) for one in split(100)])

    assert "assumed" == found.check.basis
    assert any("taken to be perfect" in note for note in found.notes)


def test_many_models_on_few_tasks():
    """What is chosen of thousands of chains by a hundred tasks is not much worse on others."""
    given = world_of(11, models=12).trials(random.Random(11), 100)
    figures = advice(given).figures

    assert 12 + 12 * 11 + 12 * 11 * 10 == figures.chains
    assert figures.held_out.right_gain.value > -0.04


def test_how_many_false_passes_a_chain_bears():
    """A point more than that, and it is right less often than it may be."""
    given = [attrs.evolve(one, checked=None) for one in split(100)]
    borne = advice(given, margin=0.05).figures.borne
    chain = [
        next(
            one.right
            for one in advice(given, margin=0.5, false_passes=share).figures.frontier
            if one.models == ("small", "large")
        )
        for share in (borne, borne + 0.01)
    ]
    large = sum(bool(one.right) for one in given if one.model == "large") / 100

    assert chain[0] >= large - 0.05 - 1e-9 > chain[1]


def test_a_check_is_no_witness_for_itself():
    """Where its own word is all that is known, nothing is known of its false passes."""
    given = [attrs.evolve(one, is_proven=False) for one in split(100)]

    assert "assumed" == advice(given).check.basis
