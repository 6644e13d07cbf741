"""Simulations of strategies that name models: refused where nobody knows what these would do."""

import pytest

from autopack import Cascade, Choose, Stop, create_run, drain, simulate
from autopack.draining.simulation.synthetic import synthetic_backlog
from autopack.errors import InvalidInputError
from drains import specs, works


def on_large(view):
    """A strategy that names a model with each choice."""
    for phase in view.ready:
        return Choose(phase.ref, "the best", model="large")
    return Stop("nothing is left")


def on_its_own(view):
    """A strategy that names the model that the phase asks for."""
    for phase in view.ready:
        return Choose(phase.ref, "as asked", model=phase.model)
    return Stop("nothing is left")


@pytest.fixture
def worked(any_log):
    """A log with phases that are done, one of which asks for a model."""
    create_run(any_log, "r", [*specs("a"), *specs("b", model="small")])
    drain(any_log, executor=works)
    return any_log


@pytest.mark.parametrize("models", ["small", "large", "nosuch", "small,large"])
def test_a_log_does_not_know_what_other_models_would_have_done(worked, models):
    """Whatever the models, it would tell the same figures; the message says what knows more."""
    with pytest.raises(InvalidInputError, match="nobody knows what other models") as refused:
        simulate(worked, Cascade(models=models))

    assert models.replace(",", ", ") in str(refused.value)
    assert "advise_models(log)" in str(refused.value)


def test_any_strategy_that_names_another_model_is_refused(worked):
    """Not only the cascade; a phase's own model is what the log knows."""
    with pytest.raises(InvalidInputError, match=r"names models \(large\)"):
        simulate(worked, on_large)
    (found,) = simulate(worked, on_its_own)

    assert 2 == found.completed


def test_made_up_work_knows_no_models_either():
    """It ends as it was made, whoever does it."""
    with pytest.raises(InvalidInputError, match="nobody knows"):
        simulate(synthetic_backlog(7), Cascade(models="small,large"))
