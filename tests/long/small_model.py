"""A real small model answers tasks of three kinds; how large were they, and was that foreseen?"""

from collections.abc import Sequence
from operator import truediv
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

import attrs

import autopack
from autopack import Failed, PhaseSpec
from autopack.cli.demo_tasks import model_answers
from autopack.types import Sample

_THINGS: Final = (
    "river", "bridge", "harbour", "storm", "map", "sail", "anchor", "compass", "lighthouse", "fog",
    "tide", "knot", "island", "ferry", "rope", "gull", "pier", "dune", "reef", "canal",
)  # fmt: skip
_KINDS: Final = {
    "word": "Name one colour of a {}. Answer with one word.",
    "sentence": "What is a {}? Answer in one sentence.",
    "story": "Tell a short story about a {}.",
}
_LONGEST: Final = 600
_OTHERS: Final = (
    "mill", "well", "kite", "drum", "lamp", "clock", "train", "garden", "castle", "forest",
    "desert", "market", "tower", "cave", "violin", "spoon", "candle", "mirror", "ladder", "wheel",
)  # fmt: skip
_ENDING: Final = {
    "word": "Name one colour of a {}. Answer with one word.",
    "sentence": "What is a {}? Answer in one sentence.",
    "facts": "Tell me three facts about a {}.",
}
"""Kinds whose answers end by themselves."""


def answer_all(folder: Path, n: int) -> str:
    """Answer *n* tasks, each kind in turn, and return what the backtest says of them."""
    model_answers._LONGEST = _LONGEST
    phases = [
        PhaseSpec(f"{kind}-{turn}", category=kind, goal=_KINDS[kind].format(_THINGS[turn % 20]))
        for turn in range(n // len(_KINDS))
        for kind in _KINDS
    ]
    with autopack.create_log(folder / "model.autopack") as log:
        autopack.create_run(log, "model", phases)
        report = autopack.drain(log, executor=model_answers.answer, workers=2)
        assert len(phases) == report.completed, "a task was not answered"
        told = [f"{report.completed} answers, {report.total_tokens:,} tokens in and out"]
        for tau in (0.5, 0.9):
            scores = autopack.backtest(log, calibrators=["shrinkage-quantile"], tau=tau).scores
            told += [
                f"{one.group}: {one.coverage:.1%} of {one.n} within what was predicted at {tau}, "
                f"{one.cut} more were cut off"
                for one in scores
                if one.coverage is not None
            ]
    return "\n".join(told)


@attrs.frozen(kw_only=True)
class BudgetsOfRun:
    """
    How a run's budgets and predictions compare with what was written.

    Args:
        unfinished: Tasks that were never answered whole.
        given: The budgets of first attempts, in tokens.
        over: The last budget over the output, the median of whole answers.
        cut: First answers that were cut by their budget.
        smape: The mean error of the predictions, between 0 and 2.
    """

    tasks: int
    attempts: int
    unfinished: int
    given: int
    over: float
    cut: int
    smape: float

    def __str__(self) -> str:
        return (
            f"{self.tasks} tasks in {self.attempts} attempts, {self.unfinished} never whole; first "
            f"budgets {self.given:,} tokens, budget {self.over:.1f} times the output (median); "
            f"{self.cut} first answers cut by it ({self.cut / self.tasks:.1%}); "
            f"SMAPE {self.smape:.1%}"
        )


def budgets_before_and_after(folder: Path, n: int) -> tuple[BudgetsOfRun, BudgetsOfRun]:
    """Answer *n* tasks as they are estimated, calibrate, answer *n* others by ``mixture``."""
    model_answers._LONGEST = _LONGEST
    with autopack.create_log(folder / "budgets.autopack") as log:
        autopack.create_run(log, "before", _tasks(_THINGS, n))
        autopack.drain(log, executor=_whole_answer, workers=2)
        proposal = autopack.calibrate(log)
        if proposal.is_change:
            autopack.apply(log, proposal)
        autopack.create_run(log, "after", _tasks(_OTHERS, n))
        autopack.drain(log, executor=_whole_answer, workers=2, calibrator="mixture", tau=0.9)
        samples = autopack.list_samples(log)
    before, after = ([s for s in samples if s.run_id == run] for run in ("before", "after"))
    return _compared(before, n), _compared(after, n)


def _tasks(things: Sequence[str], n: int) -> list[PhaseSpec]:
    return [
        PhaseSpec(
            f"{kind}-{turn}",
            category=kind,
            complexity="low",
            deliverables=(f"answers/{kind}-{turn}.md",),
            goal=goal.format(things[turn % len(things)]),
        )
        for turn in range(n // len(_ENDING))
        for kind, goal in _ENDING.items()
    ]


def _whole_answer(phase: Any, attempt: Any) -> Any:
    """Answer, or say that the budget cut the answer, so that it is asked again with more room."""
    text = model_answers.answer(phase, attempt)
    if attempt.is_cut and attempt.budget_tokens < _LONGEST:
        return Failed("truncated", f"the answer was cut at {attempt.budget_tokens} tokens")
    return text


def _compared(samples: Sequence[Sample], n: int) -> BudgetsOfRun:
    firsts = [one for one in samples if one.attempt == 1]
    lasts = {one.phase_id: one for one in samples}.values()
    whole = [one for one in lasts if one.success and not one.truncated]
    assert n == len(firsts) == len(lasts), "a task was not answered"
    sizes = [one.actual_output_tokens or 0 for one in whole]
    said = [one.predicted_output_tokens for one in whole]
    apart = [2 * abs(a - b) / (a + b) for a, b in zip(said, sizes, strict=True)]
    budgets = [one.budget_tokens or 0 for one in whole]
    return BudgetsOfRun(
        tasks=n,
        attempts=len(samples),
        unfinished=n - len(whole),
        given=sum(one.budget_tokens or 0 for one in firsts),
        over=median(map(truediv, budgets, sizes)),
        cut=sum(one.truncated and (one.budget_tokens or 0) < _LONGEST for one in firsts),
        smape=fmean(apart),
    )
