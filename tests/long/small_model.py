"""A real small model answers tasks of three kinds; how large were they, and was that foreseen?"""

from pathlib import Path
from typing import Final

import autopack
from autopack import PhaseSpec
from autopack.cli.demo_tasks import model_answers

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
