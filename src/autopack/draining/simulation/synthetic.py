"""A made-up backlog with systematic failures, the same for the same seed."""

import random
from collections.abc import Sequence
from typing import Final

from autopack.draining.attempts.fingerprints import fingerprint
from autopack.draining.simulation.backlogs import Backlog, predictor
from autopack.draining.simulation.simulated_drain import Answer
from autopack.draining.strategies.drain_history import TIMED_OUT
from autopack.draining.strategies.ordered_phases import group_of
from autopack.ports.work import PhaseView, RunView

_CATEGORIES: Final = ("implementation", "tests", "docs", "configuration")
_COMPLEXITIES: Final = ("low", "medium")
_ENDS: Final = {"implementation": "src/{}.py", "tests": "tests/test_{}.py", "docs": "docs/{}.md",
                "configuration": "conf/{}.toml"}  # fmt: skip
_FAILURES: Final = (
    ("import_error", "ImportError: the tests of this run cannot be collected"),
    ("patch_rejected", "the patch does not apply: the base of this run is gone"),
    ("missing_key", "a key of this run's service is missing"),
)
_TOKENS_A_SECOND: Final = 90


def synthetic_backlog(
    seed: int = 0,
    *,
    runs: int = 40,
    phases_per_run: int = 15,
    hopeless_share: float = 0.3,
    failure_share: float = 0.06,
    timeout_share: float = 0.03,
) -> Backlog:
    """
    Return a made-up backlog with systematic failures; the same seed gives the same one.

    A run is of one or two categories, as real runs are. In a hopeless run every phase burns its
    tokens and fails, in one of three ways that all hopeless runs share; in the others phases
    fail or time out by chance. Each group's output is off its prediction by a factor of its own,
    and spread by a width of its own.

    Args:
        hopeless_share: How many of the runs are hopeless.
        failure_share, timeout_share: How many of the other runs' phases fail, or time out.
    """
    draw = random.Random(seed)
    predict = predictor()
    groups = {
        f"{category}/{complexity}": (draw.lognormvariate(-0.5, 0.5), draw.uniform(0.1, 0.5))
        for category in _CATEGORIES
        for complexity in _COMPLEXITIES
    }
    phases: list[PhaseView] = []
    answers: dict[str, list[Answer]] = {}
    rows: dict[str, RunView] = {}
    for number in range(runs):
        run_id = f"run-{number:03}"
        rows[run_id] = RunView(run_id=run_id, order=number)
        failure = draw.choice(_FAILURES) if draw.random() < hopeless_share else None
        own = draw.choices(_CATEGORIES, weights=(6, 3, 2, 1), k=2)
        for index in range(phases_per_run):
            phase = _made_up(draw, run_id, index, own, order=len(phases))
            phases.append(phase)
            chance = draw.random()
            kind = failure or (_FAILURES[index % 3] if chance < failure_share else None)
            late = failure is None and failure_share <= chance < failure_share + timeout_share
            factor, spread = groups[group_of(phase)]
            output = max(50, int(predict(phase) * factor * draw.lognormvariate(0, spread)))
            told = None if failure or kind is None else f"{kind[1]} ({phase.key})"
            answers[phase.key] = [_ending(draw, predict(phase), output, kind, told, is_late=late)]
    return Backlog(
        source=f"a synthetic backlog of {runs} runs and {len(phases)} phases, seed {seed}",
        phases=phases,
        answers=answers,
        runs=rows,
        predict=predict,
    )


def _made_up(
    draw: random.Random, run_id: str, index: int, categories: Sequence[str], *, order: int
) -> PhaseView:
    category = draw.choice(categories)
    n_files = draw.choice((1, 1, 1, 2, 2, 3, 5))
    return PhaseView(
        run_id=run_id,
        phase_id=f"p{index:02}",
        order=order,
        index=index,
        category=category,
        complexity=draw.choices(_COMPLEXITIES, weights=(3, 2))[0],
        deliverables=tuple(_ENDS[category].format(f"m{index}_{n}") for n in range(n_files)),
    )


def _ending(
    draw: random.Random,
    predicted: int,
    output: int,
    kind: tuple[str, str] | None,
    told: str | None,
    *,
    is_late: bool,
) -> Answer:
    total = output + int(draw.uniform(2000, 9000))
    if is_late:
        return Answer(ending=TIMED_OUT, total_tokens=total, duration_s=900.0)
    if kind is not None:
        return Answer(
            ending="failed",
            total_tokens=total,
            fingerprint=fingerprint(kind[0], told or kind[1]),
            duration_s=output / _TOKENS_A_SECOND,
        )
    return Answer(
        ending="completed",
        total_tokens=total,
        sample=(predicted, output),
        duration_s=output / _TOKENS_A_SECOND,
    )
