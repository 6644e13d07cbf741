"""A matrix of trials as work: each task a phase, and each model's attempt at it as it was."""

from collections.abc import Mapping, Sequence

import attrs

from autopack.draining.simulation.backlogs import Backlog
from autopack.draining.simulation.simulated_drain import Answer
from autopack.errors import InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.ports.work import PhaseView, RunView
from autopack.prediction.cascades.common_tasks import compared_part
from autopack.prediction.cascades.trials import Trial
from autopack.values.money import Usd

_RUN = "matrix"


@attrs.frozen(kw_only=True)
class MatrixBacklog(Backlog):
    """
    Tasks as phases whose attempts end by the model that makes them.

    Args:
        by_model: By phase key and model: the attempts in order; the last one repeats.
    """

    by_model: Mapping[tuple[str, str], Sequence[Answer]]

    def check_models(self, models: Sequence[str]) -> None:
        """
        Return if each of *models* was tried on the tasks that are compared.

        Raises:
            InvalidInputError: It names those that were not.
        """
        known = sorted({model for _key, model in self.by_model})
        if missing := [one for one in dict.fromkeys(models) if one not in known]:
            close = did_you_mean(missing[0], known)
            raise InvalidInputError(
                f"No trial tells what {', '.join(map(repr, missing))} would have done with "
                f"{self.source}.{close} There is: {', '.join(known)}. A model that was tried on "
                "too few of the tasks, or on selected ones, is not compared.",
                name="models",
                value=tuple(models),
            )

    def answer(self, phase: PhaseView, attempt: int) -> Answer:
        """
        Return how an attempt ends with the model that it is made with.

        Raises:
            InvalidInputError: Nobody knows, as the model was not tried.
        """
        found = self.by_model.get((phase.key, phase.model or ""))
        if found is None:
            models = ", ".join(sorted({model for _key, model in self.by_model}))
            raise InvalidInputError(
                f"The strategy takes a task with the model {phase.model!r}, and no trial tells how "
                f"that ends. There are: {models}.",
                name="model",
                value=phase.model,
            )
        return found[min(attempt, len(found)) - 1]


def matrix_backlog(trials: Sequence[Trial], *, source: str) -> MatrixBacklog:
    """
    Return the tasks that can be compared as work, in the order in which they come.

    An attempt completes if the check passes the trial, or, where it is not known what it says, if
    the trial is right.

    Args:
        source: Where the trials come from, in words.

    Raises:
        InvalidInputError: No task was tried by all models that can be compared.
    """
    part = compared_part([one for one in trials if one.lacks is None])
    wanted = set(part.tasks)
    tasks = [task for task in dict.fromkeys(one.task for one in trials) if task in wanted]
    if not tasks:
        raise InvalidInputError(
            f"{source} has no task with a cost and a verdict of each model.",
            name="source",
            value=source,
        )
    phases = [_phase(number, task, len(part.tried)) for number, task in enumerate(tasks)]
    by_model = {
        (phase.key, model): [_answer(trial) for trial in of[task]]
        for model, of in part.tried.items()
        for phase, task in zip(phases, tasks, strict=True)
    }
    return MatrixBacklog(
        source=f"{len(tasks)} tasks of {source}, tried by {', '.join(part.tried)}",
        phases=phases,
        answers={
            phase.key: [one for model in part.tried for one in by_model[phase.key, model]]
            for phase in phases
        },
        runs={_RUN: RunView(run_id=_RUN, order=0)},
        predict=lambda _phase: 0,
        left_out=len({one.task for one in trials}) - len(tasks),
        by_model=by_model,
    )


def _phase(number: int, task: str, models: int) -> PhaseView:
    return PhaseView(
        run_id=_RUN,
        phase_id=f"t{number:05}",
        order=number,
        index=number,
        goal=task,
        max_attempts=models,
    )


def _answer(trial: Trial) -> Answer:
    passes = trial.right if trial.checked is None else trial.checked
    return Answer(
        ending="completed" if passes else "failed",
        calls=1 if trial.calls is None else trial.calls,
        fingerprint=None if passes else f"check_failed: {trial.task}",
        failure_class=None if passes else "check_failed",
        reason_code=None if passes else "check_failed",
        verdict="right" if passes else "wrong",
        cost_usd=None if trial.cost_usd is None else Usd.of(trial.cost_usd),
        is_right=trial.right,
        is_retryable=not passes,
    )
