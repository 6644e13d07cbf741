"""A matrix of trials as work: strategies that name models meet what these did."""

import attrs
import pytest

from autopack import Cascade, Choose, Stop, simulate
from autopack.draining.simulation.matrix_backlog import matrix_backlog
from autopack.errors import InvalidInputError
from autopack.prediction.cascades.chains import course_of
from autopack.prediction.cascades.trials import Trial, by_model, columns_of
from autopack.values.money import Usd


@attrs.frozen(kw_only=True)
class OneAfterTheOther:
    """Tries models in turn, until one completes."""

    models: tuple[str, ...]

    def __call__(self, view):
        """Take what has a model left."""
        for phase in view.ready:
            tried = len(view.attempts(phase.ref))
            if tried < len(self.models):
                return Choose(phase.ref, "the next model", model=self.models[tried])
        return Stop("each was tried")


def trial(task, model, usd, right, checked=None):
    """Return a trial that is right, or not, and that the check passed, or not."""
    return Trial(task=task, model=model, cost_usd=usd, right=right, checked=checked, calls=2)


TRIALS = [
    trial("a", "small", 0.1, True), trial("a", "large", 1, True),
    trial("b", "small", 0.2, False), trial("b", "large", 2, True),
    trial("c", "small", 0.3, False, True), trial("c", "large", 3, True),
    trial("d", "small", 0.4, True, False), trial("d", "large", 4, False),
]  # fmt: skip


def simulated(*models, trials=TRIALS):
    """Return what trying some models in turn makes of trials."""
    backlog = matrix_backlog(trials, source="a test")
    (found,) = simulate(backlog, OneAfterTheOther(models=models))
    return found


def test_a_model_alone():
    """Each task once; what it costs, and how many are right in truth."""
    found = simulated("large")

    assert (4, 3, 1, 3) == (found.attempts, found.completed, found.failed, found.right)
    assert Usd.of(10) == found.cost_usd


def test_one_after_the_other():
    """The second one takes what the check did not pass, though it was right, and no more."""
    found = simulated("small", "large")

    assert (6, 3, 3) == (found.attempts, found.completed, found.failed)
    assert (2, Usd.of(7)) == (found.right, found.cost_usd)


@pytest.mark.parametrize("models", [("small",), ("small", "large"), ("large", "small")])
def test_the_same_as_a_chain(models):
    """What advice says of a chain is what happens when it is simulated."""
    found = simulated(*models)
    tried = by_model(TRIALS)
    columns = columns_of(
        {name: tried[name] for name in models},
        ["a", "b", "c", "d"],
        lambda one: float(one.right if one.checked is None else one.checked),
    )
    course = course_of(columns, tuple(range(len(models))))

    assert sum(course.right) == found.right
    assert sum(course.cost) == pytest.approx(float(found.cost_usd))


def test_a_task_that_some_model_was_not_tried_on():
    """It is no work: what would have become of it is not known."""
    backlog = matrix_backlog([*TRIALS, trial("e", "small", 0.1, True)], source="a test")

    assert (4, 1) == (len(backlog.phases), backlog.left_out)


def test_repeats_come_one_after_the_other():
    """A second attempt of a model is its second trial, if there is one."""
    again = [*TRIALS, trial("b", "small", 0.5, True)]
    found = simulated("small", "small", trials=again)

    assert (Usd.of("1.9"), 3) == (found.cost_usd, found.right)


def test_a_strategy_that_names_no_model():
    """Nobody knows how that would end; the message says which models there are."""
    with pytest.raises(InvalidInputError, match="There are: large, small"):
        simulate(matrix_backlog(TRIALS, source="a test"), "fifo")


@pytest.mark.parametrize(
    ("trials", "models", "missing"),
    [
        (
            [one for one in TRIALS if one.model == "small"],
            "small,middle,large",
            "'middle', 'large'",
        ),
        ([*TRIALS, trial("a", "middle", 0.5, True)], "small,middle,large", "'middle'"),
        (TRIALS, "nosuch", "'nosuch'"),
    ],
)
def test_a_cascade_through_a_model_that_is_not_compared_is_refused_by_name(trials, models, missing):
    """Else the figures of those that are would be told as its own."""
    backlog = matrix_backlog(trials, source="a test")
    with pytest.raises(InvalidInputError) as refused:
        simulate(backlog, Cascade(models=models))

    assert f"No trial tells what {missing} would have done" in str(refused.value)


def test_a_cascade_through_models_that_are_compared():
    """It goes through them as any strategy does."""
    (found,) = simulate(matrix_backlog(TRIALS, source="a test"), Cascade(models="small,large"))

    assert simulated("small", "large").cost_usd == found.cost_usd


def test_nothing_to_compare():
    """Without a task that all were tried on there is no work."""
    with pytest.raises(InvalidInputError, match="no task with a cost and a verdict"):
        matrix_backlog([attrs.evolve(TRIALS[0], cost_usd=None)], source="a test")
